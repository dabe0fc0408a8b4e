import type { Addition } from './changes.ts'
import type { Job } from './job.ts'

/** How a worker asked for a job, and so how much it is told of it. */
export type GrabForm = 'plain' | 'unique' | 'all'

/** Why a command was not carried out. Nothing changed. */
export type Refusal =
  | 'QUEUE_FULL'
  | 'TOO_MANY_FUNCTIONS'
  /** The session waits for as many foreground jobs as it may. */
  | 'TOO_MANY_WAITS'
  | 'SHUTTING_DOWN'
  /** The function takes no jobs at the moment. */
  | 'FUNCTION_DRAINING'
  /** WORK_DATA or WORK_WARNING for a job that this session does not have. */
  | 'JOB_NOT_FOUND'
  /** WORK_STATUS, WORK_COMPLETE or WORK_FAIL, the same. */
  | 'RESULT_JOB_NOT_FOUND'
  | 'EXCEPTION_JOB_NOT_FOUND'

/**
 * The engine's events, each for one session, named by its number. They come in the order the session must see them.
 * The receiver must be done with `job` and the bytes when it returns; it must not call the engine from here.
 */
export interface Outbox {
  /** `background`: it is the answer to a background submission. */
  jobCreated(session: number, job: Job, background: boolean): void
  /** JOB_CREATED, to be sent when the store has answered: with this number, with that of the job it joined, or refused. */
  jobPromised(session: number, addition: Addition): void
  /** JOB_CREATED with the number of a job that has ended not long ago and that a background submission joins. */
  jobThrottled(session: number, number: number): void
  refused(session: number, refusal: Refusal): void
  jobAssigned(session: number, job: Job, form: GrabForm): void
  /** To a worker that asked for it: the job is its own no longer. */
  jobCancelled(session: number, number: number, reason: 'cancelled' | 'timeout'): void
  noJob(session: number): void
  noop(session: number): void
  workData(session: number, job: Job, data: Uint8Array): void
  workWarning(session: number, job: Job, data: Uint8Array): void
  /** Numerator and denominator as the worker wrote them. */
  workStatus(session: number, job: Job, numerator: string, denominator: string): void
  workComplete(session: number, job: Job, result: Uint8Array): void
  workFail(session: number, job: Job): void
  workException(session: number, job: Job, exception: Uint8Array): void
}
