import type { SetName } from './sets.ts'

/**
 * One piece of work that every server of its set gets. The names are what `--only` matches, so each says what is
 * special about it. Modes are those of the load generator, which explains them, `start`: how long the server takes
 * to come back after it was killed, `delayed`: jobs with times within the next minute, `queue`: submitted alone, drained alone,
 * both at once, and one by one, and `watched`: a worker with so
 * many functions (`workers`), as many jobs a second as `window`, and so many browsers (`clients`) that show a page.
 */
export interface Row {
  readonly name: string
  readonly set: SetName
  readonly mode: 'foreground' | 'background' | 'fill' | 'rounds' | 'beside' | 'start' | 'delayed' | 'watched' | 'queue'
  readonly clients: number
  readonly window: number
  readonly workers: number
  /** At most; in each round, if there are several. */
  readonly jobs: number
  /** 0 is until all jobs are done, however long that takes. */
  readonly timeMs: number
  readonly rounds: number
  readonly payloadBytes: number
  /** A fresh random unique with every job, as libgearman (so PHP, C and MySQL) sends it unasked. */
  readonly hasUniques: boolean
  /** Jobs that are in the queue before the clock starts. */
  readonly queued: number
  /** Of a foreground client in `beside`, between the end of a job and the next. */
  readonly pauseMs: number
  /** Jobs that a library is given in one call; 0: each in a call of its own. */
  readonly batch: number
  /** Of the times of jobs in `delayed`, from first to last. */
  readonly spreadMs: number
}

type Cells = [
  name: string,
  mode: Row['mode'],
  clients: number,
  window: number,
  workers: number,
  jobs: number,
  more?: Partial<Row>,
]

// As many jobs as take a second or so on a two-core machine: shorter runs vary, longer ones tell nothing new.
const memory: readonly Cells[] = [
  ['memory, foreground, 1 client, 1 worker', 'foreground', 1, 1, 1, 10_000],
  ['memory, foreground, 32 clients x 1, 32 workers', 'foreground', 32, 1, 32, 60_000],
  ['memory, foreground, 8 clients x 64, 16 workers', 'foreground', 8, 64, 16, 150_000],
  ['memory, foreground, 8 clients x 64, 16 workers, 4 KB', 'foreground', 8, 64, 16, 60_000, { payloadBytes: 4_096 }],
  ['memory, foreground, 8 clients x 16, 16 workers, 4 KB', 'foreground', 8, 16, 16, 60_000, { payloadBytes: 4_096 }],
  ['memory, background, 8 clients x 64, drain 16', 'background', 8, 64, 16, 200_000],
  ['memory, background, 64 clients x 1, drain 16', 'background', 64, 1, 16, 40_000],
  ['memory, background, 8 clients x 64, uniques, drain 16', 'background', 8, 64, 16, 100_000, { hasUniques: true }],
  ['memory, foreground, 1 client, 5,000 sleeping workers', 'foreground', 1, 1, 5_000, 200],
  ['memory, a million background jobs queued', 'fill', 8, 64, 0, 1_000_000],
]

const durable: readonly Cells[] = [
  ['durable, 8 clients x 64, drain 16', 'background', 8, 64, 16, 200_000],
  ['durable, 64 clients x 1, drain 16', 'background', 64, 1, 16, 100_000],
  ['durable, 8 clients x 64, uniques, drain 16', 'background', 8, 64, 16, 200_000, { hasUniques: true }],
  ['durable, 64 clients x 1, uniques, drain 16', 'background', 64, 1, 16, 100_000, { hasUniques: true }],
  ['durable, 8 clients x 64, uniques, 5M queued', 'fill', 8, 64, 0, 200_000, { hasUniques: true, queued: 5e6 }],
  ['durable, 64 clients x 1, uniques, 5M queued', 'fill', 64, 1, 0, 100_000, { hasUniques: true, queued: 5e6 }],
  ['durable, 4 foreground clients beside 8 clients x 64', 'beside', 4, 1, 4, 200_000],
  ['durable, 4 foreground clients, pauses of 1 ms, beside 8 clients x 64', 'beside', 4, 1, 4, 200_000, { pauseMs: 1 }],
]

const long: readonly Cells[] = [
  ['10M on disk, 8 clients x 64, drain 16', 'rounds', 8, 64, 16, 10_000, { rounds: 30, queued: 10e6 }],
  ['10M on disk, start after kill -9', 'start', 0, 0, 0, 0, { queued: 10e6 }],
]

