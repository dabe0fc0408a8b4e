import { Backlog } from './backlog.ts'
import { Bridges } from './bridges.ts'
import { type Elsewhere, nothingElsewhere } from './elsewhere.ts'
import { Flow, isLimited } from './flow.ts'
import { type Job, type Priority, priorities } from './job.ts'
import { List } from './list.ts'
import { Pace } from './pace.ts'
import { type Policy, plainPolicy } from './policy.ts'
import type { Ability } from './session.ts'
import { Workloads } from './workloads.ts'

/** How many jobs of the function a submission of each priority may find there; Infinity is no limit. */
export interface QueueLimits {
  readonly high: number
  readonly normal: number
  readonly low: number
}

const noLimits: QueueLimits = {
  high: Number.POSITIVE_INFINITY,
  normal: Number.POSITIVE_INFINITY,
  low: Number.POSITIVE_INFINITY,
}

/**
 * As much of a workload as is hashed at either end. Workloads that differ only between have the same hash, and each
 * is then compared with all of the others: jobs made from a template of a few KB must not end there.
 */
const hashedBytes = 32 * 1024

/** Policies of jobs with options of their own, of which so many are remembered. */
const jobPoliciesMax = 100

/** A function: its queue, and what is known of those who can do it. It stays when its last job and worker have gone. */
export class JobFunction {
  readonly name: string
  /** By priority. */
  readonly ready: readonly [List<Job>, List<Job>, List<Job>] = [new List<Job>(), new List<Job>(), new List<Job>()]
  readyCount = 0
  delayedCount = 0
  runningCount = 0
  /** Those that are to be ready when the store has them. */
  pendingCount = 0
  /** Jobs of the store that are here, by priority; and of those the ones that a worker has. */
  readonly stored: [number, number, number] = [0, 0, 0]
  readonly runningStored: [number, number, number] = [0, 0, 0]
  /** What waits in the store. */
  readonly backlog: Backlog = new Backlog()
  /** Sessions that can do it. */
  workerCount = 0
  /** Abilities of those that sleep, the longest asleep first. */
  readonly sleepers: List<Ability> = new List<Ability>()
  /** Abilities of those whose grab has found nothing yet. */
  readonly grabbers: List<Ability> = new List<Ability>()
  /** Those of its workers that were woken and have not grabbed since. */
  wokenCount = 0
  /** Other servers that can do it and ask for its foreground jobs; they are not among its workers. */
  bridgeCount = 0
  readonly bridges: Bridges = new Bridges()
  elsewhere: Elsewhere = nothingElsewhere
  /** Of the store's, those that are neither here nor to be had. */
  claimedElsewhere = 0
  readonly pace: Pace = new Pace()
  /** By priority, since jobs of one priority leave in the order they came. */
  readonly workloads: readonly [Workloads, Workloads, Workloads] = [new Workloads(), new Workloads(), new Workloads()]
  queueLimits: QueueLimits = noLimits
  readonly #policyOf: (options: string) => Policy
  #policy = plainPolicy
  /** By their options. */
  readonly #jobPolicies = new Map<string, Policy>()
  /** Undefined: nothing limits how its jobs are given out. */
  flow: Flow | undefined
  /** So many of its jobs may be given out now. */
  room = Number.POSITIVE_INFINITY
  readonly #byUnique = new Map<string, Job>()
  /** Jobs whose unique is `-`, by a hash of the workload. */
  readonly #byWorkload = new Map<number, Job[]>()

  constructor(name: string, policyOf: (options: string) => Policy) {
    this.name = name
    this.#policyOf = policyOf
    this.setPolicy(policyOf(''), 0)
  }

  get policy(): Policy {
    return this.#policy
  }

