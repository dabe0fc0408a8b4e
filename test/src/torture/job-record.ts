import type { Event } from './event.ts'
import type { Line } from './line.ts'
import type { Submission } from './submission.ts'

/** Something said that ends a job, if the server takes it. */
export interface End {
  readonly job: JobRecord
  readonly line: Line
  /** The command's place on its line. */
  readonly index: number
  readonly sentAt: number
  /** Said by a worker that had the job. Else by one that was perhaps just being given it. */
  readonly isOwn: boolean
  readonly cause: 'WORK_COMPLETE' | 'WORK_FAIL' | 'WORK_EXCEPTION' | 'cancel job'
  readonly result: string
  /** From this moment on it is known that the server had taken it. */
  takenAt: number
}

/** A line of a job's history. */
export interface Note {
  readonly moment: number
  readonly what: Event | string
}

/** A history tells how it began and how it ended; what lies between can be long. */
const notesMax = 200
const notesKeptFirst = 50

/**
 * A handle that the server gave out, and what is known of its job. Moments are Infinity while a thing is not known.
 * It is in doubt whether it lives while something that may have ended it was sent, or when its server was killed before that was
 * cleared up.
 */
export class JobRecord {
  readonly handle: string
  /** By then it was there. */
  readonly knownAt: number
  /** The server in whose life it was last seen. */
  life: number
  /** Undefined as long as it is only a handle in a table. */
  function: string | undefined
  unique: string | undefined
  key: string | undefined
  /** The submissions one of which has made it; undefined: any that is not answered. */
  creators: readonly Submission[] | undefined
  /** How many submissions it was the answer to. */
  answers = 0
  /** Survives a kill. maybe: if a submission that is not answered has made it so. */
  lasting: 'yes' | 'no' | 'maybe'
  /** Whether it survived the last kill is not known. */
  isUncertain = false
  /** Of this server's life. */
  ends: End[] = []
  /** From then on this server does not know it any more. It may come back with the next. */
  endedAt: number = Infinity
  /** From then on no server may know it any more, because of this. */
  goneAt: number = Infinity
  goneBecause = ''
  /** Life in which it went. */
  goneIn: number = Infinity
  /** The worker that has it. */
  holder: Line | undefined
  /** Lines that wait for it, and how often. */
  readonly waits = new Map<Line, number>()
  /** How often a worker was given it. */
  runs = 0
  readonly notes: Note[] = []
  readonly #lastNotes: Note[] = []

  constructor(handle: string, knownAt: number, life: number, lasting: 'yes' | 'no' | 'maybe') {
    this.handle = handle
    this.knownAt = knownAt
    this.life = life
    this.lasting = lasting
  }

  get isGone(): boolean {
    return this.goneAt !== Infinity
  }

  /** The server must know it. */
  get isSurelyAlive(): boolean {
    if (this.isGone || this.isUncertain || this.ends.length > 0 || this.endedAt !== Infinity) return false
    return this.lasting === 'yes' || this.waits.size > 0
  }

  /** The server may know it. */
  get mayBeAlive(): boolean {
    return !this.isGone && this.endedAt === Infinity
  }

  /** When it is due, by the earliest and by the latest of those who can have made it. */
  get runAtMsMin(): number {
    return this.creators === undefined ? -Infinity : Math.min(...this.creators.map(({ runAtMs }) => runAtMs))
  }

  get runAtMsMax(): number {
    return this.creators === undefined ? Infinity : Math.max(...this.creators.map(({ runAtMs }) => runAtMs))
  }

  /** The server is dead, and all that it knew alone. */
  endLife(): void {
    this.ends = []
    this.endedAt = Infinity
    this.holder = undefined
    this.waits.clear()
  }

  note(moment: number, what: Event | string): void {
    if (this.notes.length < notesKeptFirst) this.notes.push({ moment, what })
    else {
      this.#lastNotes.push({ moment, what })
      if (this.#lastNotes.length > notesMax) this.#lastNotes.splice(0, notesMax / 2)
    }
  }

  history(): Note[] {
    return [...this.notes, ...this.#lastNotes]
  }
}
