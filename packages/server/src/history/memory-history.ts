import { type HistorySlice, mergeSlices, pickRows } from './slice.ts'
import { stepAt, tiers } from './tiers.ts'

/** The history of a server without a store: the same steps, in memory. */
export class MemoryHistory {
  /** By the length of steps; those of one tier in the order in which they were begun. */
  readonly #tiers = new Map(tiers.map(({ stepMs }) => [stepMs, new Map<number, Uint8Array>()]))

  add(samples: readonly HistorySlice[], functionsMax: number): void {
    for (const { stepMs, stepsMax } of tiers) {
      const steps = this.#stepsOf(stepMs)
      for (const [at, rows] of groupBySteps(samples, stepMs)) {
        steps.set(at, mergeSlices(steps.get(at), rows, functionsMax))
        const [first] = steps.keys()
        if (first !== undefined && steps.size > stepsMax) steps.delete(first)
      }
    }
  }

  /** As the request `history` of a store. */
  read(stepMs: number, from: number, names: readonly string[] | undefined): HistorySlice[] {
    const slices: HistorySlice[] = []
    for (const [at, rows] of this.#stepsOf(stepMs)) if (at >= from) slices.push({ at, rows: pickRows(rows, names) })
    return slices.sort((a, b) => a.at - b.at)
  }

  #stepsOf(stepMs: number): Map<number, Uint8Array> {
    return this.#tiers.get(stepMs) ?? new Map<number, Uint8Array>()
  }
}

/** The samples that lie in each step, in order. */
export function groupBySteps(samples: readonly HistorySlice[], stepMs: number): Map<number, Uint8Array[]> {
  const steps = new Map<number, Uint8Array[]>()
  for (const { at, rows } of samples) {
    const step = stepAt(at, stepMs)
    const group = steps.get(step)
    if (group === undefined) steps.set(step, [rows])
    else group.push(rows)
  }
  return steps
}
