import type { DeathReason, Ending, FailureReason, Priority } from '@geartrain/engine'
import type { HistorySlice } from '../history/slice.ts'
import type { StoreCluster } from './cluster.ts'

/**
 * Where durable jobs live. The server hands over what it has to remember in batches, one at a time, and gives out no
 * job and acknowledges none before the batch that it rides in is kept. Nothing in the engine assumes that it is alone
 * on the store.
 *
 * Numbers are those in the handles, 16 digits; times are milliseconds since 1970; names have one byte a character.
 */
export interface Store {
  /** What a person calls it: `sqlite:./geartrain.db`. */
  readonly name: string

  /** Other servers use it at the same time; undefined: this one has it alone. */
  readonly cluster?: StoreCluster | undefined

  /**
   * Makes it ready, also again after a commit has failed: all jobs that are ready can then be claimed anew, but for
   * those of `held` that a store which others use as well says to be this server's still: it has them.
   * Handles will be given out from `firstNumber` of the answer on, which is not below `atLeast` nor below any number
   * that was ever set aside. Rejects with a StoreError whose message is a sentence for the operator.
   */
  open(atLeast: number, held?: Float64Array): Promise<StoreState>

  /**
   * Does what the batch says, in this order: forget, cancel, changes, add, promote, reserve, all or none of it; then
   * the requests. When it resolves without a failure, the writes survive a crash of process and machine. It rejects only
   * if the store is gone: whether the writes were kept is then unknown until `open`, and a store that others use as well
   * says it then (SharedState). Never called before the last one is done. The store takes the buffers of the batch: they
   * are empty afterwards.
   */
  commit(batch: Batch): Promise<BatchResult>

  close(): Promise<void>
}

/** What a store holds when it is opened. */
export interface StoreState {
  readonly firstNumber: number
  readonly functions: readonly StoredFunction[]
  /** When the next delayed job is due; Infinity if there is none. */
  readonly nextDueAt: number
  /** When the next job that has not begun expires; Infinity if none does. */
  readonly nextExpiryAt: number
  /** When there is something to sweep away; Infinity if never. */
  readonly nextSweepAt: number
  readonly documents: readonly StoredDocument[]
  /** Of a store that others use as well. */
  readonly shared?: SharedState | undefined
}

interface SharedState {
  /** Of those that this server said to hold, the ones that are its own no longer: another's, or gone. */
  readonly lost: Float64Array
  /**
   * What has become of the batch that the store had when it was lost: it has found out, or has done it now, unless that
   * is `isOfLease`; undefined: it had none, or has not done it. `lost` and all else that is said here is as it is then.
   */
  readonly resolved: BatchResult | undefined
}

/** What is kept besides jobs, by kind and name. */
export interface StoredDocument {
  /** `policy`, `schedule`: whoever puts it there knows. */
  readonly kind: string
  readonly name: string
  /** JSON. */
  readonly body: string
}

/** One that another server has changed; without a body it was removed. */
export type HeardDocument = Omit<StoredDocument, 'body'> & { readonly body: string | undefined }

/** How many jobs of a function there are. */
export interface StoredFunction {
  readonly name: string
  /** By priority; running ones among them. */
  readonly ready: readonly [number, number, number]
  readonly delayed: number
  readonly dead: number
}

export interface Batch {
  /** The date. It is written as the time at which what is added was submitted, or what is changed became ready. */
  readonly now: number
  /** Jobs that have ended. Those that are not there are passed over. */
  readonly forget: Float64Array
  /** Jobs to end whether or not they are there: the result says which were. */
  readonly cancel: readonly number[]
  /** In this order. Each has an outcome in the result. */
  readonly changes: readonly StoredChange[]
  /** Names that the additions refer to by index. */
  readonly functions: readonly string[]
  /** Records; see records.ts. */
  readonly additions: Uint8Array
  readonly additionCount: number
  /** Delayed jobs that are due by then become ready, behind those that already are; at most `promotedMax` of them. */
  readonly promoteUntil: number | undefined
  /**
   * The next numbers that nobody has are set aside for this server, so many and none below `from`. Neither they nor any
   * below them will be given out as `firstNumber`, nor set aside once more.
   */
  readonly reserve: { readonly from: number; readonly count: number } | undefined
  readonly requests: readonly StoreRequest[]
  /**
   * Of a store that others use as well: there is something in it that this server does for all of them. When it is
   * opened anew, another one may be the one that does that, and it is not done then if it has not been done.
   */
  readonly isOfLease?: boolean | undefined
}

