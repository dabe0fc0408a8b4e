import type { Changes } from './changes.ts'
import type { JobFunction } from './function.ts'
import { type Priority, priorities } from './job.ts'

export interface WindowOptions {
  /** Ready jobs of a function and priority that the engine holds while there are more in the store. */
  readonly windowJobs: number
  /** Workloads of stored jobs in memory: with more, a function gets its next job when it has none. */
  readonly windowBytes: number
  /** Others claim jobs of the same store: what is held here is no more than the workers here will soon have begun. */
  readonly isShared: boolean
}

/** Workloads that are asked for at a time. */
const claimBytesMax = 4 * 1024 * 1024

/**
 * The part of the store's jobs that the engine holds, so that memory is bounded by it and not by the backlog. Of each
 * function that has workers, the head of each priority's line is here; the tail is on disk, and what is submitted then
 * queues behind it there. When half of the window is used up, the next jobs are asked for.
 */
export class Window {
  /** Workloads of stored jobs that are ready or running. */
  bytes = 0
  isStopped = false
  readonly #options: WindowOptions
  readonly #changes: Changes

  constructor(changes: Changes, options: WindowOptions) {
    this.#changes = changes
    this.#options = options
  }

  /** A submission may come to the engine at once: nothing is on disk before it. */
  hasRoom(jobFunction: JobFunction, priority: Priority): boolean {
    return (
      jobFunction.workerCount > 0 &&
      jobFunction.backlog.ready[priority] === 0 &&
      jobFunction.heldCount(priority) + jobFunction.pendingCount < this.#options.windowJobs &&
      this.bytes < this.#options.windowBytes
    )
  }

  refillAll(jobFunction: JobFunction): void {
    if (jobFunction.backlog.readyCount === 0) return
    for (const priority of Object.values(priorities)) this.refill(jobFunction, priority)
  }

  refill(jobFunction: JobFunction, priority: Priority): void {
    const { backlog, workerCount } = jobFunction
    if (backlog.ready[priority] === 0 || backlog.isClaiming[priority] || workerCount === 0 || this.isStopped) return
    const held = jobFunction.heldCount(priority)
    const { windowJobs, windowBytes } = this.#options
    const isTight = this.bytes >= windowBytes
    if (held > (isTight ? 0 : windowJobs / 2)) return
    backlog.isClaiming[priority] = true
    this.#changes.claim(jobFunction, priority, windowJobs - held, isTight ? 1 : claimBytesMax)
  }
}
