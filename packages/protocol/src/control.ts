/**
 * What CONTROL asks and CONTROL_RES answers, as JSON: a request is `{ "op": "function show", ... }` with the parameters
 * of its row here, the answer `{ "ok": true, "answer": ... }` or `{ "ok": false, "error": { "code", "message" } }`.
 * Times are milliseconds since 1970; one that does not apply is left out. Handles and names are as on the wire, one
 * character a byte.
 */
export interface ControlOperations {
  functions: {
    params: { readonly names?: readonly string[] }
    answer: { readonly functions: readonly FunctionState[] }
  }
  /** The policy of a function, of a pattern (`mail.*`) or of a name that nobody has used yet. */
  'function show': { params: { readonly name: string }; answer: FunctionPolicy }
  /** All of the values or, if one is wrong, none. Values are written as in the configuration file; null takes one back. */
  'function set': {
    params: {
      readonly name: string
      readonly values: Readonly<Record<string, string | null>>
      /** Nothing changes: the answer is what it would be. */
      readonly dryRun?: boolean
    }
    answer: FunctionPolicy
  }
  /**
   * Ends all jobs that wait, in memory and on disk, of a function or of all that a pattern fits, at all servers of a
   * cluster. Those that run go on. CONFLICT: one of the servers can not be asked, and has such jobs.
   */
  'function purge': { params: { readonly name: string }; answer: { readonly purged: number } }
  /** The functions and patterns that something is set for, in the configuration or since. */
  policies: { params: Record<string, never>; answer: { readonly policies: readonly { readonly name: string }[] } }

  /**
   * Without a state those that have not ended, else those that are in it. In the order they came, or the latest first.
   * Pages: pass `next` as `after`; a page may have fewer than `limit`, or none, and is the last one only without `next`.
   */
  jobs: {
    params: JobFilter & { readonly after?: string; readonly limit?: number; readonly order?: 'oldest' | 'newest' }
    answer: { readonly jobs: readonly JobSummary[]; readonly next?: string }
  }
  'jobs count': { params: { readonly filter: JobFilter }; answer: JobCount }
  /** The same for each state. */
  'jobs counts': {
    params: { readonly filter: Omit<JobFilter, 'state'> }
    answer: { readonly states: Readonly<Record<JobStateName, JobCount>> }
  }
  /**
   * Those named, or all that the filter lets through and that were there when it began. Of those that are refused,
   * because their state does not allow it or someone may not, the first 1000 are told.
   */
  'jobs change': {
    params: {
      readonly action: JobAction
      /** For `prioritize`. */
      readonly priority?: PriorityName
      readonly handles?: readonly string[]
      readonly filter?: JobFilter
      /** Nothing changes: the answer says how many there are. */
      readonly dryRun?: boolean
    }
    answer: JobsChanged
  }
  /** By handle, or by unique (of one function if it is given, else the one that came last). */
  'job show': {
    params: { readonly handle?: string; readonly unique?: string; readonly function?: string }
    answer: JobDescription
  }
  'job cancel': { params: { readonly handle: string }; answer: Record<string, never> }
  /** One that is delayed is ready now. */
  'job run': { params: { readonly handle: string }; answer: Record<string, never> }
  /** What is dead or kept goes; one that waits is cancelled. */
  'job delete': { params: { readonly handle: string }; answer: Record<string, never> }
  'job prioritize': {
    params: { readonly handle: string; readonly priority: PriorityName }
    answer: Record<string, never>
  }

