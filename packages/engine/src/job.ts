import type { Addition } from './changes.ts'
import type { Due } from './deadlines.ts'
import type { JobFunction } from './function.ts'
import type { Linked, List } from './list.ts'
import type { Policy } from './policy.ts'
import type { Session, Waiter } from './session.ts'
import { sharedBytesMax, type WorkloadPage, Workloads } from './workloads.ts'

/** Lower is sooner. */
export const priorities = { high: 0, normal: 1, low: 2 } as const
export type Priority = (typeof priorities)[keyof typeof priorities]

/**
 * delayed: its time has not come; it stands in the engine's deadlines.
 * ready: it stands in its function's list of its priority, or among those parked until there is room in their group; in
 * the deadlines as well if it is to be begun in time.
 * running: a worker has it; it stands in that session's list, and in the deadlines if it has a timeout.
 * pending: it waits for the store's word; it stands in no list.
 * stored: it waits on disk, and here only for those who wait for it; it stands in no list.
 * ended: it is nowhere.
 * dead, kept: the same here. Whoever keeps jobs has it: for a person, or for those who ask for its result.
 */
export type JobState = 'pending' | 'stored' | 'delayed' | 'ready' | 'running' | 'ended' | 'dead' | 'kept'

/** From each state, where a job can go. `docs/job-states.md` holds the same table, and a test compares them. */
export const jobTransitions: Readonly<Record<JobState, readonly JobState[]>> = {
  pending: ['ready', 'stored', 'ended'],
  stored: ['ready', 'ended', 'dead'],
  delayed: ['ready', 'stored', 'ended'],
  ready: ['running', 'stored', 'ended', 'dead'],
  running: ['ready', 'delayed', 'stored', 'ended', 'dead', 'kept'],
  dead: ['stored', 'ready', 'ended'],
  kept: ['ended'],
  ended: [],
}

/** What a client asks for. Names have one byte a character. */
export interface Submission {
  readonly function: string
  /** Empty: the job is its own. `-`: the workload is the key. Else jobs of the function with the same one are one. */
  readonly unique: string
  readonly workload: Uint8Array
  readonly priority: Priority
  /** Nobody waits for it; it outlives the session that submitted it. */
  readonly background: boolean
  /** Not before this time, in the engine's milliseconds; 0 is now. */
  readonly runAt: number
  /** The function that the worker is to give the parts to; empty for a plain job. */
  readonly reducer: string
  /** The function that the result is sent on to, beside what its policy says; empty: none. */
  readonly then: string
  /** What its policy says differently from its function's: text that `policyOf` understands; empty: nothing. */
  readonly options: string
  /** For those who trace it; the engine only passes it on. */
  readonly trace: string
}

/** Shared by all jobs that nobody waits for. */
const noWaiters: Waiter[] = []
export const noBytes: Uint8Array = new Uint8Array(0)

/** A job that has not ended. Number and submission stay; the rest is where it stands and what became of it so far. */
export class Job implements Linked<Job>, Due {
  /** Counts up from the engine's first number, never again the same. The server makes the handle of it. */
  readonly number: number
  readonly function: JobFunction
  readonly unique: string
  priority: Priority
  readonly reducer: string
  readonly then: string
  readonly options: string
  readonly trace: string
  readonly workloadLength: number
  readonly #bytes: Uint8Array
  readonly #page: WorkloadPage | undefined
  readonly #offset: number
  #waiters = noWaiters

  /** True also for a foreground job that a background submission has joined: it was acknowledged as lasting. */
  background: boolean
  state: JobState = 'ended'
  /** The store has it; when it ends, the store must hear of it. */
  isStored = false
  /** While it is on its way into the store. */
  addition: Addition | undefined = undefined
  /** While the store is asked for one like it. */
  question: Addition | undefined = undefined
  /** While it is pending: the job that it will join unless that is cancelled before, and that waits for it. */
  successor: Job | undefined = undefined
  /** Others of its unique do not find it, but that job. */
  isHidden = false
  /** It has come from another server, which waits for it. */
  isForwarded = false
  /** The worker session that has it, while it is running. */
  owner: Session | undefined = undefined
  /** Attempts that have ended. */
  retries = 0
  /** When it is dead unless it has begun; 0: it may wait. */
  expiresAt: number
  /** Since when it can be begun, or from when on. */
  readyAt: number
  /** When its last attempt began. */
  startedAt = 0
  /** Observers have been told that it is there, and are to be told that it has ended. */
  isObserved = false
  numerator = 0
  denominator = 0

