import { type FunctionRules, rulesOf } from './functions.ts'

/** Clocks of two processes are read, and dates are whole milliseconds. */
export const toleranceMs = 8
const never = Number.POSITIVE_INFINITY
const notesMax = 200

/** A job that a worker was given, and what it said of it. Moments are Infinity while a thing has not happened. */
export interface Attempt {
  readonly worker: string
  /** Of which server. */
  readonly life: number
  /** The server has given it out between these. */
  readonly grabbedAt: number
  readonly heardAt: number
  how: 'open' | 'complete' | 'fail' | 'exception' | 'left'
  /** When the worker said so. */
  endedAt: number
  /** The result, or what the exception said. */
  text: string
  /** By then the server had heard it. */
  receivedAt: number
  /** What the server made of it is on disk. */
  isKept: boolean
}

/** A job that a client has submitted, or that the server was to submit because another one is done. */
export class JobAccount {
  readonly id: string
  readonly rules: FunctionRules
  readonly sentAt: number
  /** Not to be begun before. */
  readonly runAt: number
  /** The attempt whose result it is. */
  readonly origin: Attempt | undefined
  ackedAt: number = never
  handle: string | undefined
  readonly attempts: Attempt[] = []
  /** Those before it were made before it was last dead. */
  cycleStart = 0
  /** Attempts since then that a kill may have made the server forget. */
  losses = 0
  /** How often somebody has asked for it to be tried again. */
  revivals = 0
  dead: 'no' | 'yes' | 'maybe' = 'no'
  /** When it was last known to be dead. */
  deadAt: number = never
  deleted: 'no' | 'maybe' | 'yes' = 'no'
  readonly notes: string[] = []

  constructor(id: string, functionName: string, sentAt: number, runAt: number, origin?: Attempt) {
    this.id = id
    this.rules = rulesOf(functionName)
    this.sentAt = sentAt
    this.runAt = runAt
    this.origin = origin
  }

  /** Of the current cycle. */
  get tries(): readonly Attempt[] {
    return this.attempts.slice(this.cycleStart)
  }

  /** The server has promised it. */
  get isOwed(): boolean {
    if (this.deadAt < never) return true
    if (this.origin === undefined) return this.ackedAt < never
    return this.origin.isKept && this.#isTaken(this.origin)
  }

  /** The server must not have it. */
  get isForbidden(): boolean {
    return this.origin !== undefined && this.#isTooLate(this.origin)
  }

  /** Its end that the server has heard in time; undefined if that is not certain. */
  done(life: number): Attempt | undefined {
    return this.tries.find((attempt) => {
      return attempt.how === 'complete' && (attempt.isKept || attempt.life === life) && this.#isTaken(attempt)
    })
  }

  get mayBeDone(): boolean {
    return this.tries.some((attempt) => attempt.how === 'complete' && !this.#isTooLate(attempt))
  }

  /** It has ended without being done, and that is on disk. */
  hasKeptFailure(): boolean {
    return this.tries.some(({ how, isKept }) => (how === 'fail' || how === 'exception') && isKept)
  }

  /** The server can't have ended the attempt before that. */
  endMin(attempt: Attempt): number {
    return Math.min(attempt.endedAt, attempt.grabbedAt + this.rules.timeoutMs)
  }

  /** It has surely been running from that moment on until now. */
  isHeldSince(attempt: Attempt, life: number, at: number, now: number): boolean {
    if (attempt.life !== life || attempt.how !== 'open' || attempt.heardAt > at) return false
    return now < attempt.grabbedAt + this.rules.timeoutMs
  }

  note(at: number, what: string): void {
    if (this.notes.length < notesMax) this.notes.push(`${at} ${what}`)
  }

  /** The server heard it while the worker still had the job. */
  #isTaken({ how, receivedAt, grabbedAt }: Attempt): boolean {
    return how !== 'open' && how !== 'left' && receivedAt - grabbedAt < this.#timeoutMs
  }

  /** The attempt was over when the worker spoke. */
  #isTooLate({ endedAt, heardAt }: Attempt): boolean {
    return endedAt > heardAt + this.#timeoutMs + toleranceMs
  }

  /** Of the job that the attempt is of; all have the same. */
  get #timeoutMs(): number {
    return this.rules.timeoutMs
  }
}
