import type { FailureReason, Job, JobFunction, JobOutcome, Observer } from '@geartrain/engine'
import type { Handles } from './handles.ts'
import type { Log } from './log.ts'
import { fromWire } from './policies/function-name.ts'

/** A line for each step of a job, with its function and its handle; never what is in it. For those who look for a fault. */
export class JobLog implements Observer {
  readonly #log: Log
  readonly #handles: Handles

  constructor(log: Log, handles: Handles) {
    this.#log = log
    this.#handles = handles
  }

  submitted(jobFunction: JobFunction, background: boolean, number: number): void {
    this.#say('submitted', jobFunction, number, { background })
  }

  joined(): void {}

  assigned(job: Job, waitMs: number): void {
    this.#say('assigned', job.function, job.number, { connection: job.owner?.id, attempt: job.retries + 1, waitMs })
  }

  progressed(): void {}

  sentData(): void {}

  retried(job: Job, reason: FailureReason, runMs: number, waitMs: number): void {
    this.#say('to be tried again', job.function, job.number, { reason, attempts: job.retries, runMs, waitMs })
  }

  ended(job: Job, outcome: JobOutcome, isDead: boolean, runMs: number | undefined): void {
    this.#say('ended', job.function, job.number, { outcome, isDead, runMs })
  }

  endedOnDisk(jobFunction: JobFunction, number: number, outcome: 'expired' | 'cancelled', isDead: boolean): void {
    this.#say('ended', jobFunction, number, { outcome, isDead })
  }

  moved(job: Job): void {
    this.#say('moved to another server', job.function, job.number, { attempts: job.retries })
  }

  #say(what: string, jobFunction: JobFunction, number: number, facts: Readonly<Record<string, unknown>>): void {
    const job = { function: fromWire(jobFunction.name), handle: this.#handles.text(number) }
    this.#log.debug({ ...job, ...facts }, `job ${what}`)
  }
}