  /** The latest first. Pages: pass `next` as `before`. */
  dead: {
    params: DeadFilter & { readonly before?: string; readonly limit?: number }
    answer: { readonly jobs: readonly DeadJob[]; readonly next?: string }
  }
  /**
   * Those named, or all that the filter lets through, the oldest first; one may get another workload. Of those that are
   * refused, the first 1000 are told.
   */
  'dead retry': {
    params: { readonly handles?: readonly string[]; readonly filter?: DeadFilter; readonly workload?: Bytes }
    answer: { readonly retried: number; readonly refused: readonly { readonly handle: string; readonly why: string }[] }
  }
  'dead delete': {
    params: { readonly handles?: readonly string[]; readonly filter?: DeadFilter }
    answer: { readonly deleted: number }
  }
  /**
   * Dead jobs by function, reason and message, those with the most first. A message is the first line of the last error,
   * with `#` for numbers and what else differs from job to job.
   */
  'dead groups': {
    params: DeadFilter & { readonly limit?: number }
    answer: {
      readonly groups: readonly DeadGroup[]
      /** False: there are more dead jobs, or more groups, than were looked at; the latest were. */
      readonly isExact: boolean
    }
  }

  /** Without their workloads, each with the last of its runs. */
  schedules: { params: { readonly function?: string }; answer: { readonly schedules: readonly ScheduleState[] } }
  'schedule show': { params: { readonly name: string; readonly runs?: number }; answer: ScheduleState }
  /** A new one, or another one of that name in its place. */
  'schedule put': { params: ScheduleDefinition; answer: ScheduleState }
  'schedule pause': { params: { readonly name: string }; answer: ScheduleState }
  'schedule resume': { params: { readonly name: string }; answer: ScheduleState }
  /** Now, beside its times. */
  'schedule run': { params: { readonly name: string }; answer: { readonly handle: string } }
  'schedule remove': { params: { readonly name: string }; answer: Record<string, never> }
  /** When it would come, from now on. Every field is as in a schedule. */
  'schedule preview': {
    params: Pick<ScheduleDefinition, 'cron' | 'every' | 'at' | 'timezone'> & { readonly runs?: number }
    answer: { readonly next: readonly number[] }
  }

  /** Those who speak to the server, in the order they came. Pages: pass `next` as `after`. */
  connections: {
    params: {
      /** Those alone that have said what they can do. */
      readonly workers?: boolean
      readonly function?: string
      readonly after?: string
      readonly limit?: number
    }
    answer: { readonly connections: readonly ConnectionState[]; readonly next?: string }
  }
  'connection close': { params: { readonly id: number }; answer: Record<string, never> }

  'server show': { params: Record<string, never>; answer: ServerState }
}

export type ControlOperation = keyof ControlOperations

export type ControlErrorCode =
  /** The request is none, or a parameter is wrong; `message` says which. */
  | 'BAD_REQUEST'
  | 'ACCESS_DENIED'
  | 'NOT_FOUND'
  /** The job, function or schedule is in a state that does not allow it. */
  | 'CONFLICT'
  | 'STORE_FAILED'
  | 'SHUTTING_DOWN'
  /** A fault of the server's own; its log says more. */
  | 'INTERNAL_ERROR'

export type ControlAnswer<Answer> =
  | { readonly ok: true; readonly answer: Answer }
  | { readonly ok: false; readonly error: { readonly code: ControlErrorCode; readonly message: string } }

/** A payload: as text where it is UTF-8, else in base64. */
export type Bytes = { readonly text: string } | { readonly base64: string }

export type PriorityName = 'high' | 'normal' | 'low'

export interface FunctionState {
  readonly name: string
  readonly ready: Readonly<Record<PriorityName, number>>
  readonly delayed: number
  readonly running: number
  readonly dead: number
  readonly workers: number
  /** How long the first in line could have been begun; null if that is not known without a look into the store. */
  readonly oldestWaitMs: number | null
  readonly paused: boolean
  readonly draining: boolean
}

export interface FunctionPolicy {
  readonly name: string
  readonly settings: readonly {
    readonly key: string
    /** As it would be written. */
    readonly value: string
    /** Where it comes from: `default`, `geartrain.toml, line 12: [functions."mail.*"]`, `set for mail.*`. */
    readonly source: string
    readonly isDefault: boolean
  }[]
}

/** The last three have ended, and their results are kept. */
export type JobStateName = 'ready' | 'delayed' | 'running' | 'dead' | 'complete' | 'failed' | 'exception'

