import type { JobFunction } from './function.ts'
import type { Job } from './job.ts'
import { type Linked, List } from './list.ts'
import type { GrabForm } from './outbox.ts'

/** One wait of a session for a job. */
export class Waiter implements Linked<Waiter> {
  readonly session: Session
  readonly job: Job
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
}

/** Whoever sends commands and gets events: client, worker or both. The engine knows it by its number. */
export class Session implements Linked<Session> {
  readonly id: number
  /** It wants WORK_EXCEPTION as such; without, it gets WORK_FAIL. */
  exceptions: boolean
  isOpen = true
  isSleeping = false
  readonly waiting: List<Waiter> = new List<Waiter>()
  readonly running: List<Job> = new List<Job>()
  /** In the order of registration. */
  readonly abilities: Ability[] = []
  /** The same in the order of turns: the function that gave the last job comes last. New ones come first. */
  readonly turns: Ability[] = []
  /** Numbers of jobs that were cancelled under it: what it still says of them is dropped without an error. */
  readonly cancelled: Set<number> = new Set<number>()

  /** How its last grab asked. */
  grabForm: GrabForm = 'plain'
  /** While it is woken: when another is to be woken in its place. */
  wakeDeadline = 0
  /** The engine's list of those woken, or of those grabbing. */
  list: List<Session> | undefined = undefined
  previous: Session | undefined = undefined
  next: Session | undefined = undefined

  constructor(id: number, exceptions: boolean) {
    this.id = id
    this.exceptions = exceptions
  }

  ability(jobFunction: JobFunction): Ability | undefined {
    return this.abilities.find((ability) => ability.function === jobFunction)
  }

  hasReadyJob(): boolean {
    return this.abilities.some((ability) => ability.function.readyCount > 0)
  }

  /** The chosen ability goes to the end of the turns. */
  takeTurn(ability: Ability): void {
    const { turns } = this
    if (turns[turns.length - 1] === ability) return
    turns.splice(turns.indexOf(ability), 1)
    turns.push(ability)
  }
}
