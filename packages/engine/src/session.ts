import type { JobFunction } from './function.ts'
import type { Job } from './job.ts'
import { type Linked, List } from './list.ts'
import type { GrabForm } from './outbox.ts'

/** Of so many jobs that were taken from a session it may still speak. */
const revokedMax = 1000

/** The number of no session. */
export const noSession = -1

/** One wait of a session for a job. */
export class Waiter implements Linked<Waiter> {
  readonly session: Session
  job: Job
  list: List<Waiter> | undefined = undefined
  previous: Waiter | undefined = undefined
  next: Waiter | undefined = undefined

  constructor(session: Session, job: Job) {
    this.session = session
    this.job = job
  }
}

/** A worker's word that it can do a function. It stands in the function's list of
 * sleepers while the worker sleeps, in that of grabbers while its grab has found nothing. */
export class Ability implements Linked<Ability> {
  readonly session: Session
  readonly function: JobFunction
  /** Time the worker has for a job, or 0: all it needs. */
  timeoutMs: number
  list: List<Ability> | undefined = undefined
  previous: Ability | undefined = undefined
  next: Ability | undefined = undefined

  constructor(session: Session, jobFunction: JobFunction, timeoutMs: number) {
    this.session = session
    this.function = jobFunction
    this.timeoutMs = timeoutMs
  }

  /** The job that it would be given now. */
  get offered(): Job | undefined {
    return this.session.isBridge ? this.function.firstForBridge() : this.function.firstReady()
  }

  get sleepers(): List<Ability> {
    return this.session.isBridge ? this.function.bridges.sleepers : this.function.sleepers
  }

  get grabbers(): List<Ability> {
    return this.session.isBridge ? this.function.bridges.grabbers : this.function.grabbers
  }

  countWoken(by: 1 | -1): void {
    if (this.session.isBridge) this.function.bridges.wokenCount += by
    else this.function.wokenCount += by
  }
}

/** Whoever sends commands and gets events: client, worker or both. The engine knows it by its number. */
export class Session implements Linked<Session> {
  readonly id: number
  /** It is another server's. */
  readonly isBridge: boolean
  /** It wants WORK_EXCEPTION as such; without, it gets WORK_FAIL. */
  exceptions: boolean
  /** It wants to be told that a job that it has is its own no longer. */
  cancellation = false
  isOpen = true
  isSleeping = false
  /** Its grab is not answered before the store has been: there may be a job for it. */
  isHeld = false
  readonly waiting: List<Waiter> = new List<Waiter>()
  readonly running: List<Job> = new List<Job>()
  readonly #abilities = new Map<JobFunction, Ability>()
  /** The order of turns, backwards: whose turn it is stands last, the function that gave the last job first. */
  readonly #turns: Ability[] = []
  /** Numbers of the jobs last taken from it: what it still says of them is dropped without an error. */
  readonly #revoked = new Set<number>()

  /** How its last grab asked. */
  grabForm: GrabForm = 'plain'
  /** While it is woken: when another is to be woken in its place. */
  wakeDeadline = 0
  /** The engine's list of those woken, or of those grabbing. */
  list: List<Session> | undefined = undefined
  previous: Session | undefined = undefined
  next: Session | undefined = undefined

  constructor(id: number, exceptions: boolean, isBridge: boolean) {
    this.id = id
    this.isBridge = isBridge
    this.exceptions = exceptions
  }

  /** In the order of registration. */
  get abilities(): IterableIterator<Ability> {
    return this.#abilities.values()
  }

  get abilityCount(): number {
    return this.#abilities.size
  }

  ability(jobFunction: JobFunction): Ability | undefined {
    return this.#abilities.get(jobFunction)
  }

  /** It is its turn next. */
  addAbility(ability: Ability): void {
    this.#abilities.set(ability.function, ability)
    this.#turns.push(ability)
  }

  removeAbility(ability: Ability): void {
    this.#abilities.delete(ability.function)
    this.#turns.splice(this.#turns.indexOf(ability), 1)
  }

  clearAbilities(): void {
    this.#abilities.clear()
    this.#turns.length = 0
  }

  /** The store is looking for jobs that it can do. */
  get isServedByStore(): boolean {
    if (this.isBridge) return false
    for (const ability of this.#turns) if (ability.function.backlog.isAsked) return true
    return false
  }

  hasReadyJob(): boolean {
    for (const ability of this.#turns) if (ability.offered !== undefined) return true
    return false
  }

  /** Where the session's next job is: the highest priority first, among equals whose turn it is. */
  chooseAbility(): Ability | undefined {
    let chosen: Ability | undefined
    let chosenPriority = Number.POSITIVE_INFINITY
    for (let i = this.#turns.length - 1; i >= 0 && chosenPriority > 0; i--) {
      const ability = this.#turns[i]
      const priority = ability?.offered?.priority ?? Number.POSITIVE_INFINITY
      if (priority >= chosenPriority) continue
      chosen = ability
      chosenPriority = priority
    }
    return chosen
  }

  /** A job that it has is its own no longer. */
  revoke(number: number): void {
    const { value: oldest } = this.#revoked.values().next()
    if (this.#revoked.size >= revokedMax && oldest !== undefined) this.#revoked.delete(oldest)
    this.#revoked.add(number)
  }

  /** True if the job was taken from it, and it has not said the last of it. */
  isRevoked(number: number, isLast: boolean): boolean {
    if (this.#revoked.size === 0 || !this.#revoked.has(number)) return false
    if (isLast) this.#revoked.delete(number)
    return true
  }

  /** It has the job again. */
  restore(number: number): void {
    if (this.#revoked.size > 0) this.#revoked.delete(number)
  }

  /** The ability has given a job: the turn is the others'. */
  takeTurn(ability: Ability): void {
    if (this.#turns[0] === ability) return
    this.#turns.splice(this.#turns.lastIndexOf(ability), 1)
    this.#turns.unshift(ability)
  }
}
