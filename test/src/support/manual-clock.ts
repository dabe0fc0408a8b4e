import { setImmediate as nextIteration } from 'node:timers/promises'
import type { Clock } from '@geartrain/server'

interface Timer {
  readonly at: number
  readonly callback: () => void
}

/** A server's time that stands still until a test moves it. What is to happen soon happens as on the real one. */
export class ManualClock implements Clock {
  readonly #timers = new Set<Timer>()
  #now = 1000
  /** The machine's date at time 0: some day in 2026. */
  readonly #epochMs: number

  constructor(epochMs = 1_790_000_000_000) {
    this.#epochMs = epochMs
  }

  now(): number {
    return this.#now
  }

  wallNow(): number {
    return this.#epochMs + this.#now
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { at: this.#now + Math.max(0, delayMs), callback }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  soon(callback: () => void): void {
    setImmediate(callback)
  }

  /** Timers that are set. On the real clock each would keep the process alive. */
  get timerCount(): number {
    return this.#timers.size
  }

  /** Lets time pass; timers that fall due are called at their time, the first one first. */
  advance(byMs: number): void {
    const until = this.#now + byMs
    for (;;) {
      let next: Timer | undefined
      for (const timer of this.#timers) {
        if (timer.at <= until && (next === undefined || timer.at < next.at)) next = timer
      }
      if (next === undefined) break
      this.#timers.delete(next)
      this.#now = Math.max(this.#now, next.at)
      next.callback()
    }
    this.#now = until
  }
}

/** A manual clock for servers whose peers are in this process: a test knows when there is nothing left to do. */
export class SteppedClock extends ManualClock {
  #soon: (() => void)[] = []

  override soon(callback: () => void): void {
    this.#soon.push(callback)
  }

  /** One iteration of the server's loop. False: there was nothing to do in it. */
  async turn(): Promise<boolean> {
    // Streams pass on in ticks what they were given.
    await nextIteration()
    const callbacks = this.#soon
    this.#soon = []
    for (const callback of callbacks) callback()
    return callbacks.length > 0
  }

  /** Lets the server work until it waits for a peer or for time to pass. So many turns, or it is not coming to rest. */
  async settle(turnsMax = 10_000): Promise<void> {
    for (let turn = 0; turn < turnsMax; turn++) if (!(await this.turn())) return
    throw new Error(`the server has not come to rest in ${turnsMax} turns`)
  }
}