  list: List<Job> | undefined = undefined
  previous: Job | undefined = undefined
  next: Job | undefined = undefined
  dueAt = 0
  index = -1

  constructor(number: number, jobFunction: JobFunction, submission: Submission, expiresAt = 0, readyAt = 0) {
    const { workload } = submission
    this.number = number
    this.function = jobFunction
    this.unique = submission.unique
    this.priority = submission.priority
    this.reducer = submission.reducer
    this.then = submission.then
    this.options = submission.options
    this.trace = submission.trace
    this.expiresAt = expiresAt
    this.readyAt = readyAt
    this.background = submission.background
    // A delayed job would keep its page for long after the others on it have gone.
    this.#page = submission.runAt === 0 ? jobFunction.workloads[submission.priority].keep(workload) : undefined
    this.#bytes = this.#page?.bytes ?? ownBytes(workload)
    this.#offset = this.#page === undefined ? 0 : this.#page.used - workload.length
    this.workloadLength = workload.length
  }

  /** What counts for it: its function's, but for what its options say. */
  get policy(): Policy {
    return this.options === '' ? this.function.policy : this.function.policyOf(this.options)
  }

  /** A view that is good until the job ends. */
  get workload(): Uint8Array {
    return this.#bytes.subarray(this.#offset, this.#offset + this.workloadLength)
  }

  /** What was asked for, as far as it still matters. */
  get submission(): Submission {
    const { function: jobFunction, unique, workload, priority, background, reducer, then, options, trace } = this
    return {
      function: jobFunction.name,
      unique,
      workload,
      priority,
      background,
      runAt: 0,
      reducer,
      then,
      options,
      trace,
    }
  }

  /** Sessions that get what becomes of it, in the order they came. One that submitted it twice is here twice. */
  get waiters(): readonly Waiter[] {
    return this.#waiters
  }

  /** Those who wait for the other job wait for this one. */
  adoptWaiters(other: Job): void {
    for (const waiter of other.waiters) {
      waiter.job = this
      this.addWaiter(waiter)
    }
    other.#waiters = noWaiters
  }

  /** It is nowhere here, whoever keeps it. */
  get hasEnded(): boolean {
    return this.state === 'ended' || this.state === 'dead' || this.state === 'kept'
  }

  /** Nobody would learn that it was done. */
  get isAbandoned(): boolean {
    return !this.background && this.waiters.length === 0
  }

  /** Another server may do it: a foreground job, or one that a client waits for here, where nobody can do it. */
  get isBridgeable(): boolean {
    if (this.isForwarded) return false
    return !this.background || (this.#waiters.length > 0 && this.function.workerCount === 0)
  }

  addWaiter(waiter: Waiter): void {
    if (this.#waiters === noWaiters) this.#waiters = [waiter]
    else this.#waiters.push(waiter)
  }

  removeWaitersOf(session: Session): void {
    const waiters = this.#waiters
    let kept = 0
    for (let i = 0; i < waiters.length; i++) {
      const waiter = waiters[i]
      if (waiter === undefined || waiter.session === session) continue
      if (kept < i) waiters[kept] = waiter
      kept++
    }
    waiters.length = kept
  }

  /** Gives back its part of a page; `workload` must not be read any more. */
  releaseWorkload(): void {
    if (this.#page !== undefined) Workloads.release(this.#page)
  }
}

/**
 * The workload itself if it makes up much of the buffer that it would keep alive, else a copy. A small one is always
 * copied: it may lie in a buffer that is used again for the next input.
 */
function ownBytes(workload: Uint8Array): Uint8Array {
  if (workload.length === 0) return noBytes
  const isKept = workload.length > sharedBytesMax && workload.buffer.byteLength <= 2 * workload.length
  return isKept ? workload : new Uint8Array(workload)
}
