import type { FailureReason, Job, JobFunction, JobOutcome, Observer } from '@geartrain/engine'

/** All who watch the engine, as the one observer that it has. */
export class Observers implements Observer {
  #all: readonly Observer[] = []

  /** Gives the way to leave. */
  add(observer: Observer): () => void {
    this.#all = [...this.#all, observer]
    return () => {
      this.#all = this.#all.filter((each) => each !== observer)
    }
  }

  submitted(jobFunction: JobFunction, background: boolean, number: number, trace: string): void {
    for (const each of this.#all) each.submitted(jobFunction, background, number, trace)
  }

  joined(jobFunction: JobFunction): void {
    for (const each of this.#all) each.joined(jobFunction)
  }

  assigned(job: Job, waitMs: number): void {
    for (const each of this.#all) each.assigned(job, waitMs)
  }

  progressed(job: Job): void {
    for (const each of this.#all) each.progressed(job)
  }

  sentData(job: Job, data: Uint8Array, isWarning: boolean): void {
    for (const each of this.#all) each.sentData(job, data, isWarning)
  }

  retried(job: Job, reason: FailureReason, runMs: number, waitMs: number): void {
    for (const each of this.#all) each.retried(job, reason, runMs, waitMs)
  }

  ended(job: Job, outcome: JobOutcome, isDead: boolean, runMs: number | undefined, data: Uint8Array): void {
    for (const each of this.#all) each.ended(job, outcome, isDead, runMs, data)
  }

  endedOnDisk(jobFunction: JobFunction, number: number, outcome: 'expired' | 'cancelled', isDead: boolean): void {
    for (const each of this.#all) each.endedOnDisk(jobFunction, number, outcome, isDead)
  }

  moved(job: Job): void {
    for (const each of this.#all) each.moved?.(job)
  }

  workersChanged(jobFunction: JobFunction): void {
    for (const each of this.#all) each.workersChanged?.(jobFunction)
  }
}
