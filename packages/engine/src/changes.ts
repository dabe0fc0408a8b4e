import type { JobFunction } from './function.ts'
import type { Job, Priority, Submission } from './job.ts'
import type { DeathReason, FailureReason } from './policy.ts'

/**
 * What becomes of a submission in the store:
 *
 * - `claimed`: it is added, and the engine has the job already, to be given out when it is kept.
 * - `queued`: it is added to the end of the line on disk, and the engine knows no more than that it is there.
 * - `delayed`: the same, to become ready at its time.
 * - `live`: a foreground job that a background submission has joined is added. It goes on meanwhile.
 * - `asked`: a foreground submission asks whether the store has a job that it would join.
 * - `joining`: the same for any submission to a queue that is full: if the store has none, it is refused.
 */
export type AdditionKind = 'claimed' | 'queued' | 'delayed' | 'live' | 'asked' | 'joining'

/** A submission that waits for the store's answer; until then its JOB_CREATED is a promise. */
export class Addition {
  readonly kind: AdditionKind
  readonly number: number
  readonly function: JobFunction
  readonly priority: Priority
  /** Undefined if the engine has none. */
  readonly job: Job | undefined
  /** When it is dead unless it has begun; 0: it may wait. */
  readonly expiresAt: number
  readonly trace: string
  /** It is the server's own: nobody waits for the answer, and it is said again until it is kept. */
  readonly isOwn: boolean
  /** The store has kept it, and another server has the job by now. */
  hasMoved = false

  constructor(
    kind: AdditionKind,
    number: number,
    jobFunction: JobFunction,
    priority: Priority,
    job: Job | undefined,
    expiresAt: number,
    trace: string,
    isOwn = false,
  ) {
    this.kind = kind
    this.number = number
    this.function = jobFunction
    this.priority = priority
    this.job = job
    this.expiresAt = expiresAt
    this.trace = trace
    this.isOwn = isOwn
  }
}

/** How an attempt at a job has ended. */
export interface Failure {
  readonly reason: FailureReason
  /** The session that had the job; -1: none. */
  readonly worker: number
  /** What the worker said of it. */
  readonly error: Uint8Array | undefined
}

/** What became of a background job, for those who ask later. */
export interface Ending {
  readonly outcome: 'complete' | 'failed' | 'exception'
  /** The result, or what WORK_EXCEPTION said. */
  readonly data: Uint8Array
  /** For so long the result can be read, and for so long a submission of the same unique joins the job; in ms, 0 is not. */
  readonly keepMs: number
  readonly uniqueForMs: number
}

/**
 * Who remembers background jobs beyond their attempts: the store, or without one, the server's memory. The receiver
 * must be done with the bytes when it returns; it must not call the engine from here.
 */
export interface Keeper {
  /** The job, which is not ready again before that time, has one attempt less; 0: it is ready, and the engine still has it. */
  retry(job: Job, runAt: number, failure: Failure): void
  /** The job has ended: it is dead. */
  bury(job: Job, reason: DeathReason, failure: Failure | undefined): void
  /** The job has ended like this. */
  keep(job: Job, ending: Ending): void
  /**
   * The job of the function and unique that has ended not long ago, and that a submission joins. Undefined also where
   * the answer to an addition says so.
   */
  recent(jobFunction: JobFunction, unique: string): number | undefined
}

/**
 * What the engine wants the store to remember and to look up. All that is said in one turn, or while the store is
 * busy, makes one batch; the answers come back through the engine's methods, in the order of the questions.
 * The receiver must be done with the submission's bytes when it returns; it must not call the engine from here.
 */
export interface Changes extends Keeper {
  /** Answered by `added`, `joined`, `throttled` or `notAdded`. */
  add(addition: Addition, submission: Submission): void
  /** Those `asked` and `joining`. Answered by `joined` or `absent`. */
  ask(addition: Addition, submission: Submission): void
  /** A job has ended that the store has, or will have when it has kept what was said before. */
  forget(number: number): void
  /** With a store that others use as well: a job that was claimed, and that nobody has begun, is for all of them again. */
  release(number: number): void
  /** Delayed jobs that are due by now become ready. Answered by `promoted`. */
  promote(now: number): void
  /** Those on disk that should have begun by now are dead. Answered by `expired` for each, and by `expireEnded`. */
  expire(now: number): void
  /** Answered by `claimed` for each job, and by `claimEnded`. */
  claim(jobFunction: JobFunction, priority: Priority, jobsMax: number, bytesMax: number): void
}
