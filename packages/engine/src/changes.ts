import type { JobFunction } from './function.ts'
import type { Job, Priority, Submission } from './job.ts'

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

  constructor(kind: AdditionKind, number: number, jobFunction: JobFunction, priority: Priority, job?: Job) {
    this.kind = kind
    this.number = number
    this.function = jobFunction
    this.priority = priority
    this.job = job
  }
}

/**
 * What the engine wants the store to remember and to look up. All that is said in one turn, or while the store is
 * busy, makes one batch; the answers come back through the engine's methods, in the order of the questions.
 * The receiver must be done with the submission's bytes when it returns; it must not call the engine from here.
 */
export interface Changes {
  /** Answered by `added`, `joined` or `notAdded`. */
  add(addition: Addition, submission: Submission): void
  /** Those `asked` and `joining`. Answered by `joined` or `absent`. */
  ask(addition: Addition, submission: Submission): void
  /** A job has ended that the store has, or will have when it has kept what was said before. */
  forget(number: number): void
  /** Delayed jobs that are due by now become ready. Answered by `promoted`. */
  promote(now: number): void
  /** Answered by `claimed` for each job, and by `claimEnded`. */
  claim(jobFunction: JobFunction, priority: Priority, jobsMax: number, bytesMax: number): void
}
