/**
 * One piece of work that every server gets. The names are what `--only` matches, so each says what is special about it.
 * `foreground` and `background` keep `window` jobs in flight on each of `clients` connections; `workers` workers do
 * foreground jobs as they arrive and background jobs afterwards (the drain); `fill` leaves the jobs in the queue.
 */
export interface Row {
  readonly name: string
  readonly mode: 'foreground' | 'background' | 'fill'
  readonly clients: number
  readonly window: number
  readonly workers: number
  readonly jobs: number
  readonly payloadBytes: number
  /** A fresh random unique with every job, as libgearman (so PHP, C and MySQL) sends it unasked. */
  readonly hasUniques: boolean
}

type Cells = [
  name: string,
  mode: Row['mode'],
  clients: number,
  window: number,
  workers: number,
  jobs: number,
  payloadBytes: number,
  uniques?: 'uniques',
]

// As many jobs as take a second or so on a two-core machine: shorter runs vary, longer ones tell nothing new.
const table: readonly Cells[] = [
  ['foreground, 1 client, 1 worker', 'foreground', 1, 1, 1, 10_000, 100],
  ['foreground, 32 clients x 1, 32 workers', 'foreground', 32, 1, 32, 60_000, 100],
  ['foreground, 8 clients x 64, 16 workers', 'foreground', 8, 64, 16, 150_000, 100],
  ['foreground, 8 clients x 64, 16 workers, 4 KB', 'foreground', 8, 64, 16, 60_000, 4_096],
  ['foreground, 8 clients x 16, 16 workers, 4 KB', 'foreground', 8, 16, 16, 60_000, 4_096],
  ['background, 8 clients x 64, drain 16', 'background', 8, 64, 16, 200_000, 100],
  ['background, 64 clients x 1, drain 16', 'background', 64, 1, 16, 40_000, 100],
  ['background, 8 clients x 64, uniques, drain 16', 'background', 8, 64, 16, 100_000, 100, 'uniques'],
  ['foreground, 1 client, 5,000 sleeping workers', 'foreground', 1, 1, 5_000, 200, 100],
  ['memory, a million background jobs queued', 'fill', 8, 64, 0, 1_000_000, 100],
]

export const rows: readonly Row[] = table.map(
  ([name, mode, clients, window, workers, jobs, payloadBytes, uniques]) => ({
    name,
    mode,
    clients,
    window,
    workers,
    jobs,
    payloadBytes,
    hasUniques: uniques !== undefined,
  }),
)

/** The same row in a tenth of the time; a million queued jobs become a hundred thousand. */
export function tenth(row: Row): Row {
  return { ...row, jobs: row.jobs / 10 }
}
