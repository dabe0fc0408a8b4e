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
    params: { readonly name: string; readonly values: Readonly<Record<string, string | null>> }
    answer: FunctionPolicy
  }
  /** Ends all jobs that wait, in memory and on disk. Those that run go on. */
  'function purge': { params: { readonly name: string }; answer: { readonly purged: number } }

  /** Those that have not ended, in the order they came. Pages: pass `next` as `after`; a page may have fewer than `limit`. */
  jobs: {
    params: {
      readonly function?: string
      readonly state?: 'ready' | 'delayed' | 'running'
      readonly after?: string
      readonly limit?: number
    }
    answer: { readonly jobs: readonly JobSummary[]; readonly next?: string }
  }
  /** By handle, or by unique (of one function if it is given, else the one that came last). */
  'job show': {
    params: { readonly handle?: string; readonly unique?: string; readonly function?: string }
    answer: JobDescription
  }
  'job cancel': { params: { readonly handle: string }; answer: Record<string, never> }
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

export interface JobSummary {
  readonly handle: string
  readonly function: string
  readonly unique: string
  readonly priority: PriorityName
  readonly state: 'pending' | 'ready' | 'delayed' | 'running'
  /** Those that have ended. */
  readonly attempts: number
  readonly runAt?: number
  readonly background: boolean
  /** The client id and address of the worker that has it. */
  readonly worker?: string
  readonly numerator?: number
  readonly denominator?: number
}

export type FailureReasonName = 'failed' | 'exception' | 'timeout' | 'lost'
export type DeathReasonName = FailureReasonName | 'expired'

export interface FailureNote {
  readonly at: number
  readonly reason: FailureReasonName
  readonly worker: string
  readonly error: string
}

export interface JobDescription extends Omit<JobSummary, 'state'> {
  readonly state: JobSummary['state'] | 'dead' | 'complete' | 'failed' | 'exception'
  readonly workload?: Bytes
  readonly reducer?: string
  readonly then?: string
  readonly submittedAt?: number
  readonly expireAt?: number
  readonly failures: readonly FailureNote[]
  readonly endedAt?: number
  readonly keepUntil?: number
  readonly reason?: DeathReasonName
  /** If it has ended and its result is kept: that, or what the exception said. */
  readonly result?: Bytes
  readonly waiting: number
}

export interface DeadFilter {
  readonly function?: string
  readonly reason?: DeathReasonName
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
