import { resolve } from 'node:path'
import { type Log, silentLog } from '../../log.ts'
import { type Batch, type BatchResult, type Store, StoreError, type StoreRequest, type StoreState } from '../store.ts'
import type { Answer } from './messages.ts'
import { StoreThread, type StoreThreadOptions } from './store-thread.ts'

const patienceMsDefault = 10_000

export interface SqliteStoreOptions {
  readonly log?: Log | undefined
  /** Said in the log when the disk, or the thread, has kept the server waiting for so long. */
  readonly patienceMs?: number | undefined
  /** For tests: the file has no room for more pages of 4 KiB. */
  readonly pagesMax?: number | undefined
  /** For tests: uniques have only so many different keys, so that they clash. */
  readonly keysMax?: number | undefined
}

/** Jobs in a SQLite file. A thread does the work, so that no disk ever stops the event loop. */
export class SqliteStore implements Store {
  readonly name: string
  readonly #options: StoreThreadOptions
  #thread: StoreThread | undefined

  constructor(path: string, options: SqliteStoreOptions = {}) {
    const { log = silentLog, patienceMs = patienceMsDefault, pagesMax, keysMax } = options
    this.name = `sqlite:${path}`
    this.#options = { name: this.name, log, patienceMs, data: { path: resolve(path), pagesMax, keysMax } }
  }

  async open(atLeast: number): Promise<StoreState> {
    if (this.#thread?.isAlive !== true) this.#thread = new StoreThread(this.#options)
    const answer = await this.#thread.ask({ kind: 'open', atLeast })
    if (answer.kind === 'opened') {
      if (answer.wasEmpty)
        this.#options.log.warn(`the file of the store ${this.name} is there and empty: the store begins as a new one`)
      return answer.state
    }
    await this.#endThread()
    throw refusal(answer)
  }

  async commit(batch: Batch): Promise<BatchResult> {
    if (this.#thread === undefined) throw new StoreError('STORE_NOT_OPEN', `the store ${this.name} is not open`)
    const requests = batch.requests.map(withOwnWorkload)
    const buffers = [batch.forget, batch.additions].filter(({ length }) => length > 0).map(({ buffer }) => buffer)
    const answer = await this.#thread.ask({ kind: 'commit', batch: { ...batch, requests } }, buffers)
    if (answer.kind === 'committed') return answer.result
    throw refusal(answer)
  }

  async close(): Promise<void> {
    if (this.#thread?.isAlive !== true) return
    const answer = await this.#thread.ask({ kind: 'close' })
    await this.#endThread()
    if (answer.kind !== 'closed') throw refusal(answer)
  }

  async #endThread(): Promise<void> {
    const thread = this.#thread
    this.#thread = undefined
    await thread?.end()
  }
}

function refusal(answer: Answer): StoreError {
  if (answer.kind === 'refused') return new StoreError(answer.code, answer.message)
  throw new Error(`the thread answered "${answer.kind}" to another question`)
}

/** A view would take the whole buffer that it is on along. */
function withOwnWorkload(request: StoreRequest): StoreRequest {
  if (request.kind !== 'find same') return request
  return { ...request, workload: new Uint8Array(request.unique === '-' ? request.workload : []) }
}
