import type { ScheduleState } from '@geartrain/protocol'
import { tickEveryMs } from './functions.ts'

/** What became of each time of the schedule, as its history says, and which of its jobs workers saw. */
export class Ticks {
  /** The handle of each time's job. */
  readonly #byTime = new Map<number, string>()
  readonly #timeOf = new Map<string, number>()
  readonly #seen = new Set<string>()
  readonly #done = new Set<string>()
  /** Times of which nobody has asked soon enough: the history is not endless. */
  #hasGap = false

  get count(): number {
    return this.#byTime.size
  }

  see(handle: string): void {
    this.#seen.add(handle)
  }

  finish(handle: string): void {
    this.#done.add(handle)
  }

  /** The history is on disk. The fault, if there is one. */
  learn({ history }: ScheduleState): string | undefined {
    const runs = [...history].reverse()
    const last = Math.max(...this.#byTime.keys())
    const [first] = runs
    if (this.#byTime.size > 0 && first !== undefined && first.dueAt > last + tickEveryMs) {
      // With fewer it is no matter of how many are shown.
      if (runs.length < historyShown) return `the history begins at ${first.dueAt}, and the time before was ${last}`
      this.#hasGap = true
      this.#byTime.clear()
    }
    for (const { dueAt, outcome, handle, why } of runs) {
      if (outcome !== 'submitted' || handle === undefined) return `${dueAt} is "${outcome}": ${why ?? ''}`
      const known = this.#byTime.get(dueAt)
      if (known === handle) continue
      if (known !== undefined) return `${dueAt} had the job ${known}, and has ${handle}`
      const other = this.#timeOf.get(handle)
      if (other !== undefined) return `${handle} is the job of ${other} and of ${dueAt}`
      const lastTime = Math.max(...this.#byTime.keys())
      if (this.#byTime.size > 0 && dueAt !== lastTime + tickEveryMs) {
        return `after ${lastTime} comes ${dueAt}, and all times in between are missing or come twice`
      }
      this.#byTime.set(dueAt, handle)
      this.#timeOf.set(handle, dueAt)
    }
    return undefined
  }

  /** Jobs that workers saw, and that are not the schedule's. Call it after a history that is on disk. */
  stranger(): string | undefined {
    if (this.#hasGap) return undefined
    for (const handle of this.#seen) if (!this.#timeOf.has(handle)) return handle
    return undefined
  }

  /** A job of the schedule that no worker has done. */
  undone(): string | undefined {
    for (const handle of this.#timeOf.keys()) if (!this.#done.has(handle)) return handle
    return undefined
  }
}

const historyShown = 20
