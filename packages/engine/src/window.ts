import type { Changes } from './changes.ts'
import { demandOf } from './demand.ts'
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
 *
 * With a store that others use as well, the window of a function is as large as its workers here are quick (see
 * demand.ts), and what stands before a line counts in it.
 */
export class Window {
  /** Workloads of stored jobs that are ready or running. */
  bytes = 0
  isStopped = false
  /** Others may have what was claimed for this server, until the store is opened anew: nothing of it is begun. */
  isLapsed = false
  readonly #options: WindowOptions
  readonly #changes: Changes
  readonly #clock: { readonly now: number }

  constructor(changes: Changes, options: WindowOptions, clock: { readonly now: number }) {
    this.#changes = changes
    this.#options = options
    this.#clock = clock
  }

  /** A submission may come to the engine at once: nothing is on disk before it. */
  hasRoom(jobFunction: JobFunction, priority: Priority): boolean {
    return (
      jobFunction.workerCount > 0 &&
      !this.isLapsed &&
      jobFunction.backlog.ready[priority] === 0 &&
      jobFunction.heldCount(priority) + jobFunction.pendingCount < this.#options.windowJobs &&
      this.bytes < this.#options.windowBytes &&
      (!this.#options.isShared ||
        this.#aheadCount(jobFunction, priority) + jobFunction.pendingCount < this.#demand(jobFunction))
    )
  }

  refillAll(jobFunction: JobFunction): void {
    if (jobFunction.backlog.readyCount === 0) return
    this.refill(jobFunction, priorities.high)
    this.refill(jobFunction, priorities.normal)
    this.refill(jobFunction, priorities.low)
  }

  /** A job of that line has left it. */
  left(jobFunction: JobFunction, priority: Priority): void {
    if (this.#options.isShared) this.refillAll(jobFunction)
    else this.refill(jobFunction, priority)
  }

  refill(jobFunction: JobFunction, priority: Priority): void {
    const { backlog, workerCount } = jobFunction
    if (backlog.ready[priority] === 0 || backlog.isClaiming[priority] || workerCount === 0) return
    if (this.isStopped || this.isLapsed) return
    const held = jobFunction.heldCount(priority)
    const { windowJobs, windowBytes, isShared } = this.#options
    const isTight = this.bytes >= windowBytes
    let jobsMax = windowJobs - held
    if (isShared) {
      const demand = this.#demand(jobFunction)
      const ahead = this.#aheadCount(jobFunction, priority)
      jobsMax = Math.min(jobsMax, demand - ahead)
      if (jobsMax <= 0 || ahead >= (isTight ? 1 : demand / 2)) return
    } else if (held > (isTight ? 0 : windowJobs / 2)) return
    backlog.isClaiming[priority] = true
    backlog.askedAt[priority] = this.#clock.now
    this.#changes.claim(jobFunction, priority, jobsMax, isTight ? 1 : claimBytesMax)
  }

  #demand(jobFunction: JobFunction): number {
    return demandOf(jobFunction, this.#clock.now, this.#options.windowJobs)
  }

  /** Jobs that are begun before another one at the end of this line. Those that are parked are not begun soon. */
  #aheadCount({ ready, backlog }: JobFunction, priority: Priority): number {
    let count = ready[priority].length
    for (let higher = 0; higher < priority; higher++) {
      count += ready[higher as Priority].length
      if (backlog.isClaiming[higher]) count += backlog.ready[higher as Priority]
    }
    return count
  }
}
