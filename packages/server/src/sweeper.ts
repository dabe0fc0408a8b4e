import type { Clock } from './clock.ts'
import type { StoreFailure } from './store/store.ts'
import type { WallTime } from './wall-time.ts'

/** What is to be swept away waits for more of its kind for so long. */
const sweepMs = 1000

export interface SweeperContext {
  readonly clock: Clock
  readonly wallTime: WallTime
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

  constructor(context: SweeperContext) {
    this.#context = context
  }

  /** From this date on there is something to sweep away. */
  due(date: number): void {
    this.#dueAt = date
    if (date === Number.POSITIVE_INFINITY) return
    const { now } = this.#context.wallTime
    this.#setTimer(date <= this.#sweptUntil ? now : Math.max(date, now + sweepMs), now)
  }

  stop(): void {
    this.#stopTimer?.()
  }

  #setTimer(at: number, now: number): void {
    if (at >= this.#timerAt) return
    this.stop()
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
