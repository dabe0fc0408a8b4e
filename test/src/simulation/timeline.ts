import type { Clock } from '@geartrain/server'
import type { Random } from './random.ts'

interface Planned {
  readonly at: number
  readonly sequence: number
  readonly run: () => void
  isCancelled: boolean
}

/** Takes a plan back. */
export type Cancel = () => void

/** What is still to happen in a simulation, by time; what has the same time happens in the order it was planned. */
export class Timeline {
  /** Milliseconds with fractions. */
  now = 0
  /** A binary heap, the soonest first. */
  readonly #heap: Planned[] = []
  #sequence = 0

  plan(delayMs: number, run: () => void): Cancel {
    const planned: Planned = {
      at: this.now + Math.max(0, delayMs),
      sequence: this.#sequence++,
      run,
      isCancelled: false,
    }
    this.#push(planned)
    return () => {
      planned.isCancelled = true
    }
  }

  /** The time of the next thing to happen; Infinity if nothing is planned. */
  get nextAt(): number {
    for (let first = this.#heap[0]; first !== undefined; first = this.#heap[0]) {
      if (!first.isCancelled) return first.at
      this.#shift()
    }
    return Infinity
  }

  /** Lets the next thing happen, and time move on to it. */
  takeNext(): void {
    if (this.nextAt === Infinity) return
    const next = this.#shift()
    if (next === undefined) return
    this.now = Math.max(this.now, next.at)
    next.isCancelled = true
    next.run()
  }

  #push(planned: Planned): void {
    const heap = this.#heap
    let index = heap.length
    heap.push(planned)
    while (index > 0) {
      const parentIndex = (index - 1) >> 1
      const parent = heap[parentIndex]
      if (parent === undefined || isBefore(parent, planned)) break
      heap[index] = parent
      index = parentIndex
    }
    heap[index] = planned
  }

  #shift(): Planned | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || last === undefined || first === last) return first
    let index = 0
    for (;;) {
      const left = heap[2 * index + 1]
      const right = heap[2 * index + 2]
      if (left === undefined) break
      const isRight = right !== undefined && isBefore(right, left)
      const child = isRight ? right : left
      if (isBefore(last, child)) break
      heap[index] = child
      index = 2 * index + (isRight ? 2 : 1)
    }
    heap[index] = last
    return first
  }
}

function isBefore(one: Planned, other: Planned): boolean {
  return one.at === other.at ? one.sequence < other.sequence : one.at < other.at
}

/** A busy machine's timers come late by up to this much. */
export const timerLatenessMs = 20
/** Node's own are known to come a little early, measured by a finer clock than theirs. */
const timerEarlinessMs = 0.9

/** The server's clock in a simulation. */
export class SimulatedClock implements Clock {
  /** What is to be called after the input of this iteration. */
  soonCalls: (() => void)[] = []
  /** Timers that are set. */
  timerCount = 0
  readonly #timeline: Timeline
  readonly #random: Random
  /** When it read 0. */
  readonly #startedAt: number
  readonly #wallAtStart: number
  readonly #lookMs: number
  readonly #lostTimers: number
  #timersSet = 0
  /** Its process has ended: nobody is called any more. */
  isStopped = false

  /**
   * Each look at the clock finds it up to `lookMs` further on: work takes time. Of `lostTimers` timers one is never
   * called, for runs that must fail.
   */
  constructor(timeline: Timeline, random: Random, wallAtStart: number, lookMs: number, lostTimers: number = Infinity) {
    this.#timeline = timeline
    this.#random = random
    this.#startedAt = Math.trunc(timeline.now)
    this.#wallAtStart = wallAtStart
    this.#lookMs = lookMs
    this.#lostTimers = lostTimers
  }

  now(): number {
    if (this.#lookMs > 0) this.#timeline.now += this.#random.fraction() * this.#lookMs
    return this.unmovedNow
  }

  /** For those who look on. */
  get unmovedNow(): number {
    return Math.trunc(this.#timeline.now) - this.#startedAt
  }

  wallNow(): number {
    return this.#wallAtStart + this.unmovedNow
  }

  after(delayMs: number, callback: () => void): Cancel {
    const random = this.#random
    const offMs = random.chance(0.1) ? random.fraction() * timerLatenessMs : random.fraction() - timerEarlinessMs
    if (++this.#timersSet % this.#lostTimers === 0) return () => {}
    this.timerCount++
    let isSet = true
    const cancel = this.#timeline.plan(Math.max(1, delayMs) + offMs, () => {
      isSet = false
      this.timerCount--
      if (!this.isStopped) callback()
    })
    return () => {
      if (isSet) this.timerCount--
      isSet = false
      cancel()
    }
  }

  soon(callback: () => void): void {
    if (!this.isStopped) this.soonCalls.push(callback)
  }

  stop(): void {
    this.isStopped = true
    this.soonCalls = []
  }
}
