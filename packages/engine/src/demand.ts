import type { JobFunction } from './function.ts'

/**
 * How many jobs of a function are to be here that others could do as well: as many as its workers here would begin at
 * once, and as many more as they will have begun soon.
 */
export function demandOf(jobFunction: JobFunction, now: number, jobsMax: number): number {
  if (!canBegin(jobFunction)) return 0
  const { flow, elsewhere, pace } = jobFunction
  // Where others have nothing to do, no job waits here for a worker that is busy.
  const aheadMin = elsewhere.workers > elsewhere.running ? 0 : 1
  const ahead = Math.max(aheadMin, pace.lately(now))
  return Math.min(jobsMax, idleCount(jobFunction, now) + Math.min(ahead, flow?.soon(now) ?? jobsMax))
}

/** Jobs that would be begun at once. A worker that is just about to ask is not counted. */
export function idleCount({ sleepers, grabbers, wokenCount, flow }: JobFunction, now: number): number {
  return Math.min(sleepers.length + grabbers.length + wokenCount, flow?.room(now) ?? Number.POSITIVE_INFINITY)
}

/** There are workers here, and they may. */
export function canBegin({ workerCount, flow }: JobFunction): boolean {
  return workerCount > 0 && flow?.isShut !== true
}
