import type { Row } from './rows.ts'
import type { ServerName } from './servers.ts'

/** What stands in one column of a table: a server, and how much of the row's queue it is given. */
export interface Column {
  readonly title: string
  readonly server: ServerName
  readonly queueShare?: number
  /** The rows in which it takes part, if not all. */
  readonly modes?: readonly Row['mode'][]
}

/** A table: rows that compare the same things. The titles say of each figure how safe its jobs were. */
interface RowSet {
  readonly columns: readonly Column[]
  /** Titles of columns, of which the first is to be better. */
  readonly ratios: readonly { readonly title: string; readonly of: string; readonly by: string }[]
  readonly legend: string
  /** Not without being asked for by name: filling its queues takes minutes. */
  readonly isLong?: true
}

export type SetName = 'memory' | 'durable' | 'long'

const cpu = 'server CPU: of all threads, for the whole job, its drain included.'

export const sets: Readonly<Record<SetName, RowSet>> = {
  memory: {
    columns: [
      { title: 'geartrain (memory)', server: 'geartrain memory' },
      { title: 'gearmand (memory)', server: 'gearmand' },
      { title: 'floor (memory)', server: 'floor' },
    ],
    ratios: [{ title: '/ gearmand', of: 'geartrain (memory)', by: 'gearmand (memory)' }],
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
      { title: '/ memory', of: 'geartrain (sqlite)', by: 'geartrain (memory)' },
      { title: '/ gearmand', of: 'geartrain (sqlite)', by: 'gearmand (sqlite)' },
      { title: '/ bullmq', of: 'geartrain (sqlite)', by: 'bullmq (fsync always)' },
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
    ratios: [{ title: '10M / 10k', of: '10M queued (sqlite)', by: '10k queued (sqlite)' }],
    legend: `geartrain with its jobs on disk: WAL, synchronous=FULL. 10M / 10k: "!" where the long queue is behind. memory: resident, after filling and 30 rounds of 10,000 jobs submitted and drained, or after the start. ${cpu}`,
    isLong: true,
  },
}
