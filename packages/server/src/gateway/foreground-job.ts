import type { Clock } from '../clock.ts'
import type { Connection } from '../connection.ts'
import { Problem } from '../http/problem.ts'
import type { Limits } from '../limits.ts'
import type { ServerPacket } from '../server-packet.ts'
import { LocalLink } from './local-link.ts'
import { refusal } from './refusal.ts'
import { type LocalSubmission, sendSubmission } from './submission.ts'

/** What becomes of a job that is waited for. Nothing comes after `complete` or `failed`; without `created`, it was refused. */
export type ForegroundEvent =
  | { readonly kind: 'created'; readonly handle: string }
  | { readonly kind: 'data' | 'warning'; readonly data: Uint8Array }
  | { readonly kind: 'progress'; readonly numerator: number; readonly denominator: number }
  | { readonly kind: 'complete'; readonly result: Uint8Array }
  /** `exception` is what the worker said, if it did. */
  | { readonly kind: 'failed'; readonly problem: Problem; readonly exception: Uint8Array | undefined }

export interface ForegroundContext {
  readonly clock: Clock
  readonly limits: Limits
  connect(link: LocalLink): Connection | undefined
}

/** More of what a worker said does not fit in a sentence. */
const saidMax = 1000
const whyFailed = 'its worker has said so and not why, its time was over, it was cancelled, or its workers were lost'

/** A job that somebody waits for, who is a session of the server's for so long. Who may submit it is the caller's to check. */
export class ForegroundJob {
  readonly #context: ForegroundContext
  readonly #submission: LocalSubmission
  readonly #link: LocalLink
  readonly #onEvent: (event: ForegroundEvent) => void
  readonly #stopTimer: () => void
  #hasEnded = false

  /** `timeoutMs`: it is waited for so long; undefined: as long as it takes. */
  constructor(
    context: ForegroundContext,
    submission: LocalSubmission,
    timeoutMs: number | undefined,
    onEvent: (event: ForegroundEvent) => void,
  ) {
    this.#context = context
    this.#submission = submission
    this.#onEvent = onEvent
    this.#link = new LocalLink(context.limits, (packet) => this.#receive(packet))
    this.#link.once('close', () =>
      this.#fail(new Problem('SHUTTING_DOWN', 'the server has closed before the job was done')),
    )
    this.#stopTimer =
      timeoutMs === undefined ? () => {} : context.clock.after(timeoutMs, () => this.#timeOut(timeoutMs))
  }

  /** Once. Events come from now on, and may come before this returns. */
  submit(): void {
    this.#context.connect(this.#link)
    this.#link.send('SET_CLIENT_ID', ['http'])
    this.#link.send('OPTION_REQ', ['exceptions'])
    sendSubmission(this.#link, this.#submission, 'foreground')
  }

  /** Whoever gets its events is slow: no more come until `goOn`, and the job's worker may have to wait as well. */
  holdBack(): void {
    this.#link.holdBack()
  }

  goOn(): void {
    this.#link.goOn()
  }

  /** It is not waited for any more: if nobody else does and no worker has it, it is dropped. */
  leave(): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#stopTimer()
    this.#link.destroy()
  }

  #receive({ name, args, data }: ServerPacket): void {
    if (this.#hasEnded) return
    if (name === 'JOB_CREATED') this.#onEvent({ kind: 'created', handle: args[0] ?? '' })
    else if (name === 'WORK_DATA') this.#onEvent({ kind: 'data', data })
    else if (name === 'WORK_WARNING') this.#onEvent({ kind: 'warning', data })
    else if (name === 'WORK_STATUS')
      this.#onEvent({ kind: 'progress', numerator: toCount(args[1]), denominator: toCount(args[2]) })
    else if (name === 'WORK_COMPLETE') this.#end({ kind: 'complete', result: data })
    else if (name === 'WORK_FAIL') this.#fail(new Problem('JOB_FAILED', whyFailed))
    else if (name === 'WORK_EXCEPTION') this.#fail(new Problem('JOB_EXCEPTION', toText(data)), data)
    else if (name === 'ERROR') this.#fail(refusal(args[0] ?? '', args[1] ?? ''))
  }

  #timeOut(timeoutMs: number): void {
    this.#fail(new Problem('JOB_TIMEOUT', `the job was not done in ${timeoutMs} ms, and is not waited for any more`))
  }

  #fail(problem: Problem, exception?: Uint8Array): void {
    if (!this.#hasEnded) this.#end({ kind: 'failed', problem, exception })
  }

  #end(event: ForegroundEvent): void {
    this.leave()
    this.#onEvent(event)
  }
}

function toText(data: Uint8Array): string {
  const text = Buffer.from(data.buffer, data.byteOffset, data.length).toString('utf8')
  return text.length > saidMax ? `${text.slice(0, saidMax)}...` : text
}

/** As C reads a 32-bit count: leading digits, else 0. */
function toCount(text = ''): number {
  const value = Number.parseInt(text, 10)
  return Number.isNaN(value) ? 0 : value >>> 0
}