/** A batch that does nothing. */
export const emptyBatch: Batch = {
  now: 0,
  forget: new Float64Array(0),
  cancel: [],
  changes: [],
  functions: [],
  additions: new Uint8Array(0),
  additionCount: 0,
  promoteUntil: undefined,
  reserve: undefined,
  requests: [],
}

/** It is more than questions. */
export function hasWrites({ forget, cancel, changes, additionCount, promoteUntil, reserve }: Batch): boolean {
  return (
    forget.length > 0 ||
    cancel.length > 0 ||
    changes.length > 0 ||
    additionCount > 0 ||
    promoteUntil !== undefined ||
    reserve !== undefined
  )
}

/** A change to what is stored that is rarer than adding and forgetting. */
export type StoredChange =
  /**
   * An attempt has ended and another one follows. `runAt` 0: the job is ready and stays claimed and where it is; else it
   * is delayed until then. It expires no more. `failure` is added to its failures.
   */
  | {
      readonly kind: 'retry'
      readonly number: number
      readonly runAt: number
      /** Those that have ended, this one among them. What the store has heard of already it does not add once more. */
      readonly attempts: number
      readonly failure: StoredFailureNote
    }
  /** A job has ended and is dead from now on: nobody joins it. */
  | {
      readonly kind: 'bury'
      readonly number: number
      readonly reason: DeathReason
      readonly diedAt: number
      /** As above. */
      readonly attempts: number
      readonly failure: StoredFailureNote | undefined
      /** It is swept away then, or when there are more dead jobs of its function than `deadMax`: the oldest go first. */
      readonly keepUntil: number
      readonly deadMax: number
    }
  /** A job has ended, and this is kept of it. */
  | {
      readonly kind: 'keep'
      readonly number: number
      readonly outcome: Ending['outcome']
      readonly data: Uint8Array
      readonly numerator: number
      readonly denominator: number
      readonly endedAt: number
      /** It can be read until then; 0: never. */
      readonly keepUntil: number
      /** Until then, an addition that asks for it joins the job; 0: never. */
      readonly uniqueUntil: number
    }
  /** A dead job is ready again, at the end of its line, as if it were new; with another workload if there is one. */
  | { readonly kind: 'revive'; readonly number: number; readonly workload: Uint8Array | undefined }
  | { readonly kind: 'delete dead'; readonly number: number }
  /** Of a job that has ended, what can be read goes; others of its unique join it as long as before. */
  | { readonly kind: 'delete result'; readonly number: number }
  /** A job that waits goes to the end of another line. One that is claimed stays claimed. */
  | { readonly kind: 'prioritize'; readonly number: number; readonly priority: Priority }
  /** Of a store that others use as well: this server has them, nobody has begun them, and anybody may claim them from now on. */
  | { readonly kind: 'release'; readonly numbers: Float64Array }
  /** The same: a job that waits ends, if nobody has it by now. */
  | { readonly kind: 'discard'; readonly number: number }
  /** A delayed job becomes ready before its time, at the end of its line; `promoted` counts it. */
  | { readonly kind: 'hasten'; readonly number: number }
  /** Without a body: it is there no longer. */
  | {
      readonly kind: 'document'
      readonly document: Omit<StoredDocument, 'body'> & { readonly body: string | undefined }
    }
  /** Dead jobs and results whose time is over go, at most `sweptMax` of each. */
  | { readonly kind: 'sweep'; readonly now: number }
  /**
   * Samples of the server's figures. Each is added to the step that it lies in, of every tier (history/tiers.ts), as
   * mergeSlices does it; `functionsMax` functions have rows in a step. If a tier has too many steps, the one that was
   * begun first goes.
   */
  | { readonly kind: 'history'; readonly samples: readonly HistorySlice[]; readonly functionsMax: number }

/** `joined`: a job of the same unique waits already; nothing was done. */
export type ChangeOutcome = 'done' | 'not found' | 'joined'

/** How an attempt has ended, as it is kept: with its job, in the column `failures`. */
export interface StoredFailureNote {
  /** When it began; what was written by older versions does not say. */
  readonly startedAt?: number
  readonly at: number
  readonly reason: FailureReason
  /** Client id and address of the worker. */
  readonly worker: string
  /** What it said, as text, the first 4 KiB; empty if nothing. */
  readonly error: string
}

/** Of a job that fails on and on, so many of the latest failures are kept. */
export const failuresMax = 20
export const sweptMax = 5000

/** So many delayed jobs become ready in one batch, or fewer if they are large; the next is then due at once. */
export const promotedMax = 5000

