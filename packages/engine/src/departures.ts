import type { Changes } from './changes.ts'
import { canBegin, demandOf, idleCount } from './demand.ts'
import type { JobFunction } from './function.ts'
import type { Job } from './job.ts'
import type { JobStates } from './job-states.ts'
import { noSession } from './session.ts'
import type { Window } from './window.ts'

/** A job may wait so long here for a worker that is busy. */
const heldMs = 1000

/** By priority the last one that stood in line when its function was looked at. */
type Marks = readonly [Job | undefined, Job | undefined, Job | undefined]

/**
 * With a store that others use as well: jobs that have come from it and that nobody here will begin soon leave, so that
 * others can have them. Those that a client here waits for stay.
 */
export class Departures {
  readonly #states: JobStates
  readonly #changes: Changes
  /** Functions that had jobs which nobody here could begin, in this turn. */
  readonly #stuck = new Set<JobFunction>()
  /** Functions that have had jobs in line. */
  readonly #watched = new Map<JobFunction, Marks>()
  /** When they are looked at. */
  #lookAt = Number.POSITIVE_INFINITY
  readonly #window: Window

  constructor(states: JobStates, changes: Changes, window: Window) {
    this.#states = states
    this.#changes = changes
    this.#window = window
  }

  get lookAt(): number {
    return this.#lookAt
  }

  /** A job of the store, which stands nowhere, is to stand in line. False: it has left. */
  admit(job: Job): boolean {
    if (!this.#window.isLapsed) {
      this.watch(job.function)
      return true
    }
    job.state = 'ended'
    this.#leave(job)
    return false
  }

  /** A job of the function stands in line, or something has changed for those that do. */
  watch(jobFunction: JobFunction): void {
    if (!this.#canBegin(jobFunction)) this.#stuck.add(jobFunction)
    else if (!this.#watched.has(jobFunction)) {
      this.#watched.set(jobFunction, noMarks)
      this.#lookAt = Math.min(this.#lookAt, this.#states.now + heldMs)
    }
  }

  /** The end of a turn. Workers often leave and come back within one. */
  settle(): void {
    if (this.#stuck.size === 0) return
    for (const jobFunction of this.#stuck) if (!this.#canBegin(jobFunction)) this.#release(jobFunction, 0)
    this.#stuck.clear()
  }

  /** Where all workers are busy, and jobs have been waiting for them all the time. */
  look(): void {
    const { now } = this.#states
    if (this.#lookAt > now) return
    for (const [jobFunction, marks] of this.#watched) {
      const { ready } = jobFunction
      if (
        marks.some((job) => job !== undefined && job.list === ready[job.priority]) &&
        idleCount(jobFunction, now) === 0
      )
        this.#release(jobFunction, demandOf(jobFunction, now, this.#states.options.windowJobs))
      if (jobFunction.readyCount === 0) this.#watched.delete(jobFunction)
      else this.#watched.set(jobFunction, [ready[0].last, ready[1].last, ready[2].last])
    }
    this.#lookAt = this.#watched.size > 0 ? now + heldMs : Number.POSITIVE_INFINITY
  }

  /** Nothing is begun any more. */
  releaseAll(): void {
    for (const jobFunction of this.#states.functions) this.#release(jobFunction, 0)
  }

  /** All that nobody has begun leave without a word, and none comes until the store is opened anew. */
  lapse(): void {
    this.#window.isLapsed = true
    const left = Array.from(this.#states.jobs).filter(
      ({ isStored, state, addition }) =>
        isStored && state !== 'running' && state !== 'stored' && addition === undefined,
    )
    for (const job of left) this.#leave(job)
    // Others of their groups may begin.
    for (const jobFunction of new Set(left.map((job) => job.function))) this.#states.goOn(jobFunction)
  }

  #canBegin(jobFunction: JobFunction): boolean {
    return canBegin(jobFunction) && !this.#states.isDraining
  }

  /** All but so many at the head of the line. */
  #release(jobFunction: JobFunction, keep: number): void {
    const parked = keep === 0 ? (jobFunction.flow?.parkedJobs() ?? []) : []
    for (const job of parked) if (isReleasable(job)) this.#giveUp(job)
    let ahead = 0
    for (const list of jobFunction.ready) {
      for (const job of list) {
        if (ahead >= keep && isReleasable(job)) this.#giveUp(job)
        else ahead++
      }
    }
    this.#states.goOn(jobFunction)
  }

  #giveUp(job: Job): void {
    // The store need not know of attempts that were lost, but who has the job next does.
    if (job.retries > 0) this.#changes.retry(job, 0, { reason: 'lost', worker: noSession, error: undefined })
    this.#changes.release(job.number)
    this.#leave(job)
  }

  /** It is in the store alone from now on. Those who wait for it see it fail: nobody here would hear of its result. */
  #leave(job: Job): void {
    const { function: jobFunction, priority } = job
    for (const { session } of job.waiters) this.#states.outbox.workFail(session.id, job)
    this.#states.takeOut(job)
    this.#states.setTransient(job)
    this.#states.removeWaited(job, 'stored')
    jobFunction.backlog.ready[priority]++
  }
}

const noMarks: Marks = [undefined, undefined, undefined]

function isReleasable({ isStored, addition, waiters }: Job): boolean {
  return isStored && addition === undefined && waiters.length === 0
}
