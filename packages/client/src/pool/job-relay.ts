import type { AssignedJob } from '../assigned-job.ts'
import { timerMsMax } from '../cutoff.ts'
import { Deferred } from '../deferred.ts'
import { InvalidArgumentError } from '../errors.ts'
import type { Workload } from '../workload.ts'
import type { HandlerMessage, PoolMessage } from './messages.ts'
import { readThrown, writeThrown } from './thrown.ts'

/** The thread or process that does a job. */
interface Place {
  post(message: PoolMessage): void
  /** Ends it, whatever it is doing. `lost` is to be called then. */
  kill(): void
}

/** How long a handler may take to end when its job was aborted. */
const defaultGraceMs = 5000

export function checkedGraceMs(graceMs: number = defaultGraceMs): number {
  if (graceMs >= 0 && graceMs <= timerMsMax) return graceMs
  throw new InvalidArgumentError(`graceMs is from 0 to ${timerMsMax}, not ${graceMs}`)
}

/**
 * The worker's end of a job that is done elsewhere. What comes from there goes on to the job, and its abortion there;
 * a handler that does not end on it within `graceMs` is ended with its place.
 */
export class JobRelay {
  readonly #job: AssignedJob
  readonly #place: Place
  readonly #graceMs: number
  readonly #end = new Deferred<() => Uint8Array>()
  #isOver = false
  #killTimer: NodeJS.Timeout | undefined
  /** What the job did not take, as the handler is too far away to be thrown at. */
  #refusal: { readonly error: unknown } | undefined

  constructor(job: AssignedJob, place: Place, graceMs: number) {
    this.#job = job
    this.#place = place
    this.#graceMs = graceMs
    if (job.signal.aborted) this.#abort()
    else job.signal.addEventListener('abort', this.#abort)
  }

  /** What the handler returned; rejects with what it threw, or with how its place was lost. */
  async result(): Promise<Uint8Array> {
    const end = await this.#end.promise
    if (this.#refusal !== undefined) throw this.#refusal.error
    return end()
  }

  /** How the job ends is known. */
  get isOver(): boolean {
    return this.#isOver
  }

  receive(message: HandlerMessage): void {
    if (this.#isOver) return
    switch (message.kind) {
      case 'progress':
        this.#progress(message.numerator, message.denominator)
        break
      case 'data':
      case 'warning':
        void this.#send(message.kind, message.number, message.body)
        break
      case 'returned':
        this.#finish(() => message.body)
        break
      case 'threw':
        this.#finish(() => {
          throw readThrown(message.thrown, this.#job.signal.reason)
        })
    }
  }

  /** The place has ended. If the job had not, that is its end. */
  lost(error: Error): void {
    this.#finish(() => {
      const { signal } = this.#job
      throw signal.aborted ? signal.reason : error
    })
  }

  #finish(end: () => Uint8Array): void {
    if (this.#isOver) return
    this.#isOver = true
    clearTimeout(this.#killTimer)
    this.#job.signal.removeEventListener('abort', this.#abort)
    this.#end.resolve(end)
  }

  readonly #abort = (): void => {
    this.#place.post({ kind: 'abort', reason: writeThrown(this.#job.signal.reason) })
    this.#killTimer = setTimeout(() => this.#place.kill(), this.#graceMs)
  }

  #progress(numerator: number, denominator: number): void {
    try {
      this.#job.progress(numerator, denominator)
    } catch (error) {
      this.#refusal ??= { error }
    }
  }

  /** The handler waits as long as the job does. */
  async #send(kind: 'data' | 'warning', number: number, body: unknown): Promise<void> {
    let refusal: unknown
    try {
      // Its type is the handler's word, and the job checks it.
      const chunk = body as Workload
      await (kind === 'data' ? this.#job.data(chunk) : this.#job.warn(chunk))
    } catch (error) {
      refusal = error
    }
    if (this.#isOver) return
    this.#place.post({ kind: 'sent', number, refusal: refusal === undefined ? undefined : writeThrown(refusal) })
  }
}
