import type { Clock } from '../clock.ts'

/** How many requests each token may make: so many a second, of which those of a second may come at once. */
export class RequestAllowance {
  readonly #perSecond: number
  readonly #clock: Clock
  /** What each has left; only tokens that there are come here. */
  readonly #left = new Map<string, { count: number; at: number }>()

  /** 0: as many as they like. */
  constructor(perSecond: number, clock: Clock) {
    this.#perSecond = perSecond
    this.#clock = clock
  }

  /** Takes one. 0, or how many seconds later there is one again. */
  take(token: string): number {
    if (this.#perSecond === 0) return 0
    const now = this.#clock.now()
    const full = Math.max(1, this.#perSecond)
    const before = this.#left.get(token) ?? { count: full, at: now }
    const count = Math.min(full, before.count + ((now - before.at) / 1000) * this.#perSecond)
    const isAllowed = count >= 1
    this.#left.set(token, { count: isAllowed ? count - 1 : count, at: now })
    return isAllowed ? 0 : Math.ceil((1 - count) / this.#perSecond)
  }
}
