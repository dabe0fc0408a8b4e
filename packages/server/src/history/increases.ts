import {
  counter,
  type FunctionFigures,
  runAt as runAtFigures,
  waitAt as waitAtFigures,
} from '../metrics/function-figures.ts'
import { bucketCount } from '../metrics/histogram.ts'
import { gaugesAt, type HistoryRow, makeRow, place, runAt, waitAt } from './row.ts'

interface Seen {
  changes: number
  readonly row: HistoryRow
}

/**
 * What has been counted of each function since it was looked at last. Figures that were forgotten and have begun anew
 * are others, of which nothing was seen: so nothing ever decreases.
 */
export class Increases {
  readonly #seen = new WeakMap<FunctionFigures, Seen>()
  readonly #now = makeRow()

  /** Writes it into the row; gauges stay as they are. False: nothing was. */
  take(figures: FunctionFigures, row: HistoryRow): boolean {
    const seen = this.#seen.get(figures) ?? { changes: 0, row: makeRow() }
    const isChanged = figures.changes !== seen.changes
    row.fill(0, 0, gaugesAt)
    row.fill(0, waitAt)
    if (!isChanged) return false
    seen.changes = figures.changes
    this.#seen.set(figures, seen)
    readCounts(figures, this.#now)
    for (let at = 0; at < row.length; at++) {
      if (at >= gaugesAt && at < waitAt) continue
      const now = this.#now[at] ?? 0
      row[at] = now - (seen.row[at] ?? 0)
      seen.row[at] = now
    }
    return true
  }
}

function readCounts(figures: FunctionFigures, row: HistoryRow): void {
  row[place.submitted] = figures.submitted
  row[place.done] = figures.value(counter.done)
  row[place.failed] = figures.failed
  row[place.retried] = figures.retried
  row[place.died] = figures.value(counter.died)
  for (let bucket = 0; bucket < bucketCount; bucket++) {
    row[waitAt + bucket] = figures.value(waitAtFigures + bucket)
    row[runAt + bucket] = figures.value(runAtFigures + bucket)
  }
}