const library: readonly Cells[] = [
  ['foreground, 1 in flight', 'foreground', 1, 1, 1, 20_000],
  ['foreground, 100 in flight', 'foreground', 1, 100, 100, 200_000],
  ['foreground, 1,000 in flight', 'foreground', 1, 1_000, 100, 200_000],
  ['background, 100 in flight', 'background', 1, 100, 100, 100_000],
]
const libraryBatches: Cells = ['background, 1,000 a call', 'background', 1, 1, 100, 100_000, { batch: 1_000 }]

const policies: readonly Cells[] = [
  ['foreground, 8 clients x 64, 16 workers', 'foreground', 8, 64, 16, 150_000],
  ['background, 8 clients x 64, drain 16', 'background', 8, 64, 16, 200_000],
  ['a million delayed jobs, due within a minute', 'delayed', 8, 1_000, 16, 1_000_000, { spreadMs: 60_000 }],
]

// A connection has one request on the way at a time.
const http: readonly Cells[] = [
  ['background, 64 connections', 'background', 64, 1, 0, 64_000],
  ['background, 256 connections', 'background', 256, 1, 0, 64_000],
  ['foreground, 64 connections, 64 workers', 'foreground', 64, 1, 64, 32_000],
]

const idle: readonly Cells[] = [
  ['foreground, 8 clients x 64, 16 workers', 'foreground', 8, 64, 16, 150_000],
  ['background, 8 clients x 64, drain 16', 'background', 8, 64, 16, 200_000],
]

const dashboards: readonly Cells[] = [
  ['200 functions, no jobs, 10 browsers', 'watched', 10, 0, 200, 0],
  ['200 functions, 500 jobs/s, 10 browsers', 'watched', 10, 500, 200, 0],
]

const cluster: readonly Cells[] = [
  ['2 clients x 200, 2 workers x 50', 'queue', 2, 200, 50, 20_000],
  ['2 clients x 20, 2 workers x 10', 'queue', 2, 20, 10, 10_000],
]

/** Of some servers and libraries a row's jobs are a second's, of others an hour's: those submit for two seconds. */
const timesMs: Readonly<Record<SetName, number>> = {
  memory: 0,
  durable: 2_000,
  long: 0,
  policies: 0,
  library: 2_000,
  libraryNpm: 2_000,
  libraryNpmOurs: 2_000,
  http: 0,
  httpIdle: 0,
  dashboards: 20_000,
  cluster: 0,
}

/** In the order of the tables. */
export const rows: readonly Row[] = [
  ...memory.map((cells) => rowOf('memory', cells)),
  ...durable.map((cells) => rowOf('durable', cells)),
  ...long.map((cells) => rowOf('long', cells)),
  ...policies.map((cells) => rowOf('policies', cells, 'policies, ')),
  ...http.map((cells) => rowOf('http', cells, 'http, ')),
  ...idle.map((cells) => rowOf('httpIdle', cells, 'http, idle, ')),
  ...dashboards.map((cells) => rowOf('dashboards', cells, 'dashboards, ')),
  ...cluster.map((cells) => rowOf('cluster', cells, 'cluster, ')),
  ...[...library, libraryBatches].map((cells) => rowOf('library', cells, 'library, ')),
  ...library.map((cells) => rowOf('libraryNpm', cells, 'library, npm on gearmand, ')),
  ...library.map((cells) => rowOf('libraryNpmOurs', cells, 'library, npm on geartrain, ')),
]

function rowOf(set: SetName, [name, mode, clients, window, workers, jobs, more]: Cells, prefix = ''): Row {
  const timeMs = mode === 'beside' ? 1_000 : timesMs[set]
  const rest = {
    timeMs,
    rounds: 1,
    payloadBytes: 100,
    hasUniques: false,
    queued: 0,
    pauseMs: 0,
    batch: 0,
    spreadMs: 0,
    ...more,
  }
  return { name: `${prefix}${name}`, set, mode, clients, window, workers, jobs, ...rest }
}

/** The same row in a tenth of the time, with a tenth of the jobs in the queue. */
export function tenth(row: Row): Row {
  return { ...row, jobs: row.jobs / 10, timeMs: row.timeMs / 10, queued: row.queued / 10, spreadMs: row.spreadMs / 10 }
}
