import type { Clock } from './clock.ts'

/** Two clocks read one after the other differ by as much; more means that the machine's date was set. */
const jitterMs = 2

/** What the two clocks drift apart by is no jump, and adds up to one. */
const jumpMsMin = 50

/** What is known of another clock over a network is no better than this. */
const skewMsMin = 20

/** Between the engine's time and the date. The same for all jobs of a second, so that they keep their order. */
export class WallTime {
  readonly #clock: Clock
  #lastOffset = 0
  /** Before the date was set last. */
  #knownOffset: number
  /** With a store that others use as well the date is the store's. */
  #aheadMs = 0

  constructor(clock: Clock) {
    this.#clock = clock
    this.#knownOffset = this.offsetMs
  }

  /** The clock that counts is so much ahead of the machine's. */
  setAhead(aheadMs: number): void {
    if (Math.abs(aheadMs - this.#aheadMs) >= skewMsMin) this.#aheadMs = Math.round(aheadMs)
  }

  /** What the date was put on by since this was asked last, or back if below 0. */
  takeJump(): number {
    const jumpMs = this.offsetMs - this.#knownOffset
    if (Math.abs(jumpMs) < jumpMsMin) return 0
    this.#knownOffset += jumpMs
    return jumpMs
  }

  /** The date, in milliseconds since 1970. */
  get now(): number {
    return this.#clock.now() + this.offsetMs
  }

  /** From the engine's time, where 0 is none. */
  dateOf(time: number): number {
    return time === 0 ? 0 : time + this.offsetMs
  }

  /** What the date is ahead of the engine's time. */
  get offsetMs(): number {
    const offset = this.#clock.wallNow() + this.#aheadMs - this.#clock.now()
    if (Math.abs(offset - this.#lastOffset) > jitterMs) this.#lastOffset = offset
    return this.#lastOffset
  }
}
