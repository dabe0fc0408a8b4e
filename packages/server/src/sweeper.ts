import type { Clock } from './clock.ts'
import type { StoreFailure } from './store/store.ts'
import type { WallTime } from './wall-time.ts'

/** What is to be swept away waits for more of its kind for so long. */
const sweepMs = 1000
/** Others that use the store don't tell what they leave to be swept away: it is looked for so often. */
const lookMs = 60_000

export interface SweeperContext {
  readonly clock: Clock
  readonly wallTime: WallTime
  /** Others use the store as well, and one of them sweeps. */
  readonly isShared: boolean
  /** Tells the store to, and calls back when it has, before it says when there is more. */
  sweep(now: number, onSwept: (failure: StoreFailure | undefined) => void): void
}

/** Dead jobs and results are kept for a time. Has the store sweep them away when that is over. */
export class Sweeper {
  readonly #context: SweeperContext
  /** As the store has said last. */
  #dueAt = Number.POSITIVE_INFINITY
  /** The date for which the timer is set; Infinity: it is not. What the store says meanwhile does not put it off. */
  #timerAt = Number.POSITIVE_INFINITY
  #stopTimer: (() => void) | undefined
  /** What is due by then is left over from the last time: the store does so many at a time. */
  #sweptUntil = 0
  #isLeader: boolean

  constructor(context: SweeperContext) {
    this.#context = context
    this.#isLeader = !context.isShared
  }

  /** It is this server that sweeps, or it is not. */
  lead(isLeader: boolean): void {
    this.#isLeader = isLeader
    if (isLeader) this.due(this.#context.wallTime.now)
    else this.stop()
  }

  /** From this date on there is something to sweep away. */
  due(date: number): void {
    const { wallTime, isShared } = this.#context
    const { now } = wallTime
    this.#dueAt = isShared ? Math.min(date, now + lookMs) : date
    if (!this.#isLeader || this.#dueAt === Number.POSITIVE_INFINITY) return
    this.#setTimer(this.#dueAt <= this.#sweptUntil ? now : Math.max(this.#dueAt, now + sweepMs), now)
  }

  stop(): void {
    this.#stopTimer?.()
    this.#timerAt = Number.POSITIVE_INFINITY
  }

  #setTimer(at: number, now: number): void {
    if (at >= this.#timerAt) return
    this.#stopTimer?.()
    this.#timerAt = at
    this.#stopTimer = this.#context.clock.after(at - now, () => {
      this.#timerAt = Number.POSITIVE_INFINITY
      this.#look()
    })
  }

  #look(): void {
    const { now } = this.#context.wallTime
    if (this.#dueAt > now) return this.due(this.#dueAt)
    this.#context.sweep(now, (failure) => {
      if (failure === undefined) this.#sweptUntil = now
      else this.due(this.#dueAt)
    })
  }
}
