import type { FailureReason, Job, JobFunction, JobOutcome, Observer } from '@geartrain/engine'

/** Who wants to know what of the engine's news bridges need. Nobody is called for a job that goes its usual way. */
export interface BridgeListener {
  /** Its workers have come or gone. */
  onWorkersChanged(jobFunction: JobFunction): void
  /** The worker that had the job will not finish it. `isOver`: nobody else will, here. */
  onLost(job: Job, isOver: boolean): void
}

/** The one observer for all bridges of a server. */
export class BridgeNews implements Observer {
  readonly #listeners = new Set<BridgeListener>()

  /** Gives the way to leave. */
  listen(listener: BridgeListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  retried(job: Job, reason: FailureReason): void {
    if (reason !== 'lost' && reason !== 'timeout') return
    for (const listener of this.#listeners) listener.onLost(job, false)
  }

  ended(job: Job, outcome: JobOutcome): void {
    if (outcome !== 'lost') return
    for (const listener of this.#listeners) listener.onLost(job, true)
  }

  workersChanged(jobFunction: JobFunction): void {
    for (const listener of this.#listeners) listener.onWorkersChanged(jobFunction)
  }

  submitted(): void {}
  joined(): void {}
  assigned(): void {}
  progressed(): void {}
  sentData(): void {}
  endedOnDisk(): void {}
}