  /** What counts for a job with these options, as far as it is about this job alone. */
  policyOf(options: string): Policy {
    if (options === '') return this.#policy
    let policy = this.#jobPolicies.get(options)
    if (policy === undefined) {
      policy = this.#policyOf(options)
      if (this.#jobPolicies.size >= jobPoliciesMax) this.#jobPolicies.clear()
      this.#jobPolicies.set(options, policy)
    }
    return policy
  }

  /** They are others from now on. */
  forgetJobPolicies(): void {
    this.#jobPolicies.clear()
  }

  /** Those that are parked must be put in line anew. */
  setPolicy(policy: Policy, now: number): void {
    this.#policy = policy
    this.flow = isLimited(policy) ? new Flow(this, policy, now, this.flow) : undefined
    this.room = this.flow?.room(now) ?? Number.POSITIVE_INFINITY
  }

  /** All that there are, in the store too. */
  get jobCount(): number {
    const inMemory = this.readyCount + this.delayedCount + this.runningCount + this.pendingCount
    return inMemory + (this.flow?.parkedCount ?? 0) + this.backlog.size
  }

  /** Those in memory of a priority that wait for a worker, or for others of their group. */
  heldCount(priority: Priority): number {
    return this.ready[priority].length + (this.flow?.parked[priority] ?? 0)
  }

  /** Those that a worker could have now. */
  get availableCount(): number {
    return Math.min(this.readyCount, this.room)
  }

  /** Those that wait to be done, in the store too. */
  queuedCount(priority: Priority): number {
    return this.heldCount(priority) + this.backlog.ready[priority]
  }

  /** Nobody would miss it. */
  get isIdle(): boolean {
    const { high, normal, low } = this.queueLimits
    if (this.claimedElsewhere > 0 || this.bridgeCount > 0) return false
    return this.jobCount === 0 && this.workerCount === 0 && Math.min(high, normal, low) === Number.POSITIVE_INFINITY
  }

  queueLimit(priority: Priority): number {
    const { high, normal, low } = this.queueLimits
    const limit = priority === priorities.high ? high : priority === priorities.normal ? normal : low
    return Number.isFinite(limit) ? limit : this.#policy.maxQueue[priority]
  }

  /** The first of the highest priority, if a worker could have it now. */
  firstReady(): Job | undefined {
    if (this.room === 0) return undefined
    return this.ready[0].first ?? this.ready[1].first ?? this.ready[2].first
  }

  /** The first of the highest priority that another server could do and no worker here is about to take. */
  firstForBridge(): Job | undefined {
    if (this.readyCount <= this.wokenCount || this.#policy.paused) return undefined
    for (const list of this.ready) {
      for (let job = list.first; job !== undefined; job = job.next) if (job.isBridgeable) return job
    }
    return undefined
  }

  /** The live job that a submission of this unique and workload would join. */
  find(unique: string, workload: Uint8Array): Job | undefined {
    if (unique === '') return undefined
    if (unique !== '-') return this.#byUnique.get(unique)
    return this.#byWorkload.get(hash(workload))?.find((job) => isSame(job.workload, workload))
  }

  findByUnique(unique: string): Job | undefined {
    return this.#byUnique.size === 0 ? undefined : this.#byUnique.get(unique)
  }

  /** From now on it is the one that is found, also if there is another. */
  remember(job: Job): void {
    if (job.unique === '') return
    if (job.unique !== '-') this.#byUnique.set(job.unique, job)
    else if (job.workloadLength > 0) {
      const key = hash(job.workload)
      const jobs = this.#byWorkload.get(key)
      if (jobs === undefined) this.#byWorkload.set(key, [job])
      else jobs.unshift(job)
    }
  }

  forget(job: Job): void {
    if (job.unique === '') return
    if (job.unique !== '-') {
      if (this.#byUnique.get(job.unique) === job) this.#byUnique.delete(job.unique)
    } else if (job.workloadLength > 0) {
      const key = hash(job.workload)
      const jobs = this.#byWorkload.get(key)?.filter((other) => other !== job) ?? []
      if (jobs.length === 0) this.#byWorkload.delete(key)
      else this.#byWorkload.set(key, jobs)
    }
  }
}

/** FNV-1a of the length and of both ends: enough to tell workloads apart, at a cost that does not grow with them. */
function hash(bytes: Uint8Array): number {
  let value = 0x811c9dc5 ^ bytes.length
  const headEnd = Math.min(bytes.length, hashedBytes)
  for (let i = 0; i < headEnd; i++) value = Math.imul(value ^ (bytes[i] ?? 0), 0x01000193)
  for (let i = Math.max(headEnd, bytes.length - hashedBytes); i < bytes.length; i++) {
    value = Math.imul(value ^ (bytes[i] ?? 0), 0x01000193)
  }
  return value
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false
  for (let i = 0; i < one.length; i++) if (one[i] !== other[i]) return false
  return true
}