export type JobAction = 'cancel' | 'retry' | 'delete' | 'run' | 'prioritize'

/** All that is asked must be so. */
export interface JobFilter {
  /** A name, or a pattern such as `mail.*`. */
  readonly function?: string
  readonly state?: JobStateName
  readonly priority?: PriorityName
  readonly unique?: string
  /** A part of the client id and address of the worker that has it: it is running. */
  readonly worker?: string
  /** Since it was submitted. Of jobs in memory alone that is not always known; they are then left out. */
  readonly olderThanMs?: number
  readonly youngerThanMs?: number
  /** A part of its last error, in capital or small letters: it is dead, or was tried before. */
  readonly error?: string
  /** Why it is dead. */
  readonly reason?: DeathReasonName
  /** The message of its group among the dead, see `dead groups`. */
  readonly message?: string
}

export interface JobCount {
  readonly count: number
  /** False: there may be more. */
  readonly isExact: boolean
}

export interface JobsChanged {
  /** Those that were named or that the filter has let through. */
  readonly matched: number
  readonly changed: number
  readonly refused: number
  readonly refusals: readonly { readonly handle: string; readonly why: string }[]
  /** False, of a dry run: there may be more. */
  readonly isExact: boolean
}

export interface JobSummary {
  readonly handle: string
  readonly function: string
  readonly unique: string
  readonly priority: PriorityName
  readonly state: 'pending' | JobStateName
  /** Those that have ended. */
  readonly attempts: number
  readonly runAt?: number
  readonly background: boolean
  /** The client id and address of the worker that has it. */
  readonly worker?: string
  /** In a cluster, the name of the server that has it, if that is another one: `state` is then what is likely. */
  readonly server?: string
  /** The id of its connection, see `connections`. */
  readonly connection?: number
  readonly numerator?: number
  readonly denominator?: number
  readonly submittedAt?: number
  /** Of the attempt that is under way. */
  readonly startedAt?: number
  readonly endedAt?: number
  /** Why it is dead. */
  readonly reason?: DeathReasonName
  /** What the last attempt's worker has said. */
  readonly error?: string
}

export type FailureReasonName = 'failed' | 'exception' | 'timeout' | 'lost'
export type DeathReasonName = FailureReasonName | 'expired'

/** An attempt that has failed. */
export interface FailureNote {
  /** When it began, if that is known. */
  readonly startedAt?: number
  /** When it ended. */
  readonly at: number
  readonly reason: FailureReasonName
  readonly worker: string
  readonly error: string
}

export interface JobDescription extends Omit<JobSummary, 'error'> {
  readonly workload?: Bytes
  /** The policy of its function hides workload and result. */
  readonly hidden?: true
  readonly reducer?: string
  readonly then?: string
  /** What its submission asked for in the place of its function's policy. */
  readonly options?: Readonly<Record<string, unknown>>
  readonly expireAt?: number
  readonly failures: readonly FailureNote[]
  readonly keepUntil?: number
  /** If it has ended and its result is kept: that, or what the exception said. */
  readonly result?: Bytes
  readonly waiting: number
}

export interface DeadFilter {
  readonly function?: string
  readonly reason?: DeathReasonName
}

export interface DeadGroup {
  readonly function: string
  readonly reason: DeathReasonName
  /** Empty if the worker has said nothing. */
  readonly message: string
  readonly count: number
  readonly firstAt: number
  readonly lastAt: number
  /** The latest of them. */
  readonly handle: string
}

export interface DeadJob {
  readonly handle: string
  readonly function: string
  readonly unique: string
  readonly priority: PriorityName
  readonly reason: DeathReasonName
  readonly diedAt: number
  readonly attempts: number
  readonly error: string
}

