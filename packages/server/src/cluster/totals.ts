import type { JobFunction } from '@geartrain/engine'

/** How much there is of a function, on all servers that use the store. */
export interface FunctionTotals {
  /** Those that wait for a worker, by priority; foreground jobs of other servers are among the normal ones. */
  readonly ready: readonly [number, number, number]
  readonly delayed: number
  readonly running: number
  readonly workers: number
  readonly all: number
}

/** With a store of one server: what there is here. */
export function functionTotals(jobFunction: JobFunction): FunctionTotals {
  const { delayedCount, backlog, runningCount, workerCount, jobCount, elsewhere, bridges } = jobFunction
  const { claimed, waiting } = elsewhere
  const elsewhereCount = claimed[0] + claimed[1] + claimed[2] + waiting + elsewhere.running
  return {
    ready: [
      jobFunction.queuedCount(0) + claimed[0],
      jobFunction.queuedCount(1) + claimed[1] + waiting,
      jobFunction.queuedCount(2) + claimed[2],
    ],
    delayed: delayedCount + backlog.delayed,
    // What another server does for those who wait here is among what runs there.
    running: runningCount - bridges.runningCount + elsewhere.running,
    workers: workerCount + elsewhere.workers,
    all: jobCount - bridges.runningCount + elsewhereCount,
  }
}
