import { type ChildProcess, type ForkOptions, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { AssignedJob } from '../assigned-job.ts'
import { Deferred } from '../deferred.ts'
import { HandlerLostError } from '../errors.ts'
import { JobRelay } from './job-relay.ts'
import type { HandlerMessage, JobOrder, PoolMessage } from './messages.ts'

const script = fileURLToPath(new URL('./process.js', import.meta.url))

const nothing = () => {}

/** A child process that does jobs, one at a time. */
export class HandlerProcess {
  readonly #child: ChildProcess
  readonly #graceMs: number
  readonly #closed = new Deferred<void>()
  #relay: JobRelay | undefined
  /** Jobs that it has been given, ever. */
  jobCount = 0
  isUp = true

  /** `onLost` is called if it ends while it has no job and was not told to. */
  constructor(options: Pick<ForkOptions, 'execArgv' | 'env'>, graceMs: number, onLost: (error: Error) => void) {
    this.#graceMs = graceMs
    this.#child = fork(script, { ...options, serialization: 'advanced' })
    const lose = (error: Error) => {
      if (!this.isUp) return
      this.isUp = false
      if (this.#relay === undefined) onLost(error)
      else this.#relay.lost(error)
    }
    this.#child.on('message', (message: HandlerMessage) => this.#relay?.receive(message))
    this.#child.on('error', (error) => {
      // It never ran if it has no id, and then nothing else will be heard of it.
      if (this.#child.pid !== undefined) return
      lose(new HandlerLostError(`no process could be started for the job: ${error.message}`, { cause: error }))
      this.#closed.resolve()
    })
    // Its last messages may come after its exit, but not after the end of the channel. ('close' does not come to those
    // that were disconnected.)
    const end = () => {
      const { exitCode, signalCode, connected } = this.#child
      if (connected || (exitCode === null && signalCode === null)) return
      const how = signalCode === null ? `ended with code ${exitCode}` : `was ended by ${signalCode}`
      lose(new HandlerLostError(`the process of the job ${how}`))
      this.#closed.resolve()
    }
    this.#child.on('exit', end)
    this.#child.on('disconnect', end)
  }

  async work(job: AssignedJob, order: JobOrder): Promise<Uint8Array> {
    const post = (message: JobOrder | PoolMessage) => {
      // What can't be sent to it any more is known from its end.
      this.#child.send(message, nothing)
    }
    const relay = new JobRelay(job, { post, kill: () => this.#child.kill('SIGKILL') }, this.#graceMs)
    this.#relay = relay
    this.jobCount++
    post(order)
    try {
      return await relay.result()
    } finally {
      this.#relay = undefined
    }
  }

  /** Resolves when it has ended, which it is given `graceMs` to do by itself. */
  async end(): Promise<void> {
    this.isUp = false
    if (this.#child.connected) this.#child.disconnect()
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), this.#graceMs)
    await this.#closed.promise
    clearTimeout(timer)
  }
}
