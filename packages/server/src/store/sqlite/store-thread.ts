import { Worker } from 'node:worker_threads'
import type { Log } from '../../log.ts'
import { StoreError } from '../store.ts'
import type { Answer, Question, ThreadData } from './messages.ts'
import { watch } from './patience.ts'

export interface StoreThreadOptions {
  /** What a person calls the store. */
  readonly name: string
  readonly log: Log
  readonly patienceMs: number
  readonly data: ThreadData
}

interface Pending {
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: StoreError) => void
  readonly stopWatching: () => void
}

/** The thread in which a store works, from its start to its end. */
export class StoreThread {
  readonly #options: StoreThreadOptions
  readonly #worker: Worker
  /** Those who wait for an answer, in the order of their questions. */
  readonly #pending: Pending[] = []
  #isEnding = false
  /** Why there will be no answer any more. */
  #death: StoreError | undefined

  constructor(options: StoreThreadOptions) {
    this.#options = options
    // What the compiler makes of thread.ts.
    this.#worker = new Worker(new URL('./thread.js', import.meta.url), { name: 'store', workerData: options.data })
    let cause: unknown
    this.#worker.on('message', (answer: Answer) => {
      // It ends by itself then, before or after it is told to.
      if (answer.kind === 'closed') this.#isEnding = true
      const pending = this.#pending.shift()
      pending?.stopWatching()
      pending?.resolve(answer)
    })
    this.#worker.on('error', (error) => {
      cause = error
    })
    this.#worker.on('exit', () => this.#die(cause))
  }

  get isAlive(): boolean {
    return this.#death === undefined
  }

  /** The buffers go to the thread and are empty here afterwards. Rejects with a StoreError: it has ended. */
  ask(question: Question, buffers: readonly ArrayBufferLike[] = []): Promise<Answer> {
    if (this.#death !== undefined) return Promise.reject(this.#death)
    return new Promise((resolve, reject) => {
      // Nobody shares memory with the thread.
      this.#worker.postMessage(question, buffers as ArrayBuffer[])
      const { name, patienceMs, log } = this.#options
      const stopWatching = watch(name, question.kind, patienceMs, log)
      this.#pending.push({ resolve, reject, stopWatching })
    })
  }

  async end(): Promise<void> {
    this.#isEnding = true
    await this.#worker.terminate()
  }

  #die(cause: unknown): void {
    const { name, log } = this.#options
    const why = cause instanceof Error ? `: ${cause.message}` : ''
    const death = new StoreError('STORE_THREAD_DIED', `the thread of the store ${name} has ended${why}`, { cause })
    this.#death = death
    if (!this.#isEnding) log.error({ err: cause }, death.message)
    for (const { stopWatching, reject } of this.#pending.splice(0)) {
      stopWatching()
      reject(death)
    }
  }
}
