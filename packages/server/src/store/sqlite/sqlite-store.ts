import { resolve } from 'node:path'
import { Worker } from 'node:worker_threads'
import { type Log, silentLog } from '../../log.ts'
import { type Batch, type BatchResult, type Store, StoreError, type StoreRequest, type StoreState } from '../store.ts'
import type { Answer, Question, ThreadData } from './messages.ts'
import { watch } from './patience.ts'

const patienceMsDefault = 10_000

export interface SqliteStoreOptions {
  readonly log?: Log | undefined
  /** Said when the disk, or the thread, has kept the server waiting for so long. */
  readonly patienceMs?: number | undefined
  /** For tests: the file has no room for more pages of 4 KiB. */
  readonly pagesMax?: number | undefined
  /** For tests: uniques have only so many different keys, so that they clash. */
  readonly keysMax?: number | undefined
}

interface Pending {
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: StoreError) => void
  readonly stopWatching: () => void
}

/** Jobs in a SQLite file. A thread does the work, so that no disk ever stops the event loop. */
export class SqliteStore implements Store {
  readonly name: string
  readonly #path: string
  readonly #data: ThreadData
  readonly #log: Log
  readonly #patienceMs: number
  #thread: Worker | undefined
  /** Questions that the thread has not answered yet, in order. */
  #pending: Pending[] = []

  constructor(path: string, options: SqliteStoreOptions = {}) {
    this.name = `sqlite:${path}`
    this.#path = path
    this.#data = { path: resolve(path), pagesMax: options.pagesMax, keysMax: options.keysMax }
    this.#log = options.log ?? silentLog
    this.#patienceMs = options.patienceMs ?? patienceMsDefault
  }

  async open(atLeast: number): Promise<StoreState> {
    this.#thread ??= this.#startThread()
    const answer = await this.#ask({ kind: 'open', atLeast })
    if (answer.kind === 'opened') return answer.state
    await this.#endThread()
    throw refusal(answer)
  }

  /** The buffers of `forget` and `additions` go to the thread: they are empty afterwards. */
  async commit(batch: Batch): Promise<BatchResult> {
    const own = { ...batch, requests: batch.requests.map(withOwnWorkload) }
    const buffers = [batch.forget, batch.additions].filter((each) => each.length > 0).map((each) => each.buffer)
    const answer = await this.#ask({ kind: 'commit', batch: own }, buffers as ArrayBuffer[])
    if (answer.kind === 'committed') return answer.result
    throw refusal(answer)
  }

  async close(): Promise<void> {
    if (this.#thread === undefined) return
    const answer = await this.#ask({ kind: 'close' })
    await this.#endThread()
    if (answer.kind !== 'closed') throw refusal(answer)
  }

  #ask(question: Question, buffers: readonly ArrayBuffer[] = []): Promise<Answer> {
    const thread = this.#thread
    if (thread === undefined) return Promise.reject(new StoreError('STORE_NOT_OPEN', `${this.#path} is not open`))
    return new Promise((resolve, reject) => {
      thread.postMessage(question, buffers)
      const stopWatching = watch(this.name, question.kind, this.#patienceMs, this.#log)
      this.#pending.push({ resolve, reject, stopWatching })
    })
  }

  #startThread(): Worker {
    // What the compiler makes of thread.ts.
    const thread = new Worker(new URL('./thread.js', import.meta.url), { name: 'store', workerData: this.#data })
    let cause: unknown
    thread.on('message', (answer: Answer) => {
      const pending = this.#pending.shift()
      pending?.stopWatching()
      pending?.resolve(answer)
    })
    thread.on('error', (error) => {
      cause = error
    })
    thread.on('exit', () => {
      this.#thread = undefined
      this.#died(cause)
    })
    return thread
  }

  async #endThread(): Promise<void> {
    await this.#thread?.terminate()
  }

  #died(cause: unknown): void {
    const pending = this.#pending
    this.#pending = []
    const why = cause instanceof Error ? `: ${cause.message}` : ''
    const error = new StoreError('STORE_THREAD_DIED', `the thread that keeps ${this.#path} has ended${why}`, { cause })
    for (const each of pending) {
      each.stopWatching()
      each.reject(error)
    }
  }
}

function refusal(answer: Answer): StoreError {
  if (answer.kind === 'refused') return new StoreError(answer.code, answer.message)
  throw new Error(`the thread answered "${answer.kind}" to another question`)
}

/** A view would take the whole buffer that it is on along. */
function withOwnWorkload(request: StoreRequest): StoreRequest {
  if (request.kind !== 'find same') return request
  return { ...request, workload: request.unique === '-' ? new Uint8Array(request.workload) : new Uint8Array(0) }
}
