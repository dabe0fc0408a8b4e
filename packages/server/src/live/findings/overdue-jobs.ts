import type { Engine, Job, JobFunction } from '@geartrain/engine'
import type { FunctionStats } from '../../metrics/function-stats.ts'
import { type OverdueJobs, overdueAfterMs, overdueMsMin, type Thresholds } from './symptoms.ts'

interface Counted {
  readonly afterMs: number
  readonly usualMs: number | undefined
  count: number
  oldest: Job | undefined
}

/** Goes through all running jobs for those that run for longer than they should, by the names of their functions. */
export function overdueJobs(
  engine: Engine,
  functions: FunctionStats,
  thresholds: Thresholds,
  now: number,
  handleOf: (number: number) => string,
): ReadonlyMap<string, OverdueJobs> {
  const byFunction = new Map<JobFunction, Counted>()
  const leastMs = Math.min(thresholds.warnRunningMs, overdueMsMin)
  for (const { running } of engine.sessions()) {
    if (running.first === undefined) continue
    for (const job of running) {
      const runMs = now - job.startedAt
      // Most jobs are done with here.
      if (runMs <= leastMs) continue
      let counted = byFunction.get(job.function)
      if (counted === undefined) byFunction.set(job.function, (counted = begin(functions, thresholds, job.function)))
      if (runMs <= counted.afterMs) continue
      counted.count++
      if (counted.oldest === undefined || job.startedAt < counted.oldest.startedAt) counted.oldest = job
    }
  }
  const overdue = new Map<string, OverdueJobs>()
  for (const [{ name }, { count, oldest, usualMs }] of byFunction) {
    if (oldest === undefined) continue
    overdue.set(name, { count, handle: handleOf(oldest.number), startedAt: oldest.startedAt, usualMs })
  }
  return overdue
}

function begin(functions: FunctionStats, thresholds: Thresholds, { name }: JobFunction): Counted {
  const usualMs = functions.find(name)?.usualRunMs
  return { afterMs: overdueAfterMs(usualMs, thresholds), usualMs, count: 0, oldest: undefined }
}
