import { type LibraryName, libraryNames } from './peers.ts'
import type { Row } from './rows.ts'
import type { ServerName } from './servers.ts'

/** What stands in one column of a table: a server, and how much of the row's queue it is given. */
export interface Column {
  readonly title: string
  readonly server: ServerName
  /** Whose client and worker are the load; if none, that is the C program. */
  readonly library?: LibraryName
  readonly queueShare?: number
  /** Of the dashboard, which browsers show; empty: none does. */
  readonly page?: string
  /** The rows in which it takes part, if not all. */
  readonly modes?: readonly Row['mode'][]
}

/** A table: rows that compare the same things. The titles say of each figure how safe its jobs were. */
interface RowSet {
  readonly columns: readonly Column[]
  /** Titles of columns, of which the first is to be better; than the best of the others, if there are several. */
  readonly ratios: readonly { readonly title: string; readonly of: string; readonly by: readonly string[] }[]
  readonly legend: string
  /** Not without being asked for by name: it takes minutes. */
  readonly isLong?: true
}

export type SetName =
  | 'memory'
  | 'durable'
  | 'long'
  | 'policies'
  | 'library'
  | 'libraryNpm'
  | 'libraryNpmOurs'
  | 'http'
  | 'httpIdle'
  | 'dashboards'
  | 'cluster'

const npmNames = libraryNames.filter((name) => name !== 'geartrain' && name !== 'bullmq')
const npmForegroundOnly: readonly LibraryName[] = ['node-gearman', 'gearman-node']

const cpu = 'server CPU: of all threads, for the whole job, its drain included.'

