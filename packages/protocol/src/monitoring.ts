import type { PriorityName } from './control.ts'

// What a server tells over HTTP of how it is now, how it was, what is wrong with it, and of servers beside it, as JSON.
// Names are text here, and not bytes as on the wire. Times are milliseconds since 1970; one that is not known is left out.

/** The event `snapshot` of /api/events: everything. */
export interface LiveSnapshot {
  readonly at: number
  readonly functions: readonly LiveFunction[]
  /** All functions together, and the server: for those who may view all functions. */
  readonly all?: LiveFlow
  readonly server?: LiveServer
  /** The worst first. */
  readonly findings: readonly Finding[]
}

/** The event `counters`: what has changed since the one before. */
export interface LiveCounters extends Omit<LiveSnapshot, 'findings'> {
  /** Names of functions that are no longer there. */
  readonly gone?: readonly string[]
  /** All of them, if they have changed. */
  readonly findings?: readonly Finding[]
}

/** The event `change`. */
export type LiveChange =
  /** Of a function, or of all that a pattern fits. */
  | { readonly kind: 'policy'; readonly name: string }
  /** It was put, removed, paused or has run. */
  | { readonly kind: 'schedule'; readonly name: string }
  /** A worker has come or left. */
  | { readonly kind: 'workers'; readonly function: string; readonly workers: number }
  | { readonly kind: 'job died'; readonly function: string; readonly handle: string; readonly count: number }
  | { readonly kind: 'store'; readonly failing: boolean }
  /** It takes no more jobs. */
  | { readonly kind: 'stopping' }

/** What has become of jobs. */
export interface LiveFlow {
  /** Since the server's start. */
  readonly totals: {
    readonly submitted: number
    readonly joined: number
    readonly done: number
    readonly failed: number
    readonly retried: number
    readonly died: number
    readonly expired: number
    readonly cancelled: number
    readonly abandoned: number
  }
  /** In events a second, over the last 10 s and over the last minute. */
  readonly rates: Readonly<Record<'submitted' | 'done' | 'failed' | 'retried', readonly [number, number]>>
  /** Of the last minute or two; left out if there was nothing. */
  readonly wait?: Percentiles
  readonly run?: Percentiles
}

export interface Percentiles {
  readonly p50Ms: number
  readonly p95Ms: number
}

export interface LiveFunction extends LiveFlow {
  readonly name: string
  readonly ready: Readonly<Record<PriorityName, number>>
  /** Since when the one that waits longest could have been begun, of those in memory. */
  readonly oldestReadyAt?: number
  readonly delayed: number
  readonly running: number
  readonly dead: number
  readonly workers: number
  readonly paused: boolean
  readonly draining: boolean
}

export interface LiveServer {
  readonly version: string
  readonly startedAt: number
  readonly ready: boolean
  /** Why it is not: codes as of /readyz. */
  readonly reasons: readonly string[]
  readonly connections: { readonly workers: number; readonly clients: number }
  readonly jobsInMemory: number
  readonly memoryBytes: number
  /** The longest of the last tick. */
  readonly eventLoopDelayMs: number
  /** Left out: no job outlives the server. */
  readonly store?: {
    readonly kind: string
    /** It has failed, and has not worked for 10 s on end since. */
    readonly failing: boolean
    readonly commits: number
    readonly failures: number
    readonly unkeptJobs: number
    readonly unkeptBytes: number
    /** Of the last tick; left out if there was none. */
    readonly commitP95Ms?: number
  }
}

/** Something that a person should look at. */
export interface Finding {
  readonly kind: FindingKind
  /** `critical`: jobs are not done or can be lost; `warning`: they may soon be. */
  readonly severity: 'critical' | 'warning'
  readonly function?: string
  /** The job that shows it. */
  readonly handle?: string
  readonly since?: number
  /** How many jobs it is about. */
  readonly count?: number
  /** What is wrong, in a line: `resize has 120 jobs and no worker`. */
  readonly title: string
  /** Why that is said, and what to do. */
  readonly advice: string
  /** What to type for it. */
  readonly command?: string
}

export const findingKinds = [
  /** Jobs wait, and nobody can do them. */
  'no worker',
  /** The one that waits longest does so for too long, though there are workers. */
  'long wait',
  /** Too many attempts fail. */
  'failing',
  /** A job runs for too long. */
  'stuck',
  /** Jobs wait for a function that is paused. */
  'paused',
  'store failing',
  'store slow',
  /** The server is too busy to answer in time. */
  'slow server',
  'stopping',
] as const
export type FindingKind = (typeof findingKinds)[number]

export const historyRanges = ['15m', '1h', '6h', '24h', '7d'] as const
export type HistoryRange = (typeof historyRanges)[number]

/**
 * What /api/history answers: columns of equal length, one place for each step. The place at `i` is about the time from
 * `from + i * stepMs` until the next step. null: the server did not run then, or there is nothing to tell.
 */
export interface History {
  readonly range: HistoryRange
  readonly from: number
  readonly stepMs: number
  readonly columns: Readonly<Record<HistoryColumn, readonly (number | null)[]>>
}

export type HistoryColumn =
  /** How many in the step. */
  | 'submitted'
  | 'done'
  | 'failed'
  | 'retried'
  | 'died'
  /** How many at its end. */
  | 'ready'
  | 'delayed'
  | 'running'
  | 'dead'
  | 'workers'
  /** Times of those that were begun or ended in the step. */
  | 'waitP50Ms'
  | 'waitP95Ms'
  | 'runP50Ms'
  | 'runP95Ms'

/** What /api/history/functions answers: the last 15 minutes of all functions, in few steps. */
export interface HistoryOverview {
  readonly from: number
  readonly stepMs: number
  /** Those of which there is something to tell. Columns are as in History. */
  readonly functions: readonly {
    readonly name: string
    readonly done: readonly (number | null)[]
    readonly failed: readonly (number | null)[]
    readonly ready: readonly (number | null)[]
  }[]
}

/** What /api/servers answers. */
export interface WatchedServers {
  /** This one first, if it is a job server; then those that it was told to watch, in that order. */
  readonly servers: readonly WatchedServer[]
}

/** A job server, as its text protocol tells. */
export interface WatchedServer {
  /** As it was named: `10.0.0.2:4730`. */
  readonly address: string
  readonly isThis: boolean
  /** The last answers are from then; left out: there were none yet. */
  readonly lookedAt?: number
  /** How long it took to answer. */
  readonly tookMs?: number
  /** Why it can't be asked now, since `failingSince`; what is told beside that is then what was known last. */
  readonly failure?: string
  readonly failingSince?: number
  readonly version?: string
  readonly functions: readonly WatchedFunction[]
  readonly workers: readonly WatchedWorker[]
}

export interface WatchedFunction {
  readonly name: string
  /** That wait. */
  readonly queued: number
  readonly running: number
  readonly workers: number
}

export interface WatchedWorker {
  /** Its file descriptor, or what stands for it. */
  readonly number: number
  readonly address: string
  /** `-` if it has not said. */
  readonly clientId: string
  readonly functions: readonly string[]
}
