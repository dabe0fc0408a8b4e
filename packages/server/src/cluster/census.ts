import { type Elsewhere, type Engine, nothingElsewhere, type StockedFunction } from '@geartrain/engine'
import type { ClusterServer, FunctionReport } from '../store/cluster.ts'
import type { StoredFunction } from '../store/store.ts'

type ByPriority = [number, number, number]

/** What this server has of each function that it has workers or jobs of. */
export function functionReports(engine: Engine): FunctionReport[] {
  const reports: FunctionReport[] = []
  for (const jobFunction of engine.functions()) {
    const { name, workerCount: workers, runningCount, bridges, stored, runningStored } = jobFunction
    // A worker may say so, and nobody can submit it; the JSON of PostgreSQL can't have it.
    if (name.includes('\0')) continue
    // What another server does for those who wait here runs there.
    const running = runningCount - bridges.runningCount
    const claimed: ByPriority = [
      stored[0] - runningStored[0],
      stored[1] - runningStored[1],
      stored[2] - runningStored[2],
    ]
    const held = jobFunction.readyCount + (jobFunction.flow?.parkedCount ?? 0) + jobFunction.delayedCount
    // One of the store's may wait for the store's word.
    const waiting = Math.max(0, held - claimed[0] - claimed[1] - claimed[2])
    if (workers + runningCount + held + claimed[0] + claimed[1] + claimed[2] === 0) continue
    reports.push({ name, workers, running, runningStored: [...runningStored], waiting, claimed })
  }
  return reports
}

/** What other servers have, by function. */
export function sumElsewhere(others: readonly ClusterServer[]): Map<string, Elsewhere> {
  const sums = new Map<string, Elsewhere>()
  for (const { report } of others) {
    for (const { name, workers, running, waiting, claimed } of report?.functions ?? []) {
      const sum = sums.get(name) ?? nothingElsewhere
      sums.set(name, {
        workers: sum.workers + workers,
        running: sum.running + running,
        waiting: sum.waiting + waiting,
        claimed: added(sum.claimed, claimed),
      })
    }
  }
  return sums
}

/** Of the jobs in the store those that no server has: `servers` are what all of them have said, this one among them. */
export function unclaimed(
  functions: readonly StoredFunction[],
  servers: readonly (readonly FunctionReport[])[],
): StockedFunction[] {
  const taken = new Map<string, readonly [number, number, number]>()
  for (const reports of servers) {
    for (const { name, claimed, runningStored } of reports) {
      taken.set(name, added(taken.get(name) ?? [0, 0, 0], added(claimed, runningStored)))
    }
  }
  return functions.map(({ name, ready, delayed }) => {
    const [high, normal, low] = taken.get(name) ?? [0, 0, 0]
    return {
      name,
      ready: [Math.max(0, ready[0] - high), Math.max(0, ready[1] - normal), Math.max(0, ready[2] - low)],
      delayed: Math.max(0, delayed),
    }
  })
}

function added(one: readonly [number, number, number], other: readonly [number, number, number]): ByPriority {
  return [one[0] + other[0], one[1] + other[1], one[2] + other[2]]
}
