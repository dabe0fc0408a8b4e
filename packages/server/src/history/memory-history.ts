import { type HistorySlice, mergeSlices, pickRows } from './slice.ts'
import { stepAt, type Tier, tiers } from './tiers.ts'

/** The history of a server without a store: the same steps, in memory. */
export class MemoryHistory {
  /** By the length of steps; those of one tier in the order in which they were begun. */
  readonly #tiers = new Map(tiers.map(({ stepMs }) => [stepMs, new Map<number, Uint8Array>()]))

  add(samples: readonly HistorySlice[], functionsMax: number): void {
    for (const { tier, steps } of rollUp(samples)) {
      const kept = this.#stepsOf(tier.stepMs)
      for (const { at, rows } of steps) {
        kept.set(at, mergeSlices(kept.get(at), [rows], functionsMax))
        const [first] = kept.keys()
        if (first !== undefined && kept.size > tier.stepsMax) kept.delete(first)
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

/**
 * What the samples come to in each step of each tier, the shortest steps first: those of the longer ones are made of the
 * shorter ones', so that each sample is read once. How many functions are in a step is for who adds it to what is kept.
 */
export function* rollUp(
  samples: readonly HistorySlice[],
): Generator<{ readonly tier: Tier; readonly steps: readonly HistorySlice[] }> {
  let steps: readonly HistorySlice[] = samples
  for (const tier of tiers) {
    const groups = groupBySteps(steps, tier.stepMs)
    steps = Array.from(groups, ([at, rows]) => ({ at, rows: mergeSlices(undefined, rows, Number.POSITIVE_INFINITY) }))
    yield { tier, steps }
  }
}

/** The rows of each step, in order. */
function groupBySteps(samples: readonly HistorySlice[], stepMs: number): Map<number, Uint8Array[]> {
  const steps = new Map<number, Uint8Array[]>()
  for (const { at, rows } of samples) {
    const step = stepAt(at, stepMs)
    const group = steps.get(step)
    if (group === undefined) steps.set(step, [rows])
    else group.push(rows)
  }
  return steps
}
