import type { Ledger } from './ledger.ts'
import { Ticks } from './ticks.ts'

/** The schedules of a run, by the names that their jobs carry. */
export class Schedules {
  readonly byName = new Map<string, Ticks>()
  readonly #ledger: Ledger

  constructor(ledger: Ledger) {
    this.#ledger = ledger
  }

  add(name: string): void {
    this.byName.set(name, new Ticks())
  }

  /** A worker is given a job of it. */
  see(name: string, handle: string, at: number): void {
    this.#ledger.count('ticks seen')
    const ticks = this.byName.get(name)
    if (ticks === undefined)
      this.#ledger.fail('h', `a worker is given ${handle} of the schedule "${name}", which nobody has set`)
    else ticks.see(handle, at)
  }

  get tickCount(): number {
    return [...this.byName.values()].reduce((sum, { count }) => sum + count, 0)
  }

  /** A job of a time that has come, and that no worker was given. */
  unseen(): string | undefined {
    for (const ticks of this.byName.values()) {
      const handle = ticks.unseen()
      if (handle !== undefined) return handle
    }
    return undefined
  }
}
