import type { Submission } from '@geartrain/engine'
import type { ScheduleDefinition, ScheduleRun } from '@geartrain/protocol'
import { defaultLimits, Schedules, type StoredDocument, type Submitted } from '@geartrain/server'
import { ManualClock } from '../support/manual-clock.ts'

/** A clock whose date can be set. */
class DatedClock extends ManualClock {
  setByMs = 0
  stalledMs = 0

  override now(): number {
    return super.now() + this.stalledMs
  }

  override wallNow(): number {
    return super.wallNow() + this.stalledMs + this.setByMs
  }
}

interface Asked {
  readonly number: number
  readonly submission: Submission
  readonly onJoined: (number: number) => void
}

/** What outlives a server: documents, and jobs that have not ended, by function and unique. */
export class Disk {
  readonly documents = new Map<string, string>()
  readonly live = new Map<string, number>()
  /** All jobs that there ever were. */
  readonly jobs: Submission[] = []
  nextNumber = 1

  get stored(): StoredDocument[] {
    return [...this.documents].map(([name, body]) => ({ kind: 'schedule', name, body }))
  }
}

/**
 * Schedules on a server that is a few lines long: what they say is collected, and goes to the disk in one piece when
 * the test says so. A new host on the same disk is the server after a restart.
 */
export class ScheduleHost {
  readonly clock: DatedClock
  readonly schedules: Schedules
  readonly warnings: string[] = []
  readonly disk: Disk
  /** The function takes no jobs. */
  isDrained = false
  /** What is said goes to the disk at the end of each turn, unless a test says when. */
  isAutomatic = true
  isStoreFailing = false
  /** What a submission takes. */
  submissionMs = 0
  #asked: Asked[] = []
  #documents: [name: string, body: string | undefined][] = []

  constructor(date: string, disk: Disk = new Disk(), config: readonly ScheduleDefinition[] = []) {
    const clock = new DatedClock(Date.parse(date) - 1000)
    this.clock = clock
    this.disk = disk
    this.schedules = new Schedules({
      clock,
      wallTime: {
        get now() {
          return clock.wallNow()
        },
        get offsetMs() {
          return clock.wallNow() - clock.now()
        },
      },
      handles: { text: (number) => `H:${number}`, total: (number) => 1000 + number, numberOf: (total) => total - 1000 },
      limits: defaultLimits,
      log: { debug() {}, info() {}, warn: (...args: unknown[]) => this.warnings.push(args.join(' ')), error() {} },
      begin: () => {},
      submit: (submission, onJoined) => this.#submit(submission, onJoined),
      isStoreFailing: () => this.isStoreFailing,
      takeNumber: () => disk.nextNumber++,
      keepDocument: (_kind, name, body) => this.#documents.push([name, body]),
    })
    this.schedules.start(disk.stored, config)
    this.#settle()
  }

  /** Submissions that are not on the disk yet. */
  get submitted(): number {
    return this.#asked.length
  }

  /** Lets time pass, second by second: each is a turn of the server. */
  pass(seconds: number): void {
    for (let second = 0; second < seconds; second++) {
      this.clock.advance(1000)
      this.#settle()
    }
  }

  /** The same in one go, as on a machine that is very busy. */
  passAtOnce(seconds: number): void {
    this.clock.advance(seconds * 1000)
    this.#settle()
  }

  /** Time passes in which no timer is called. */
  stall(seconds: number): void {
    this.clock.stalledMs += seconds * 1000
  }

  setDate(byMs: number): void {
    this.clock.setByMs += byMs
  }

  /** All that was said goes to the disk. */
  commit(): void {
    const asked = this.#asked
    this.#asked = []
    for (const [name, body] of this.#documents.splice(0)) {
      if (body === undefined) this.disk.documents.delete(name)
      else this.disk.documents.set(name, body)
    }
    for (const { number, submission, onJoined } of asked) {
      const key = keyOf(submission)
      const live = submission.unique === '' ? undefined : this.disk.live.get(key)
      if (live !== undefined) onJoined(live)
      else {
        this.disk.jobs.push(submission)
        this.disk.live.set(key, number)
      }
    }
  }

  /** The job has ended. */
  end(functionName: string, unique: string): void {
    this.disk.live.delete(keyOf({ function: functionName, unique }))
  }

  /** When jobs came and what became of them, the latest first: `03:00:00 submitted`. */
  history(name: string): string[] {
    return this.schedules.show(name).history.map(({ dueAt, outcome }) => `${timeOf(dueAt)} ${outcome}`)
  }

  runs(name: string): readonly ScheduleRun[] {
    return this.schedules.show(name).history
  }

  next(name: string, count = 1): string[] {
    return this.schedules.show(name, count).next.map((at) => new Date(at).toISOString().slice(0, 19))
  }

  #submit(submission: Submission, onJoined: (number: number) => void): Submitted {
    this.clock.stalledMs += this.submissionMs
    if (this.isDrained) return { outcome: 'refused', why: 'it is drained' }
    const number = this.disk.nextNumber++
    this.#asked.push({ number, submission, onJoined })
    return { outcome: 'kept', number }
  }

  #settle(): void {
    if (this.isAutomatic && !this.isStoreFailing) this.commit()
  }
}

function keyOf({ function: name, unique }: Pick<Submission, 'function' | 'unique'>): string {
  return `${name} ${unique}`
}

function timeOf(date: number): string {
  return new Date(date).toISOString().slice(11, 19)
}