export interface ScheduleDefinition {
  readonly name: string
  readonly function: string
  readonly workload?: Bytes
  /** Empty: one of its own for each job. */
  readonly unique?: string
  readonly priority?: PriorityName
  /** One of the three. Cron has five fields, or six with seconds first; `every` is a time such as `90s`; `at` is a date. */
  readonly cron?: string
  readonly every?: string
  readonly at?: string
  /** IANA name; default UTC. */
  readonly timezone?: string
  /** What becomes of times at which no server was running. Default `skip`: the next time counts. */
  readonly missed?: 'skip' | 'once' | 'all'
  /** Default true: a job is submitted also if the last one has not ended. */
  readonly overlap?: boolean
  readonly then?: string
  readonly paused?: boolean
}

export interface ScheduleState extends ScheduleDefinition {
  /** `config`: from the configuration file; it can be paused and run, and removed only there. */
  readonly origin: 'config' | 'runtime' | 'client'
  readonly paused: boolean
  /** The next times, soonest first; none if it is paused or over. */
  readonly next: readonly number[]
  /** The latest first. */
  readonly history: readonly ScheduleRun[]
}

export interface ScheduleRun {
  /** When it was to run, and when it did. */
  readonly dueAt: number
  readonly at: number
  readonly outcome: 'submitted' | 'skipped: still running' | 'skipped: missed' | 'refused'
  readonly handle?: string
  readonly why?: string
}

export interface ConnectionState {
  /** Never given to another one while the server runs. */
  readonly id: number
  /** What the text command `workers` shows: it is used again. */
  readonly number: number
  readonly kind: 'tcp' | 'tls' | 'http'
  readonly address: string
  /** What the peer calls itself; `-` if it has not said. */
  readonly clientId: string
  /** Who it is by the rules of access. */
  readonly actor: string
  /** What it can do. */
  readonly functions: readonly string[]
  readonly isSleeping: boolean
  /** Those that it does. */
  readonly jobs: readonly {
    readonly handle: string
    readonly function: string
    readonly startedAt: number
  }[]
  /** For which it waits. */
  readonly waiting: number
  readonly bytesIn: number
  readonly bytesOut: number
  /** That wait for it to read. */
  readonly outputBytes: number
  readonly openedAt: number
  /** When it last sent something; at first when it was opened. */
  readonly lastInputAt: number
}

export interface ServerState {
  readonly version: string
  readonly node: string
  readonly pid: number
  readonly host: string
  readonly startedAt: number
  readonly now: number
  readonly addresses: readonly { readonly kind: 'gearman' | 'http'; readonly address: string; readonly port: number }[]
  readonly store: {
    /** `memory`, or its kind and where it is. */
    readonly name: string
    /** Since when it does not work, and why; null: it does. */
    readonly failure: { readonly since: number; readonly code: string; readonly message: string } | null
    /** Batches that were kept, and those that wait. */
    readonly batches: number
    readonly waiting: number
  }
  readonly limits: Readonly<Record<string, number | null>>
  readonly memory: { readonly rssBytes: number; readonly heapUsedBytes: number; readonly heapTotalBytes: number }
  readonly functions: number
  readonly connections: number
  readonly workers: number
  readonly jobs: Readonly<Record<'ready' | 'delayed' | 'running' | 'dead', number>>
  readonly schedules: number
  readonly isDraining: boolean
  /** There are no rules of access. */
  readonly isOpen: boolean
  readonly features: readonly string[]
  /** All servers that use the same store; left out: this one has its store alone. */
  readonly cluster?: {
    /** What a server has is the others' when it was not heard of for so long. */
    readonly leaseMs: number
    readonly servers: readonly ClusterServerState[]
  }
}

export interface ClusterServerState {
  readonly id: number
  readonly name: string
  readonly isThis: boolean
  /** It fires schedules and does all else that one server does for all. */
  readonly isLeader: boolean
  /** When it was heard of last, by the store's clock. */
  readonly seenAt: number
  readonly version?: string
  readonly startedAt?: number
  /** Where the others reach it; left out: they can't. */
  readonly address?: string
  /** Jobs that run there. */
  readonly running: number
}