export type StoreRequest =
  /**
   * The next jobs that are ready and that this server has not claimed, in order, as many as are in both bounds, one at
   * least. A job that was added as claimed is passed over, wherever it stands in the line.
   */
  | {
      readonly kind: 'claim'
      readonly function: string
      readonly priority: Priority
      readonly jobsMax: number
      /** Of workloads. */
      readonly bytesMax: number
    }
  | { readonly kind: 'find'; readonly number: number }
  /** In any function, the one with the lowest number. */
  | { readonly kind: 'find unique'; readonly unique: string }
  /** The job that an addition would join. */
  | {
      readonly kind: 'find same'
      readonly function: string
      readonly unique: string
      /** Looked at only if the unique is `-`. */
      readonly workload: Uint8Array
    }
  /** Jobs after this number, in the order of their numbers, claimed ones too. */
  | { readonly kind: 'list'; readonly after: number; readonly jobsMax: number }
  /** The same of one function, those that are ready or those that are delayed. */
  | {
      readonly kind: 'list function'
      readonly function: string
      readonly state: 'ready' | 'delayed'
      readonly after: number
      readonly jobsMax: number
    }
  /** Jobs that should have begun by then, in the order of that time and their numbers, behind the one named last. */
  | {
      readonly kind: 'list expired'
      readonly until: number
      readonly after: { readonly expireAt: number; readonly number: number } | undefined
      readonly jobsMax: number
    }
  /** How many dead jobs there are of each function that has some. */
  | { readonly kind: 'count dead' }
  /** Since when the first of those that are ready, and not claimed, could have been begun, for each of these functions. */
  | { readonly kind: 'oldest ready'; readonly functions: readonly string[] }
  /** All that is known of a job, also one that is dead or has ended and is kept. */
  | { readonly kind: 'describe'; readonly number: number }
  /** The same, the one that came last if several have the unique. */
  | { readonly kind: 'describe unique'; readonly unique: string; readonly function: string | undefined }

  /**
   * Some of the jobs that a filter lets through, by number. A store that holds millions looks at some of them, and says
   * in its answer where to go on; one request never takes it long.
   */
  | (StoredScan & { readonly kind: 'scan'; readonly jobsMax: number })
  /** The same jobs by function: how many there are, of those that were looked at. */
  | (StoredScan & { readonly kind: 'count' })
  /** The same for dead ones by function, reason and message (see failure-message.ts), `groupsMax` at most. */
  | (StoredScan & { readonly kind: 'group dead'; readonly groupsMax: number })
  /** The steps of a tier that begin then or later: the row of all together and those of these functions, or all rows. */
  | {
      readonly kind: 'history'
      readonly stepMs: number
      readonly from: number
      readonly functions: readonly string[] | undefined
    }

/** Where a look through the store is, and what for. */
export interface StoredScan {
  readonly filter: StoredFilter
  readonly isDescending: boolean
  /** Those behind this number. */
  readonly from: number
}

/** What must be so of a job; undefined: anything. */
export interface StoredFilter {
  /** `live`: ready or delayed. The last ones: it has ended so, and its result can be read. */
  readonly state: 'live' | 'ready' | 'delayed' | 'dead' | Ending['outcome']
  /** A name, or a pattern with `*`. */
  readonly function: string | undefined
  readonly priority: Priority | undefined
  readonly unique: string | undefined
  /** When it was submitted, both included; that must be known. */
  readonly submittedFrom: number | undefined
  readonly submittedUntil: number | undefined
  /** A part of its last error, in capital or small letters. */
  readonly error: string | undefined
  /** Its last error has this message. */
  readonly message: string | undefined
  /** Why it is dead. */
  readonly reason: DeathReason | undefined
}

/** Beside the state, nothing is asked. */
export const anyJob: Omit<StoredFilter, 'state'> = {
  function: undefined,
  priority: undefined,
  unique: undefined,
  submittedFrom: undefined,
  submittedUntil: undefined,
  error: undefined,
  message: undefined,
  reason: undefined,
}

/** What is known of a job without its workload. */
export interface StoredSummary {
  readonly number: number
  readonly function: string
  readonly unique: string
  readonly priority: Priority
  /** 0 if it is ready. */
  readonly runAt: number
  /** Those that have ended. */
  readonly attempts: number
  /** Of a store that others use as well: the server that has it, if that is another one. */
  readonly claimedBy?: number | undefined
}

/** One that a scan has found. Times that do not apply, or are not known, are 0. */
export interface StoredRow extends StoredSummary {
  readonly state: Exclude<StoredFilter['state'], 'live'>
  readonly submittedAt: number
  readonly endedAt: number
  readonly reason: DeathReason | undefined
  /** What the last attempt's worker said; empty if nothing. */
  readonly error: string
}

