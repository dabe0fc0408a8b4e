import type { JobFunction } from './function.ts'
import { List } from './list.ts'
import type { Outbox } from './outbox.ts'
import type { Ability, Session } from './session.ts'

export interface WakingOptions {
  /** How many sleeping workers a ready job wakes. Infinity: all. */
  readonly wakeCount: number
  /** A worker that was woken and has not grabbed by then has another woken in its place. */
  readonly wakeTimeoutMs: number
}

/**
 * Who sleeps and who was woken. A ready job wakes few of its function's sleepers, and this class keeps the promise
 * that no job is left beside sleepers for it: whoever is woken and then takes another job, leaves, or does not grab
 * in time has another woken in its place, unless as many are on their way as jobs wait.
 */
export class Waking {
  /** Those woken that have not grabbed since, the first one's deadline first. */
  readonly woken: List<Session> = new List<Session>()
  /** Nobody is woken any more. */
  isStopped = false
  readonly #options: WakingOptions
  readonly #outbox: Outbox

  constructor(outbox: Outbox, options: WakingOptions) {
    this.#outbox = outbox
    this.#options = options
  }

  /** When `expire` must be called at the latest; Infinity if nobody is on the way. */
  get deadline(): number {
    return this.woken.first?.wakeDeadline ?? Number.POSITIVE_INFINITY
  }

  /** Those woken whose time to grab is over count as asleep no longer, and not as on their way either. */
  expire(now: number): void {
    for (let session = this.woken.first; session !== undefined && session.wakeDeadline <= now; ) {
      this.leaveWoken(session)
      this.wakeInPlaceOf(session, now)
      session = this.woken.first
    }
  }

  /** NOOP at once if there is a job to be had. */
  sleep(session: Session, now: number): void {
    if (session.isSleeping) return
    const wasWoken = this.leaveWoken(session)
    session.isSleeping = true
    for (const ability of session.abilities) ability.sleepers.push(ability)
    if (!this.isStopped && session.hasReadyJob()) this.#wake(session, now)
    else if (wasWoken) this.wakeInPlaceOf(session, now)
  }

  /** Out of the lists of sleepers and woken; true if it had been woken for a job. */
  awaken(session: Session): boolean {
    if (session.isSleeping) {
      session.isSleeping = false
      for (const ability of session.abilities) ability.list?.remove(ability)
    }
    return this.leaveWoken(session)
  }

  /** Not on its way any more; true if it was. */
  leaveWoken(session: Session): boolean {
    if (session.list !== this.woken) return false
    this.woken.remove(session)
    for (const ability of session.abilities) ability.countWoken(-1)
    return true
  }

  /** For a job that is ready now. */
  wakeForJob(jobFunction: JobFunction, now: number): void {
    this.#wakeSleepers(jobFunction, this.#options.wakeCount, now)
  }

  /** One that was woken for this function is lost to it. */
  wakeForRest(jobFunction: JobFunction, now: number): void {
    if (jobFunction.wokenCount < jobFunction.availableCount) this.#wakeSleepers(jobFunction, 1, now)
    if (jobFunction.bridgeCount > 0) this.wakeBridges(jobFunction, now)
  }

  /** More jobs than one can be had at once. */
  wakeForAll(jobFunction: JobFunction, now: number): void {
    for (let i = jobFunction.wokenCount; i < jobFunction.availableCount && jobFunction.sleepers.length > 0; i++) {
      this.wakeForJob(jobFunction, now)
    }
  }

  /** Other servers, for jobs that none of the workers here is on its way for. */
  wakeBridges(jobFunction: JobFunction, now: number): void {
    const { bridges } = jobFunction
    if (this.isStopped || bridges.sleepers.first === undefined || jobFunction.firstForBridge() === undefined) return
    while (
      bridges.sleepers.first !== undefined &&
      bridges.wokenCount < jobFunction.readyCount - jobFunction.wokenCount
    ) {
      this.#wake(bridges.sleepers.first.session, now)
    }
  }

  wakeInPlaceOf(session: Session, now: number): void {
    for (const ability of session.abilities) this.wakeForRest(ability.function, now)
  }

  /** The session has a new ability. */
  add(ability: Ability, now: number): void {
    const { session } = ability
    if (session.list === this.woken) ability.countWoken(1)
    if (!session.isSleeping) return
    ability.sleepers.push(ability)
    if (!this.isStopped && ability.offered !== undefined) this.#wake(session, now)
  }

  /** The session has this ability no longer. */
  remove(ability: Ability): void {
    ability.list?.remove(ability)
    if (ability.session.list === this.woken) ability.countWoken(-1)
  }

  /** Those that have slept longest. */
  #wakeSleepers(jobFunction: JobFunction, count: number, now: number): void {
    if (this.isStopped) return
    for (let i = 0; i < count; i++) {
      const sleeper = jobFunction.sleepers.first
      if (sleeper === undefined) return
      this.#wake(sleeper.session, now)
    }
  }

  #wake(session: Session, now: number): void {
    this.awaken(session)
    session.wakeDeadline = now + this.#options.wakeTimeoutMs
    this.woken.push(session)
    for (const ability of session.abilities) ability.countWoken(1)
    this.#outbox.noop(session.id)
  }
}
