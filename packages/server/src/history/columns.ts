import type { History, HistoryColumn } from '@geartrain/protocol'
import { bucketCount, quantile } from '../metrics/histogram.ts'
import { addLater, addOther, type HistoryRow, makeRow, place, runAt, waitAt } from './row.ts'
import { SliceReader } from './slice.ts'

type Column = (number | null)[]

const times = [
  ['waitP50Ms', waitAt, 0.5],
  ['waitP95Ms', waitAt, 0.95],
  ['runP50Ms', runAt, 0.5],
  ['runP95Ms', runAt, 0.95],
] as const satisfies readonly (readonly [HistoryColumn, number, number])[]

/** The steps of a chart. Slices are added in the order of their times. */
export class Steps {
  readonly #from: number
  readonly #stepMs: number
  /** Undefined: the server was not up. */
  readonly #rows: (HistoryRow | undefined)[]
  readonly #sum = makeRow()
  readonly #read = makeRow()

  constructor(from: number, stepMs: number, count: number) {
    this.#from = from
    this.#stepMs = stepMs
    this.#rows = Array<HistoryRow | undefined>(count).fill(undefined)
  }

  /** Of a slice, these rows together; `undefined` is the name of the row of all. Gives how many rows it has. */
  add(at: number, rows: Uint8Array, isWanted: (name: string | undefined) => boolean): number {
    const index = Math.floor((at - this.#from) / this.#stepMs)
    if (index < 0 || index >= this.#rows.length) return 0
    this.#sum.fill(0)
    let count = 0
    for (const reader = new SliceReader(rows); reader.next(); count++) {
      if (!isWanted(reader.name)) continue
      reader.read(this.#read)
      addOther(this.#sum, this.#read)
    }
    if (count > 0) addLater((this.#rows[index] ??= makeRow()), this.#sum)
    return count
  }

  get columns(): History['columns'] {
    const columns: Partial<Record<HistoryColumn, Column>> = {}
    for (const [name, at] of Object.entries(place)) {
      // Its keys are columns.
      columns[name as keyof typeof place] = this.#rows.map((row) => row?.[at] ?? null)
    }
    for (const [name, at, share] of times) {
      columns[name] = this.#rows.map((row) => {
        const ms = row && quantile(row.subarray(at, at + bucketCount), share)
        return ms === undefined ? null : Number(ms.toPrecision(3))
      })
    }
    // The two tables have all of them.
    return columns as History['columns']
  }
}
