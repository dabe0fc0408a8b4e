import { type CallOptions, startCutoff } from './cutoff.ts'
import { Deferred } from './deferred.ts'
import { type GeartrainError, JobExceptionError, JobFailedError } from './errors.ts'
import { Fifo } from './fifo.ts'

/** What happens to a job, in its order. `complete`, `fail` and `exception` are the end of it. */
export type JobEvent =
  | { readonly type: 'created'; readonly handle: string }
  | { readonly type: 'data'; readonly data: Uint8Array }
  | { readonly type: 'warning'; readonly data: Uint8Array }
  | { readonly type: 'status'; readonly numerator: number; readonly denominator: number }
  | JobEnd

export type JobEnd =
  | { readonly type: 'complete'; readonly data: Uint8Array }
  | { readonly type: 'fail' }
  | { readonly type: 'exception'; readonly data: Uint8Array }

/** How it came out for the one who waits: the job's end, or why that will not be known. */
type Outcome = JobEnd | { readonly type: 'unknown'; readonly error: GeartrainError }

/**
 * A foreground job, as the one who submitted it sees it. It can be watched in two ways, or both: `result()` for the
 * end alone, and `for await (const event of job)` for all on the way. It is no promise itself, so that awaiting one
 * by mistake doesn't wait for the job.
 */
export class SubmittedJob {
  readonly function: string
  readonly unique: string
  #handle: string | undefined
  #outcome: Outcome | undefined
  /** Those not iterated yet, without the first and the last. Few jobs have any. */
  #events: Fifo<JobEvent> | undefined
  #created: Deferred<string> | undefined
  #result: Deferred<Uint8Array> | undefined
  #happened: Deferred<void> | undefined
  readonly #release: () => void

  /** Jobs come from `client.submit`. */
  constructor(jobFunction: string, unique: string, options: CallOptions) {
    this.function = jobFunction
    this.unique = unique
    this.#release = startCutoff(options, `the job of ${jobFunction}`, (error) => this.giveUp(error))
  }

  /** The server's name for the job; undefined until the server has answered. */
  get handle(): string | undefined {
    return this.#handle
  }

  /** True once the job has ended, or its end can't be learnt any more. */
  get hasEnded(): boolean {
    return this.#outcome !== undefined
  }

  /** The handle, when the server has taken the job. */
  created(): Promise<string> {
    if (this.#created === undefined) {
      this.#created = new Deferred()
      if (this.#handle !== undefined) this.#created.resolve(this.#handle)
      else if (this.#outcome?.type === 'unknown') this.#created.reject(this.#outcome.error)
    }
    return this.#created.promise
  }

  /**
   * What the worker returned. Rejects with JobFailedError or JobExceptionError when the job ended so, and otherwise
   * with what came between: ServerError, ConnectionLostError, TimeoutError, AbortedError, ClosedError, ConnectError.
   */
  result(): Promise<Uint8Array> {
    if (this.#result === undefined) {
      this.#result = new Deferred()
      if (this.#outcome !== undefined) this.#settle(this.#result, this.#outcome)
    }
    return this.#result.promise
  }

  /** The result as text. */
  async text(): Promise<string> {
    return new TextDecoder().decode(await this.result())
  }

  /** The result, which is JSON, as what it means. */
  async json(): Promise<unknown> {
    return JSON.parse(await this.text())
  }

  /**
   * All events from the first, each once: what is not iterated is kept for whoever iterates later. The last one is
   * the job's end, also a bad one; throws only if the end can't be learnt.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<JobEvent, void, undefined> {
    yield { type: 'created', handle: await this.created() }
    for (;;) {
      const event = this.#events?.shift()
      if (event !== undefined) {
        yield event
        continue
      }
      if (this.#outcome !== undefined) {
        if (this.#outcome.type === 'unknown') throw this.#outcome.error
        yield this.#outcome
        return
      }
      this.#happened ??= new Deferred()
      await this.#happened.promise
    }
  }

  /** @internal The server has taken it. */
  create(handle: string): void {
    if (this.#outcome !== undefined) return
    this.#handle = handle
    this.#created?.resolve(handle)
  }

  /** @internal Something came that is not the end. */
  add(event: JobEvent): void {
    if (this.#outcome !== undefined) return
    this.#events ??= new Fifo()
    this.#events.push(event)
    this.#wake()
  }

  /** @internal */
  end(end: JobEnd): void {
    this.#finish(end)
  }

  /** @internal Its end will not be known here. */
  giveUp(error: GeartrainError): void {
    this.#finish({ type: 'unknown', error })
  }

  #finish(outcome: Outcome): void {
    if (this.#outcome !== undefined) return
    this.#outcome = outcome
    this.#release()
    if (outcome.type === 'unknown' && this.#handle === undefined) this.#created?.reject(outcome.error)
    if (this.#result !== undefined) this.#settle(this.#result, outcome)
    this.#wake()
  }

  #settle(result: Deferred<Uint8Array>, outcome: Outcome): void {
    switch (outcome.type) {
      case 'complete':
        result.resolve(outcome.data)
        break
      case 'fail':
        result.reject(new JobFailedError(this.function, this.#handle ?? ''))
        break
      case 'exception':
        result.reject(new JobExceptionError(this.function, this.#handle ?? '', outcome.data))
        break
      case 'unknown':
        result.reject(outcome.error)
        break
    }
  }

  #wake(): void {
    this.#happened?.resolve()
    this.#happened = undefined
  }
}
