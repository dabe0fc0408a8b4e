import type { JobFunction } from './function.ts'
import type { Job } from './job.ts'
import type { FailureReason } from './policy.ts'

/** How a job has ended. `abandoned`: everyone who waited for it has left. */
export type JobOutcome = 'complete' | FailureReason | 'expired' | 'cancelled' | 'abandoned'

/**
 * Sees what becomes of jobs, for those who count, measure or watch; nothing depends on it. It must be quick, must be
 * done with job and bytes when it returns, and must not call the engine.
 */
export interface Observer {
  /**
   * There is a new job: the store has it, or it is in memory alone. One that died and is to be done again under its
   * number is not new.
   */
  submitted(jobFunction: JobFunction, background: boolean, number: number, trace: string): void
  /** A submission has joined a job, or one that has ended not long ago. */
  joined(jobFunction: JobFunction): void
  /**
   * A worker has got it, so long after it could have been begun. It was never told of it if somebody gets it once more
   * and no attempt has ended between.
   */
  assigned(job: Job, waitMs: number): void
  /** Numerator and denominator are in the job. */
  progressed(job: Job): void
  sentData(job: Job, data: Uint8Array, isWarning: boolean): void
  /** An attempt has ended after so long; another one follows in `waitMs`. */
  retried(job: Job, reason: FailureReason, runMs: number, waitMs: number): void
  /**
   * `runMs` is that of its last attempt, undefined if none was under way. `isDead`: it is kept for a person. The data are
   * the result, or what an exception said.
   */
  ended(job: Job, outcome: JobOutcome, isDead: boolean, runMs: number | undefined, data: Uint8Array): void
  /** The same for one that was on disk alone. */
  endedOnDisk(jobFunction: JobFunction, number: number, outcome: 'expired' | 'cancelled', isDead: boolean): void
  /** Another server has the job, which has not ended: nothing more is told of it here. */
  moved?(job: Job): void
  /** A worker can do it from now on, or no longer. */
  workersChanged?(jobFunction: JobFunction): void
}
