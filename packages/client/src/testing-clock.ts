import type { Clock } from '@geartrain/server'

/** The time of a test server. */
export interface TestClock {
  /** The server's date, in milliseconds since 1970. */
  now(): number
  /**
   * Lets at least so much time pass, counted from the machine's own if that is ahead, and up to the next full second,
   * because servers know the time of delayed jobs in seconds. What has fallen due is then being seen to: await its
   * effect, or `idle()`.
   */
  advance(ms: number): void
}

interface Timer {
  readonly at: number
  readonly callback: () => void
}

const secondMs = 1000

/** It stands still but for `advance`, so that nothing falls due by itself on a slow machine. */
export class ManualClock implements Clock, TestClock {
  /** Called whenever the server has acted on something. */
  onTurn: () => void = () => {}
  readonly #timers = new Set<Timer>()
  #now: number = Date.now()
  /** Of the machine's time, when it was last moved. */
  #aheadMs = 0

  now(): number {
    return this.#now
  }

  wallNow(): number {
    return this.#now
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { at: this.#now + Math.max(0, delayMs), callback }
    this.#timers.add(timer)
    // The server finds out by turns what else is due, and meanwhile this may have been passed by.
    if (delayMs <= 0) setImmediate(() => this.#passUntil(this.#now))
    return () => this.#timers.delete(timer)
  }

  soon(callback: () => void): void {
    setImmediate(() => {
      callback()
      this.onTurn()
    })
  }

  advance(ms: number): void {
    const from = Math.max(this.#now, Date.now() + this.#aheadMs)
    this.#passUntil(Math.ceil((from + ms) / secondMs) * secondMs)
    this.#aheadMs = this.#now - Date.now()
  }

  #passUntil(until: number): void {
    for (let timer = this.#nextBy(until); timer !== undefined; timer = this.#nextBy(until)) {
      this.#timers.delete(timer)
      this.#now = Math.max(this.#now, timer.at)
      timer.callback()
    }
    this.#now = until
  }

  #nextBy(until: number): Timer | undefined {
    let next: Timer | undefined
    for (const timer of this.#timers) {
      if (timer.at <= until && (next === undefined || timer.at < next.at)) next = timer
    }
    return next
  }
}
