import { bucketCount } from '../metrics/histogram.ts'

/**
 * What is told of one function, or of all together, in one step: counts, then gauges as they were at its end, then how
 * many jobs have waited and run for how long, by the buckets of metrics/histogram.ts.
 */
export type HistoryRow = Float64Array

/** Places in the row. What is stored depends on them, and on the buckets: see slice.ts before they change. */
export const place = {
  submitted: 0,
  done: 1,
  failed: 2,
  retried: 3,
  died: 4,
  ready: 5,
  delayed: 6,
  running: 7,
  dead: 8,
  workers: 9,
} as const
export const gaugesAt: number = place.ready
export const waitAt = 10
export const runAt: number = waitAt + bucketCount
export const rowLength: number = runAt + bucketCount

export function makeRow(): HistoryRow {
  return new Float64Array(rowLength)
}

/** Of the same function, a later time: of gauges the last ones count, since it is its end that they tell of. */
export function addLater(row: HistoryRow, later: HistoryRow): void {
  for (let at = 0; at < rowLength; at++) {
    const isGauge = at >= gaugesAt && at < waitAt
    row[at] = (isGauge ? 0 : (row[at] ?? 0)) + (later[at] ?? 0)
  }
}

/** Of the same time, another function. */
export function addOther(row: HistoryRow, other: HistoryRow): void {
  for (let at = 0; at < rowLength; at++) row[at] = (row[at] ?? 0) + (other[at] ?? 0)
}
