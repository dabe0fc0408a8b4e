import type { Engine, JobFunction } from '@geartrain/engine'
import type { Policies } from '../policies/policies.ts'
import type { LimitDemand } from '../store/cluster.ts'

/** What this server could use of the limits that hold for all servers together. */
export class LimitDemands {
  readonly #engine: Engine
  readonly #policies: Policies
  /** Functions with limits, as they were when it was looked last, and what was wanted of each. */
  #limited: ReadonlyMap<JobFunction, number> = new Map()

  constructor(engine: Engine, policies: Policies) {
    this.#engine = engine
    this.#policies = policies
  }

  /** All of them, by now. */
  take(): LimitDemand[] {
    const demands: LimitDemand[] = []
    const limited = new Map<JobFunction, number>()
    for (const jobFunction of this.#engine.functions()) {
      const { name, bridges } = jobFunction
      const running = jobFunction.runningCount - bridges.runningCount
      const { concurrency, rate, paused } = this.#policies.limitOf(name)
      if (Math.min(concurrency, rate) === Number.POSITIVE_INFINITY) continue
      const wanted = paused ? 0 : wantedOf(jobFunction)
      limited.set(jobFunction, wanted)
      if (running + wanted > 0) demands.push({ function: name, concurrency, rate, running, wanted })
    }
    this.#limited = limited
    return demands
  }

  /** There were limits when it was looked last. */
  get areAny(): boolean {
    return this.#limited.size > 0
  }

  /** There are jobs and workers of one that has no room here, and more than was said. */
  get areMore(): boolean {
    for (const [jobFunction, said] of this.#limited) {
      if (jobFunction.room === 0 && !jobFunction.policy.paused && wantedOf(jobFunction) > said) return true
    }
    return false
  }
}

/**
 * Jobs that wait, as far as there are workers that could begin them at once. Foreground jobs of other servers come here
 * when there is room for them.
 */
function wantedOf({ readyCount, backlog, elsewhere, sleepers, grabbers, wokenCount }: JobFunction): number {
  const waiting = readyCount + backlog.readyCount + elsewhere.waiting
  return Math.min(waiting, sleepers.length + grabbers.length + wokenCount)
}
