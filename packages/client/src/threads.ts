import { createRequire } from 'node:module'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { MessageChannel, type ResourceLimits, receiveMessageOnPort } from 'node:worker_threads'
import type { Piscina } from 'piscina'
import { type AssignedJob, EncodedResult } from './assigned-job.ts'
import { HandlerLostError, PackageMissingError } from './errors.ts'
import { checkedGraceMs, JobRelay } from './pool/job-relay.ts'
import {
  type HandlerExport,
  type HandlerMessage,
  handlerExport,
  jobOrder,
  type PooledHandler,
} from './pool/messages.ts'
import { ownBytes, postMoved } from './pool/port.ts'
import { Slots } from './pool/slots.ts'
import type { ThreadTask } from './pool/thread.ts'

export interface ThreadPoolOptions {
  /** Jobs at once; default: as many as the machine can run. */
  readonly threads?: number | undefined
  /** A handler that has not ended so long after its job was aborted is ended with its thread; default 5 s. */
  readonly graceMs?: number | undefined
  /** The memory that each thread may use. A job that needs more fails, and costs nobody else anything. */
  readonly resourceLimits?: ResourceLimits | undefined
}

const script = fileURLToPath(new URL('./pool/thread.js', import.meta.url))

/**
 * Threads that handlers run in, so that those which compute do not keep the worker from its connection. A thread does
 * one job at a time; one that ends is replaced.
 */
export class ThreadPool {
  readonly #slots: Slots
  readonly #graceMs: number
  readonly #threads: Piscina<ThreadTask, void>

  /** Starts the threads. Throws if piscina is not installed. */
  constructor(options: ThreadPoolOptions = {}) {
    const { threads = availableParallelism(), graceMs, resourceLimits } = options
    this.#slots = new Slots(threads, 'threads')
    this.#graceMs = checkedGraceMs(graceMs)
    this.#threads = new (requirePiscina())({
      filename: script,
      name: 'doTask',
      // All of them, always: piscina replaces those below the minimum only.
      minThreads: threads,
      maxThreads: threads,
      // Threads that wait for jobs by other means do nothing else meanwhile, such as closing what handlers have open.
      atomics: 'disabled',
      recordTiming: false,
      ...(resourceLimits === undefined ? {} : { resourceLimits }),
    })
    // A thread that had no job has ended, by something that an earlier one has left behind.
    this.#threads.on('error', (error: Error) => process.emitWarning(error))
  }

  /** Has a function's jobs done by what a module exports: a handler like any other. */
  handler(module: URL, exportName = 'default'): PooledHandler {
    const handler = handlerExport(module, exportName)
    return async (job) => new EncodedResult(await this.#slots.run(job.signal, () => this.#work(job, handler)))
  }

  /** Takes no more jobs, and ends the threads when those that there are have ended. To be called after the workers'. */
  async close(): Promise<void> {
    await this.#slots.close()
    await this.#threads.destroy()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #work(job: AssignedJob, handler: HandlerExport): Promise<Uint8Array> {
    const { port1, port2 } = new MessageChannel()
    const kill = new AbortController()
    const place = { post: (message: object) => postMoved(port1, message), kill: () => kill.abort() }
    const relay = new JobRelay(job, place, this.#graceMs)
    port1.on('message', (message: HandlerMessage) => relay.receive(message))
    const body = ownBytes(job.workload)
    const task = { order: { ...jobOrder(job, handler), body }, port: port2 }
    try {
      await this.#threads.run(task, { transferList: [port2, body.buffer], signal: kill.signal })
    } catch (error) {
      // That the thread has ended can be heard before what it has said.
      for (let heard = receiveMessageOnPort(port1); heard !== undefined; heard = receiveMessageOnPort(port1)) {
        // Only the job there posts to it.
        relay.receive(heard.message as HandlerMessage)
      }
      const ended = error instanceof Error ? error : new Error(String(error))
      if (relay.isOver) process.emitWarning(ended)
      else relay.lost(new HandlerLostError(`the thread of the job ended: ${ended.message}`, { cause: error }))
    }
    try {
      return await relay.result()
    } finally {
      port1.close()
    }
  }
}

/** It is loaded only by those who use it, and at once, so that whoever lacks it learns so when the worker is made. */
function requirePiscina(): typeof Piscina {
  try {
    const required: { readonly Piscina: typeof Piscina } = createRequire(import.meta.url)('piscina')
    return required.Piscina
  } catch (error) {
    throw new PackageMissingError(
      '@geartrain/client/threads needs piscina, which could not be loaded: npm install piscina',
      {
        cause: error,
      },
    )
  }
}
