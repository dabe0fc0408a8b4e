import { bucketOf, type HistorySlice, makeRow, place, runAt, SliceReader, SliceWriter, waitAt } from './parts.ts'

/** What a test says of a function in a sample; what it does not say is 0. */
export interface SampleRow extends Partial<Record<keyof typeof place, number>> {
  /** How long each has waited and run. */
  readonly waitMs?: readonly number[]
  readonly runMs?: readonly number[]
}

/** A sample, or what was read of a step: the row of all together is that of `all`. */
export function sample(at: number, all: SampleRow, functions: Readonly<Record<string, SampleRow>> = {}): HistorySlice {
  const writer = new SliceWriter(toRow(all))
  for (const [name, row] of Object.entries(functions)) writer.add(name, toRow(row))
  return { at, rows: writer.written() }
}

/** As it is written above, but that times are `[bucket, count]`. */
export function readable({ at, rows }: HistorySlice) {
  const functions: Record<string, object> = {}
  let all: object | undefined
  for (const reader = new SliceReader(rows); reader.next(); ) {
    const row = makeRow()
    reader.read(row)
    const shown = Object.fromEntries(
      Object.entries({
        ...Object.fromEntries(Object.entries(place).map(([name, index]) => [name, row[index] ?? 0])),
        wait: bucketsOf(row.subarray(waitAt, runAt)),
        run: bucketsOf(row.subarray(runAt)),
      }).filter(([, value]) => (Array.isArray(value) ? value.length > 0 : value !== 0)),
    )
    if (reader.name === undefined) all = shown
    else functions[reader.name] = shown
  }
  return { at, all, functions }
}

function bucketsOf(buckets: Float64Array): [bucket: number, count: number][] {
  return [...buckets.entries()].filter(([, count]) => count > 0)
}

function toRow({ waitMs = [], runMs = [], ...rest }: SampleRow): Float64Array {
  const row = makeRow()
  for (const [name, index] of Object.entries(place)) row[index] = rest[name as keyof typeof place] ?? 0
  for (const ms of waitMs) row[waitAt + bucketOf(ms)] = (row[waitAt + bucketOf(ms)] ?? 0) + 1
  for (const ms of runMs) row[runAt + bucketOf(ms)] = (row[runAt + bucketOf(ms)] ?? 0) + 1
  return row
}
