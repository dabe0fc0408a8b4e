import { type HistoryRow, type HistorySlice, makeRow, SliceReader, SliceWriter, tiers } from './parts.ts'

/** Gauges: from `ready` to `workers`. */
const gauges = [5, 6, 7, 8, 9]

/** The rules of the history in as few words as possible: all samples are kept, and steps are made when they are asked for. */
export class NaiveHistory {
  #samples: { readonly sample: HistorySlice; readonly functionsMax: number }[] = []

  copy(): NaiveHistory {
    const copy = new NaiveHistory()
    copy.#samples = [...this.#samples]
    return copy
  }

  add(samples: readonly HistorySlice[], functionsMax: number): void {
    this.#samples.push(...samples.map((sample) => ({ sample, functionsMax })))
  }

  read(stepMs: number, from: number, functions: readonly string[] | undefined): HistorySlice[] {
    const tier = tiers.find((each) => each.stepMs === stepMs)
    if (tier === undefined) return []
    const steps = new Map<number, Map<string | undefined, HistoryRow>>()
    for (const { sample, functionsMax } of this.#samples) {
      const at = sample.at - (sample.at % stepMs)
      const step = steps.get(at) ?? new Map<string | undefined, HistoryRow>([[undefined, makeRow()]])
      steps.set(at, step)
      for (const row of step.values()) for (const gauge of gauges) row[gauge] = 0
      for (const reader = new SliceReader(sample.rows); reader.next(); ) {
        const read = makeRow()
        reader.read(read)
        const row = step.get(reader.name) ?? makeRow()
        for (const [place, value] of read.entries()) row[place] = (row[place] ?? 0) + value
        if (step.has(reader.name) || step.size <= functionsMax) step.set(reader.name, row)
      }
    }
    return [...steps]
      .slice(-tier.stepsMax)
      .filter(([at]) => at >= from)
      .sort(([a], [b]) => a - b)
      .map(([at, step]) => {
        const writer = new SliceWriter(step.get(undefined) ?? makeRow())
        for (const [name, row] of step) {
          if (name !== undefined && functions?.includes(name) !== false) writer.add(name, row)
        }
        return { at, rows: writer.written() }
      })
  }
}
