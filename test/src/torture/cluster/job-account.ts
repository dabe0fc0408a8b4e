import type { Life } from './life.ts'

export const never: number = Number.POSITIVE_INFINITY
/** Clocks of two processes are read, and the server's date need not be this machine's to the millisecond. */
export const toleranceMs = 50
const notesMax = 200

/** What somebody has asked for. Its workload is its id. Times are dates; Infinity is not yet. */
export interface Submission {
  readonly id: string
  readonly client: string
  readonly function: string
  readonly unique: string
  readonly isBackground: boolean
  /** Not to be begun before; 0: at once. */
  readonly runAt: number
  /** Who submits may do so again by itself when a server is lost. */
  readonly mayRepeat: boolean
  readonly sentAt: number
  ackedAt: number
  /** How its client was told that it has ended. */
  end: 'complete' | 'fail' | undefined
  result: string
  /** The client has lost its server, or was refused: nobody waits any more. */
  isAbandoned: boolean
}

/** A job at a worker. */
export interface Attempt {
  readonly worker: string
  /** Of the server that gave it; undefined: the worker does not know. Such a worker's connection may be lost unseen. */
  readonly life: Life | undefined
  /** It was given between these. */
  readonly givenMin: number
  readonly heardAt: number
  how: 'open' | 'complete' | 'fail' | 'lost'
  /** Before the worker said so. */
  endedAt: number
  result: string
  /** By then the server had heard that. */
  takenAt: number
  /** By then it was acknowledged as kept: a submission that came behind it was answered. */
  keptAt: number
}

/** Submissions that were one job, or may have been. */
export class JobAccount {
  readonly function: string
  readonly unique: string
  readonly isBackground: boolean
  /** The last part of the handles that it was known by. */
  readonly numbers = new Set<string>()
  readonly submissions: Submission[] = []
  readonly attempts: Attempt[] = []
  cancelSaidAt = never
  /** That was said, and it is not known that there was nothing to cancel. */
  cancels = 0
  /** By then it was acknowledged as cancelled. */
  cancelledAt = never
  readonly notes: (readonly [at: number, what: string])[] = []

  constructor({ function: name, unique, isBackground }: Submission) {
    this.function = name
    this.unique = unique
    this.isBackground = isBackground
  }

  /** The server has promised it. */
  get isOwed(): boolean {
    return this.submissions.some(({ ackedAt }) => ackedAt < never)
  }

  get failures(): number {
    return this.attempts.filter(({ how }) => how === 'fail').length
  }

  /** It was there and had not ended by any means until then. */
  get endMin(): number {
    const ends = this.attempts.map(({ how, endedAt }) => (how === 'complete' || how === 'fail' ? endedAt : never))
    return Math.min(this.cancelSaidAt, ...ends)
  }

  get knownAt(): number {
    return Math.min(...this.submissions.map(({ ackedAt }) => ackedAt))
  }

  /** It may be several jobs, of which one can't tell which is which. */
  get isVague(): boolean {
    return this.unique === '' && this.submissions.some(({ mayRepeat }) => mayRepeat)
  }

  note(at: number, what: string): void {
    if (this.notes.length < notesMax) this.notes.push([at, what])
  }
}

/** The server that gave it has heard the end and kept it, and was not taken for dead before. */
export function isKept({ life, givenMin, keptAt }: Attempt): boolean {
  return keptAt < never && life?.isSteady(givenMin, keptAt) === true
}

/** Which job it is, whichever server has written it: each has a prefix of its own. */
export function numberOf(handle: string): string {
  return handle.slice(handle.lastIndexOf(':') + 1)
}
