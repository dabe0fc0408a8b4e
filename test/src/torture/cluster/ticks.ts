import type { ScheduleRun } from '@geartrain/protocol'
import { tickEveryMs } from './functions.ts'
import { numberOf } from './job-account.ts'

/** What an answer may not have yet that is true at another server. */
export const staleMsMax = 2500

/** What became of each time of one schedule, as servers say, and which of its jobs workers saw. */
export class Ticks {
  /** The number of each time's job. */
  readonly #byTime = new Map<number, string>()
  readonly #timeOf = new Map<string, number>()
  /** When a worker was first given a job. */
  readonly #seen = new Map<string, number>()

  get count(): number {
    return this.#byTime.size
  }

  see(handle: string, at: number): void {
    const number = numberOf(handle)
    if (!this.#seen.has(number)) this.#seen.set(number, at)
  }

  /** `history`, the latest first, is what a server says at that time. The fault, if there is one. */
  learn(history: readonly ScheduleRun[], askedAt: number): string | undefined {
    const runs = history.filter(({ dueAt }) => dueAt < askedAt - staleMsMax).reverse()
    const [first] = runs
    const last = this.#last
    if (first !== undefined && last > 0 && first.dueAt > last + tickEveryMs) {
      // The history is not endless; with fewer it is no matter of how many are shown.
      if (history.length < historyShown) return `the history begins at ${first.dueAt}, and the time before was ${last}`
      this.#byTime.clear()
      this.#timeOf.clear()
    }
    for (const { dueAt, outcome, handle: written, why } of runs) {
      if (outcome !== 'submitted' || written === undefined) return `${dueAt} is "${outcome}": ${why ?? ''}`
      const handle = numberOf(written)
      const known = this.#byTime.get(dueAt)
      if (known === handle) continue
      if (known !== undefined) return `${dueAt} had the job ${known}, and has ${handle}`
      const other = this.#timeOf.get(handle)
      if (other !== undefined) return `${handle} is the job of ${other} and of ${dueAt}`
      if (this.#byTime.size > 0 && dueAt !== this.#last + tickEveryMs) {
        return `after ${this.#last} comes ${dueAt}, and all times in between are missing or come twice`
      }
      this.#byTime.set(dueAt, handle)
      this.#timeOf.set(handle, dueAt)
    }
    return undefined
  }

  /** A job that a worker saw well before `askedAt`, when all servers were asked: it is of no time. */
  stranger(askedAt: number): string | undefined {
    for (const [handle, at] of this.#seen) {
      if (at < askedAt - staleMsMax && at > this.#first && !this.#timeOf.has(handle)) return handle
    }
    return undefined
  }

  /** A job of one of these times that no worker was given. */
  unseen(): string | undefined {
    for (const handle of this.#timeOf.keys()) if (!this.#seen.has(handle)) return handle
    return undefined
  }

  get #last(): number {
    return Math.max(0, ...this.#byTime.keys())
  }

  /** Jobs of times that are not remembered may still come. */
  get #first(): number {
    const first = Math.min(...this.#byTime.keys())
    return first === Number.POSITIVE_INFINITY ? first : first + rememberedMs
  }
}

const historyShown = 20
/** A job of a time that was forgotten has come by then. */
const rememberedMs = 15_000
