import assert from 'node:assert/strict'
import type { Engine, FailureReason, Policy, Submission } from '@geartrain/engine'

/** What of a submission matters here. */
export type Asked = Pick<Submission, 'unique' | 'options'>

/** What is known of a job from its attempts. */
interface Watched {
  readonly function: string
  readonly unique: string
  /** What its policy says differently. */
  readonly options: string
  background: boolean
  isWaitedFor: boolean
  /** Attempts that have ended. */
  ended: number
  isRunning: boolean
  /** It is not to be begun again before this time; Infinity: never. */
  notBefore: number
}

/** What comes after an attempt that has ended. `over`: the job has ended and nobody keeps it. */
export type Course = 'again' | 'dead' | 'over'

/** What a function has done under one policy. */
interface History {
  policy: Policy
  /** Times at which jobs were begun, since the rate is what it is. */
  begun: number[]
  /** Jobs that were there when groups came, or other ones, may still be too many. */
  hasOldGroups: boolean
}

/**
 * Policies once more, to hold against what the sessions see: when jobs are begun and attempts end. Throws when a job is
 * begun too early, too often, beside too many others, too fast, or while its function is paused.
 */
export class PolicyWatch {
  readonly #policyOf: (name: string, options?: string) => Policy
  readonly #histories = new Map<string, History>()
  readonly #jobs = new Map<number, Watched>()

  constructor(policyOf: (name: string, options?: string) => Policy) {
    this.#policyOf = policyOf
  }

  /** After each command: who wants the jobs that run is the engine's word. */
  look(engine: Engine): void {
    for (const job of engine.jobs()) {
      const watched = this.#jobs.get(job.number)
      if (watched === undefined) continue
      watched.background = job.background
      watched.isWaitedFor = job.waiters.length > 0
    }
    for (const [name, history] of this.#histories) {
      const jobFunction = engine.findFunction(name)
      const isEmpty = jobFunction === undefined || jobFunction.readyCount + jobFunction.runningCount === 0
      if (isEmpty) history.hasOldGroups = false
    }
  }

  begun(number: number, name: string, { unique, options }: Asked, now: number, told: string): void {
    const { policy, begun, hasOldGroups } = this.#history(name)
    const known = this.#jobs.get(number)
    assert(known?.isRunning !== true, `${told}: somebody has it`)
    assert(!policy.paused, `${told}: ${name} is paused`)
    assert((known?.notBefore ?? 0) <= now, `${told}: not before ${known?.notBefore}, and it is ${now}`)
    const running = this.#runningOf(name)
    assert(running.length < policy.concurrency, `${told}: ${running.length} run, at most ${policy.concurrency} may`)
    const group = groupOf(unique, policy)
    const beside = running.filter((job) => group !== undefined && groupOf(job.unique, policy) === group).length
    assert(beside < policy.groupConcurrency || hasOldGroups, `${told}: ${beside} of its group run`)
    begun.push(now)
    if (policy.rate < Number.POSITIVE_INFINITY) checkRate(begun, policy, told)
    const watched = known ?? { function: name, unique, options, background: false, isWaitedFor: true, ended: 0 }
    this.#jobs.set(number, { ...watched, isRunning: true, notBefore: 0 })
  }

  /** An attempt has ended without a result. */
  failed(number: number, reason: FailureReason, now: number): Course {
    const job = this.#jobs.get(number)
    if (job === undefined) return 'again'
    const policy = this.#policyOf(job.function, job.options)
    const { attempts, retryOn, retryForeground, timeoutMs, deadMax } = policy
    job.isRunning = false
    const isTried = job.background || (retryForeground && job.isWaitedFor)
    const isWanted = job.background || job.isWaitedFor
    job.ended++
    if (attempts === undefined || !isTried) {
      const isFinal = reason === 'failed' || reason === 'exception' || (reason === 'timeout' && timeoutMs > 0)
      job.notBefore = isFinal || !isWanted ? Number.POSITIVE_INFINITY : 0
    } else {
      const mayBeTried = retryOn[reason] && job.ended < attempts
      job.notBefore = mayBeTried ? now + leastWait(policy, job.ended) : Number.POSITIVE_INFINITY
    }
    if (job.notBefore < Number.POSITIVE_INFINITY) return 'again'
    return attempts !== undefined && job.background && deadMax > 0 ? 'dead' : 'over'
  }

  /** Its worker has left without having been told of it: that was no attempt. */
  givenBack(number: number): void {
    const job = this.#jobs.get(number)
    if (job?.ended === 0) this.#jobs.delete(number)
    else if (job !== undefined) job.isRunning = false
  }

  /** It need not wait for its next attempt. */
  hastened(number: number): void {
    const job = this.#jobs.get(number)
    if (job !== undefined && job.notBefore < Number.POSITIVE_INFINITY) job.notBefore = 0
  }

  /** It has ended in another way. */
  gone(number: number): void {
    this.#jobs.delete(number)
  }

  /** Has it ever been begun? */
  wasBegun(number: number): boolean {
    return this.#jobs.has(number)
  }

  /** The server begins anew, with what the store knows of each job. */
  restart(attemptsOf: (number: number) => number): void {
    this.#histories.clear()
    for (const [number, job] of this.#jobs) {
      const ended = attemptsOf(number)
      if (ended === 0) this.#jobs.delete(number)
      // What the store has not heard of does not count.
      if (ended < job.ended || job.isRunning) job.notBefore = 0
      job.ended = ended
      job.isRunning = false
    }
  }

  #history(name: string): History {
    const policy = this.#policyOf(name)
    const history = this.#histories.get(name) ?? { policy, begun: [], hasOldGroups: false }
    const { policy: previous } = history
    if (previous.rate !== policy.rate || previous.rateBurst !== policy.rateBurst) history.begun = []
    const { groupConcurrency, groupSeparator } = previous
    if (groupConcurrency !== policy.groupConcurrency || groupSeparator !== policy.groupSeparator)
      history.hasOldGroups = true
    history.policy = policy
    this.#histories.set(name, history)
    return history
  }

  /** To be called when the function has another policy. */
  policyChanged(name: string): void {
    this.#history(name)
  }

  #runningOf(name: string): Watched[] {
    return [...this.#jobs.values()].filter((job) => job.isRunning && job.function === name)
  }
}

/** From any of them to the last one, no more than a burst and what has come since. */
function checkRate(begun: readonly number[], { rate, rateBurst }: Policy, told: string): void {
  const last = begun.at(-1) ?? 0
  for (const [index, time] of begun.entries()) {
    const most = rateBurst + ((last - time) * rate) / 1000
    assert(begun.length - index <= most + 1e-6, `${told}: ${begun.length - index} since ${time}, at most ${most} may`)
  }
}

function leastWait({ backoffFirstMs, backoffFactor, backoffMaxMs, backoffJitter }: Policy, ended: number): number {
  const longest = Math.min(backoffMaxMs, backoffFirstMs * backoffFactor ** (ended - 1))
  return Math.floor(longest * (1 - backoffJitter))
}

function groupOf(unique: string, { groupSeparator }: Policy): string | undefined {
  const [group, rest] = unique.split(groupSeparator)
  return rest === undefined ? undefined : group
}
