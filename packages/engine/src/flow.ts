import type { Due } from './deadlines.ts'
import type { JobFunction } from './function.ts'
import type { Job } from './job.ts'
import { List } from './list.ts'
import type { Policy } from './policy.ts'

/** Jobs of one function whose uniques begin alike. */
export interface Group {
  /** Those in line and those that run. */
  slots: number
  /** By priority, those that wait for a slot. */
  readonly parked: readonly [List<Job>, List<Job>, List<Job>]
}

/**
 * How the jobs of a function are given out, where that is limited: whether at all, how many at a time, how many of a
 * group and how many a second. A function without such limits has none of these.
 */
export class Flow implements Due {
  readonly function: JobFunction
  readonly policy: Policy
  readonly #groups = new Map<string, Group>()
  /** Jobs that wait for a slot of their group, by priority. */
  readonly parked: [number, number, number] = [0, 0, 0]
  /** Those at that time. */
  #tokens: number
  #tokensAt: number

  // In the engine's list of those that wait for a token.
  readonly number = 0
  dueAt = 0
  index = -1

  /** With other rules before it, no more may be begun at once than by those. */
  constructor(jobFunction: JobFunction, policy: Policy, now: number, previous: Flow | undefined) {
    this.function = jobFunction
    this.policy = policy
    this.#tokens = Math.min(Math.max(1, policy.rateBurst), previous?.tokens(now) ?? Number.POSITIVE_INFINITY)
    this.#tokensAt = now
  }

  /** So many jobs may be given out at this moment. */
  room(now: number): number {
    const { paused, concurrency, rate } = this.policy
    if (paused) return 0
    const places = Math.max(0, Math.floor(concurrency) - this.#runningCount)
    if (rate === Number.POSITIVE_INFINITY || places === 0) return places
    if (rate === 0) return 0
    return Math.min(places, Math.floor(this.tokens(now) + tiny))
  }

  /** When there will be a token; Infinity if that is not what is waited for. */
  nextTokenAt(now: number): number {
    const { paused, concurrency, rate } = this.policy
    if (paused || this.#runningCount >= Math.floor(concurrency) || rate === 0 || rate === Number.POSITIVE_INFINITY)
      return Number.POSITIVE_INFINITY
    const tokens = this.tokens(now)
    return tokens + tiny >= 1 ? now : now + Math.ceil(((1 - tokens) * 1000) / rate)
  }

  /** No job is given out until the rules are others. */
  get isShut(): boolean {
    const { paused, concurrency, rate } = this.policy
    return paused || concurrency < 1 || rate === 0
  }

  /** So many more may be begun within a second, one at least. */
  soon(now: number): number {
    return Math.max(1, Math.floor(this.tokens(now) + this.policy.rate))
  }

  /** What other servers have taken is limited there. */
  get #runningCount(): number {
    return this.function.runningCount - this.function.bridges.runningCount
  }

  /** A job is given out. */
  begin(now: number): void {
    this.#tokens = this.tokens(now) - 1
    this.#tokensAt = now
  }

  /** Jobs that may be begun at once, in parts. */
  tokens(now: number): number {
    const { rate, rateBurst } = this.policy
    if (rate === Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY
    return Math.min(Math.max(1, rateBurst), this.#tokens + ((now - this.#tokensAt) * rate) / 1000)
  }

  // Groups

  /** A job that ran before these rules were there. */
  occupy(job: Job): void {
    const key = this.groupOf(job)
    if (key !== undefined) this.#group(key).slots++
  }

  /** The job may stand in line; false: it is parked until another one of its group leaves. */
  admit(job: Job): boolean {
    const { groupConcurrency } = this.policy
    const key = this.groupOf(job)
    if (key === undefined) return true
    const group = this.#group(key)
    if (group.slots < groupConcurrency) {
      group.slots++
      return true
    }
    this.park(job)
    return false
  }

  /** The job waits until another one of its group leaves. */
  park(job: Job): void {
    const key = this.groupOf(job)
    if (key === undefined) return
    this.#group(key).parked[job.priority].push(job)
    this.parked[job.priority]++
  }

  /** The job waits no more, and had not been admitted. */
  unpark(job: Job): void {
    job.list?.remove(job)
    this.parked[job.priority]--
    this.#forgetIfEmpty(this.groupOf(job))
  }

  /** A job that was admitted is neither in line nor running any more. The one that has its slot now is to stand in line. */
  leave(job: Job): Job | undefined {
    const key = this.groupOf(job)
    const group = key === undefined ? undefined : this.#groups.get(key)
    if (group === undefined) return undefined
    group.slots--
    const next = group.parked[0].first ?? group.parked[1].first ?? group.parked[2].first
    if (next === undefined || group.slots >= this.policy.groupConcurrency) {
      this.#forgetIfEmpty(key)
      return undefined
    }
    next.list?.remove(next)
    this.parked[next.priority]--
    group.slots++
    return next
  }

  /** Every job that is parked leaves; whoever calls puts it in line anew, under other rules. */
  takeParked(): Job[] {
    const jobs = this.parkedJobs()
    for (const job of jobs) job.list?.remove(job)
    this.parked.fill(0)
    return jobs
  }

  /** In the order they came. */
  parkedJobs(): Job[] {
    const jobs: Job[] = []
    for (const { parked } of this.#groups.values()) for (const list of parked) jobs.push(...list)
    return jobs.sort((one, other) => one.number - other.number)
  }

  get groups(): ReadonlyMap<string, Group> {
    return this.#groups
  }

  isParked(job: Job): boolean {
    const key = this.groupOf(job)
    return key !== undefined && job.list === this.#groups.get(key)?.parked[job.priority]
  }

  get parkedCount(): number {
    return this.parked[0] + this.parked[1] + this.parked[2]
  }

  #group(key: string): Group {
    let group = this.#groups.get(key)
    if (group === undefined) this.#groups.set(key, (group = { slots: 0, parked: [new List(), new List(), new List()] }))
    return group
  }

  /** Undefined: it is on its own. */
  groupOf({ unique }: Job): string | undefined {
    const { groupConcurrency, groupSeparator } = this.policy
    if (groupConcurrency === Number.POSITIVE_INFINITY) return undefined
    const end = unique.indexOf(groupSeparator)
    return end < 0 ? undefined : unique.slice(0, end)
  }

  #forgetIfEmpty(key: string | undefined): void {
    const group = key === undefined ? undefined : this.#groups.get(key)
    if (key === undefined || group === undefined || group.slots > 0) return
    if (group.parked.every(({ length }) => length === 0)) this.#groups.delete(key)
  }
}

/** What adding fractions loses. */
const tiny = 1e-9

/** The policy limits how jobs are given out. */
export function isLimited({ paused, concurrency, groupConcurrency, rate }: Policy): boolean {
  return paused || Math.min(concurrency, groupConcurrency, rate) < Number.POSITIVE_INFINITY
}