/** Dead jobs that are alike. */
export interface StoredGroup {
  readonly function: string
  readonly reason: DeathReason
  readonly message: string
  readonly count: number
  readonly firstAt: number
  readonly lastAt: number
  /** The number of the one with the highest. */
  readonly number: number
}

export interface StoredExpired extends StoredSummary {
  readonly expireAt: number
  /** What its policy says differently from its function's. */
  readonly options: string
}

/** Times that do not apply are 0. */
export interface StoredDescription extends StoredSummary {
  readonly state: 'ready' | 'delayed' | 'dead' | Ending['outcome']
  readonly reducer: string
  readonly then: string
  /** These two of one that has not ended, or is dead. */
  readonly options: string
  readonly trace: string
  /** Undefined if it is not kept. */
  readonly workload: Uint8Array | undefined
  readonly submittedAt: number
  readonly expireAt: number
  readonly failures: readonly StoredFailureNote[]
  readonly endedAt: number
  readonly keepUntil: number
  /** Why it is dead. */
  readonly reason: DeathReason | undefined
  /** Undefined if it has not ended, or if the result is not kept. */
  readonly result: Uint8Array | undefined
  readonly numerator: number
  readonly denominator: number
}

export type StoreAnswer =
  /** Records in order; their function is the one that was asked for. */
  | { readonly kind: 'claim'; readonly count: number; readonly jobs: Uint8Array }
  | { readonly kind: 'find'; readonly job: StoredSummary | undefined }
  | { readonly kind: 'list'; readonly jobs: readonly StoredSummary[] }
  /** `nextExpiryAt`: of those behind the last one; Infinity if there is none. */
  | { readonly kind: 'list expired'; readonly jobs: readonly StoredExpired[]; readonly nextExpiryAt: number }
  | {
      readonly kind: 'count dead'
      readonly functions: readonly { readonly name: string; readonly count: number }[]
    }
  | { readonly kind: 'describe'; readonly job: StoredDescription | undefined }
  /** In the order of the names; 0: there is none, or it is not known. */
  | { readonly kind: 'oldest ready'; readonly readyAt: readonly number[] }
  /** `next`: go on from there; undefined: that were all. */
  | { readonly kind: 'scan'; readonly jobs: readonly StoredRow[]; readonly next: number | undefined }
  | {
      readonly kind: 'count'
      readonly functions: readonly { readonly name: string; readonly count: number }[]
      readonly next: number | undefined
    }
  | { readonly kind: 'group dead'; readonly groups: readonly StoredGroup[]; readonly next: number | undefined }
  /** By time. Each has a buffer of its own. */
  | { readonly kind: 'history'; readonly slices: readonly HistorySlice[] }
  /** The request could not be answered; others can. */
  | { readonly kind: 'failed'; readonly failure: StoreFailure }

export interface BatchResult {
  /** Why none of the writes was done. */
  readonly failure: StoreFailure | undefined
  /** Pairs: the index of an addition that was not needed, and the number of the job that it joined. */
  readonly joined: Float64Array
  /** The same for those that joined a job that has ended not long ago. */
  readonly throttled: Float64Array
  /** One for each of the batch's changes. */
  readonly changed: readonly ChangeOutcome[]
  /** Jobs that are ready because of them. */
  readonly revived: readonly { readonly function: string; readonly priority: Priority; readonly count: number }[]
  /** Those of `cancel` that were there. */
  readonly cancelled: readonly StoredSummary[]
  /** Delayed jobs that are ready now. A line can be there more than once. */
  readonly promoted: readonly { readonly function: string; readonly priority: Priority; readonly count: number }[]
  /** When the next delayed job is due; Infinity if there is none. Told with every promotion. */
  readonly nextDueAt: number | undefined
  /** As in StoreState; told with every change. */
  readonly nextSweepAt: number | undefined
  /** The first of the numbers that were set aside. They need not be next to those before. */
  readonly reserved: number | undefined
  /** One for each request. */
  readonly answers: readonly StoreAnswer[]
}

/** The result of a batch without writes, beside its answers. */
export const nothingWritten: Omit<BatchResult, 'answers'> = {
  failure: undefined,
  joined: new Float64Array(0),
  throttled: new Float64Array(0),
  changed: [],
  revived: [],
  cancelled: [],
  promoted: [],
  nextDueAt: undefined,
  nextSweepAt: undefined,
  reserved: undefined,
}

export interface StoreFailure {
  /** The store's own: `SQLITE_FULL`. */
  readonly code: string
  readonly message: string
  /** The store must be opened again before the next commit. */
  readonly isBroken: boolean
}

/** A sentence for the operator: what happened, why, and what to do. */
export class StoreError extends Error {
  readonly code: string

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'StoreError'
    this.code = code
  }
}