export const sets: Readonly<Record<SetName, RowSet>> = {
  memory: {
    columns: [
      { title: 'geartrain (memory)', server: 'geartrain memory' },
      { title: 'gearmand (memory)', server: 'gearmand' },
      { title: 'floor (memory)', server: 'floor' },
    ],
    ratios: [{ title: '/ gearmand', of: 'geartrain (memory)', by: ['gearmand (memory)'] }],
    legend: `Jobs are in memory only. / gearmand: geartrain's figure by gearmand's, "!" where gearmand is ahead. floor: a relay that does no more than copy. ${cpu}`,
  },
  durable: {
    columns: [
      { title: 'geartrain (sqlite)', server: 'geartrain' },
      { title: 'geartrain (memory)', server: 'geartrain memory' },
      { title: 'gearmand (sqlite)', server: 'gearmand sqlite' },
      { title: 'bullmq (fsync always)', server: 'bullmq', modes: ['background'] },
    ],
    ratios: [
      { title: '/ memory', of: 'geartrain (sqlite)', by: ['geartrain (memory)'] },
      { title: '/ gearmand', of: 'geartrain (sqlite)', by: ['gearmand (sqlite)'] },
      { title: '/ bullmq', of: 'geartrain (sqlite)', by: ['bullmq (fsync always)'] },
    ],
    legend: [
      'geartrain (sqlite) acknowledges a job when it is on disk: WAL, synchronous=FULL. geartrain (memory) is `--store memory`.',
      'gearmand (sqlite): `-q libsqlite3`. Without uniques all its jobs share one row of its table, so that a crash',
      'leaves one of them, and its drain has nothing to delete; the rows with uniques are the ones to compare drains in.',
      'bullmq: `queue.add` on Redis with `--appendonly yes --appendfsync always`, from one Node process on each core but one.',
      '/ X: the figure of geartrain (sqlite) by that of X, "!" where X is ahead.',
      cpu,
      'A foreground job that has not come back 3 s after the end counts with the time that it has waited by then.',
    ].join(' '),
  },
  long: {
    columns: [
      { title: '10k queued (sqlite)', server: 'geartrain', queueShare: 1 / 1000 },
      { title: '10M queued (sqlite)', server: 'geartrain' },
    ],
    ratios: [{ title: '10M / 10k', of: '10M queued (sqlite)', by: ['10k queued (sqlite)'] }],
    legend: `geartrain with its jobs on disk: WAL, synchronous=FULL. 10M / 10k: "!" where the long queue is behind. memory: resident, after filling and 30 rounds of 10,000 jobs submitted and drained, or after the start. ${cpu}`,
    isLong: true,
  },
  policies: {
    columns: [
      { title: 'no policy', server: 'geartrain' },
      { title: 'attempts, timeout', server: 'geartrain attempts', modes: ['foreground', 'background'] },
      { title: 'concurrency, rate', server: 'geartrain limits', modes: ['foreground', 'background'] },
      { title: 'keep-results', server: 'geartrain results', modes: ['foreground', 'background'] },
    ],
    ratios: [
      { title: 'attempts / none', of: 'attempts, timeout', by: ['no policy'] },
      { title: 'limits / none', of: 'concurrency, rate', by: ['no policy'] },
      { title: 'results / none', of: 'keep-results', by: ['no policy'] },
    ],
    legend: [
      'geartrain with its jobs on disk, and a policy for every function: attempts 5 and a timeout of a minute; at most 1,000 jobs at a time and a million a second, which are',
      'never reached and counted all the same; results kept for an hour. echo: how long ECHO_REQ takes on a connection of its own, asked every 5 ms while the jobs become due and are done.',
      cpu,
    ].join(' '),
    isLong: true,
  },
  library: {
    columns: [
      { title: 'geartrain (sqlite)', server: 'geartrain', library: 'geartrain' },
      { title: 'geartrain (memory)', server: 'geartrain memory', library: 'geartrain' },
      { title: 'on gearmand (memory)', server: 'gearmand', library: 'geartrain' },
      { title: 'bullmq (everysec)', server: 'bullmq everysec', library: 'bullmq' },
      { title: 'bullmq (always)', server: 'bullmq', library: 'bullmq' },
    ],
    ratios: [
      { title: '/ everysec', of: 'geartrain (sqlite)', by: ['bullmq (everysec)'] },
      { title: '/ always', of: 'geartrain (sqlite)', by: ['bullmq (always)'] },
    ],
    legend: [
      'A client and a worker in Node, each in a process of its own, and the server between them; the worker gives the 100 bytes back.',
      'geartrain: `@geartrain/client` on our server, on disk and in memory; on gearmand: the same on C gearmand, in memory.',
      'bullmq: `Queue` and `Worker` on Redis with `--appendonly yes` and `--appendfsync everysec`, which can lose a second, or `always`;',
      'foreground is `add` and `waitUntilFinished`, 1,000 a call `addBulk`.',
      'Foreground: until the result is with the client. Background: from the first submission until the server has no job left; p50 and p99 are those of submitting.',
      '/ X: the figure of geartrain (sqlite) by that of X, "!" where X is ahead.',
    ].join(' '),
    isLong: true,
  },
  http: {
    columns: [
      { title: 'geartrain (sqlite)', server: 'geartrain http' },
      { title: 'geartrain (memory)', server: 'geartrain memory http' },
      { title: 'bare handler', server: 'bare http', modes: ['background'] },
      { title: 'gearmand (memory)', server: 'gearmand http' },
    ],
    ratios: [
      { title: '/ bare', of: 'geartrain (sqlite)', by: ['bare handler'] },
      { title: 'memory / bare', of: 'geartrain (memory)', by: ['bare handler'] },
      { title: '/ gearmand', of: 'geartrain (sqlite)', by: ['gearmand (memory)'] },
    ],
    legend: [
      'POST of 100 bytes. geartrain: `/api/functions/{function}/jobs`, a background job answered when it is on disk (sqlite), or with `?wait` its result. bare handler: Fastify, which is under our HTTP side, reads the',
      'body and answers. gearmand: `-r http`, which closes the connection after each answer. Foreground jobs are done by a worker of our library in the process of the load.',
      '/ X: the figure of geartrain (sqlite) by that of X, "!" where X is ahead.',
      cpu,
    ].join(' '),
    isLong: true,
  },
  httpIdle: {
    columns: [
      { title: 'HTTP idle', server: 'geartrain http idle' },
      { title: 'HTTP off', server: 'geartrain memory' },
    ],
    ratios: [{ title: 'idle / off', of: 'HTTP idle', by: ['HTTP off'] }],
    legend: `The Gearman port of a server that keeps jobs in memory, with an HTTP side that nobody uses and without one. ${cpu}`,
    isLong: true,
  },
  dashboards: {
    columns: [
      { title: 'nobody looks', server: 'geartrain http', page: '' },
      { title: 'overview', server: 'geartrain http', page: '/' },
      { title: 'functions', server: 'geartrain http', page: '/functions' },
      { title: 'jobs', server: 'geartrain http', page: '/jobs' },
    ],
    ratios: [],
    legend:
      'geartrain with its jobs on disk, and Chromium with ten pages of its dashboard open, each of which believes that it is looked at. server CPU: of all threads, over 20 s, after 5 s in which the pages were loaded.',
    isLong: true,
  },
  cluster: {
    columns: [
      { title: 'geartrain (postgres)', server: 'geartrain postgres' },
      { title: 'two servers (postgres)', server: 'geartrain postgres x2' },
      { title: 'graphile-worker', server: 'graphile-worker' },
      { title: 'pg-boss', server: 'pg-boss' },
      { title: 'bullmq (always)', server: 'bullmq' },
      { title: 'geartrain (sqlite)', server: 'geartrain' },
    ],
    ratios: [
      { title: '/ graphile', of: 'geartrain (postgres)', by: ['graphile-worker'] },
      { title: '/ pg-boss', of: 'geartrain (postgres)', by: ['pg-boss'] },
      { title: '/ bullmq', of: 'geartrain (postgres)', by: ['bullmq (always)'] },
      { title: 'two / one', of: 'two servers (postgres)', by: ['geartrain (postgres)'] },
    ],
    legend: [
      'Jobs of 100 bytes that do nothing, by two processes that submit and two that work, on one machine with the database. All on PostgreSQL as it comes (fsync, synchronous_commit on), BullMQ on Redis with `--appendonly yes --appendfsync always`.',
      'Each job is submitted by a call of its own. graphile-worker has a local queue and writes finished jobs together, as its documentation recommends; pg-boss takes 500 jobs at a time, every half second, the quickest that it may.',
      'jobs/s: submitted while nobody works; drain: those done afterwards; submit and drain: both at once, until all are done; submitted to begun: one job every 10 ms.',
      'Rows written, statements, transactions and bytes of log are those of the whole database, from the submission to the end of a job; PostgreSQL counts them (pg_stat_statements is loaded).',
      '/ X: the figure of geartrain (postgres) by that of X, "!" where X is ahead.',
    ].join(' '),
    isLong: true,
  },
  libraryNpm: npmSet('gearmand', 'C gearmand'),
  libraryNpmOurs: npmSet('geartrain memory', 'our server (`--store memory`)'),
}

/** The Gearman clients of npm and ours, all on the same server. */
function npmSet(server: ServerName, what: string): RowSet {
  const columns = npmNames.map((library): Column => {
    const modes = npmForegroundOnly.includes(library) ? (['foreground'] as const) : undefined
    return { title: library, server, library, ...(modes === undefined ? {} : { modes }) }
  })
  return {
    columns: [{ title: '@geartrain/client', server, library: 'geartrain' }, ...columns],
    ratios: [{ title: '/ best of npm', of: '@geartrain/client', by: npmNames }],
    legend: [
      `The Gearman clients of npm that run on Node 20, each as client and as worker, on ${what}.`,
      'gearman, node-gearman, gearmanode and gearman-node do one job at a time on a connection: their worker has 100 of them in its process, where it says 100 or 1,000 in flight.',
      'node-gearman and gearman-node do not tell when a background job is taken.',
      '/ best of npm: our figure by that of the best of them, "!" where that one is ahead.',
    ].join(' '),
    isLong: true,
  }
}
