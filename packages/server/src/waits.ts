import type { Clock } from './clock.ts'

/** Those who wait for something to be so at the end of a turn. */
export class Waits {
  readonly #clock: Clock
  readonly #all = new Set<{ readonly isOver: () => boolean; readonly finish: () => void }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Resolves when the condition holds at the end of a turn, or when the time is over. */
  until(isOver: () => boolean, timeoutMs: number): Promise<void> {
    if (isOver()) return Promise.resolve()
    return new Promise((resolve) => {
      const finish = () => {
        this.#all.delete(wait)
        stopTimer()
        resolve()
      }
      const stopTimer = Number.isFinite(timeoutMs) ? this.#clock.after(timeoutMs, finish) : () => {}
      const wait = { isOver, finish }
      this.#all.add(wait)
    })
  }

  /** At the end of each turn. */
  look(): void {
    for (const { isOver, finish } of this.#all) if (isOver()) finish()
  }

  /** Nobody waits any longer. */
  end(): void {
    for (const { finish } of this.#all) finish()
  }
}
