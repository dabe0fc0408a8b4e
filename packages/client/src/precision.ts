import type { ConnectionLostError, GeartrainError } from './errors.ts'
import type { Reply } from './reply.ts'

/** A request that is written otherwise if the server reads fractions of a second. */
interface Undecided {
  readonly send: (isPrecise: boolean) => void
  readonly reply: Reply
}

/**
 * Whether a server reads fractions of a second. Geartrain does; others pass over them, and the job would come too early,
 * or refuse them. The reply of what finds it out: a question that others answer with an error. Until then requests wait.
 */
export class Precision implements Reply {
  readonly expects = 'OPTION_RES'
  readonly hasEnded = false
  #isPrecise: boolean | undefined
  #waiting: Undecided[] = []

  decide(request: Undecided): void {
    if (this.#isPrecise === undefined) this.#waiting.push(request)
    else request.send(this.#isPrecise)
  }

  answer(): void {
    this.#settle(true)
  }

  refused(): void {
    this.#settle(false)
  }

  lost(error: ConnectionLostError): void {
    for (const { reply } of this.#waiting.splice(0)) reply.lost(error)
  }

  fail(error: GeartrainError): void {
    for (const { reply } of this.#waiting.splice(0)) reply.fail(error)
  }

  /** At once, before other answers: the connection is closed when nothing waits for one. */
  #settle(isPrecise: boolean): void {
    this.#isPrecise = isPrecise
    for (const { send } of this.#waiting.splice(0)) send(isPrecise)
  }
}

/** Seconds since 1970, to the millisecond if it is not a whole one. Rounded up: not before the time that was asked for. */
export function epochText(atMs: number): string {
  const wholeMs = Math.ceil(atMs)
  const seconds = String(Math.floor(wholeMs / 1000))
  return wholeMs % 1000 === 0 ? seconds : `${seconds}.${String(wholeMs % 1000).padStart(3, '0')}`
}

/** Of the arguments of SUBMIT_JOB_EPOCH. */
export function hasFraction([, , epoch = '']: readonly string[]): boolean {
  return epoch.includes('.')
}

/** Also not before that time. */
export function withWholeSeconds([jobFunction = '', unique = '', epoch = '']: readonly string[]): string[] {
  return [jobFunction, unique, String(Math.ceil(Number(epoch)))]
}
