import type { Priority } from '@geartrain/engine'

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

  /**
   * Makes it ready, also again after a commit has failed: all jobs that are ready can then be claimed anew.
   * Handles will be given out from `firstNumber` of the answer on, which is not below `atLeast` nor below any number
   * that was ever reserved. Rejects with a StoreError whose message is a sentence for the operator.
   */
  open(atLeast: number): Promise<StoreState>

  /**
   * Does what the batch says, in this order: forget, cancel, add, promote, reserve, all or none of it; then the
   * requests. When it resolves without a failure, the writes survive a crash of process and machine. It rejects only
   * if the store is gone: whether the writes were kept is then unknown until `open`. Never called before the last one
   * is done. The store takes the buffers of the batch: they are empty afterwards.
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
}

/** How many jobs of a function there are. */
export interface StoredFunction {
  readonly name: string
  /** By priority; running ones among them. */
  readonly ready: readonly [number, number, number]
  readonly delayed: number
}

export interface Batch {
  /** Jobs that have ended. Those that are not there are passed over. */
  readonly forget: Float64Array
  /** Jobs to end whether or not they are there: the result says which were. */
  readonly cancel: readonly number[]
  /** Names that the additions refer to by index. */
  readonly functions: readonly string[]
  /** Records; see records.ts. */
  readonly additions: Uint8Array
  readonly additionCount: number
  /** Delayed jobs that are due by then become ready, behind those that already are; at most `promotedMax` of them. */
  readonly promoteUntil: number | undefined
  /** No number below this one will be given out as `firstNumber` again. */
  readonly reserveUntil: number | undefined
  readonly requests: readonly StoreRequest[]
}

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

/** What is known of a job without its workload. */
export interface StoredSummary {
  readonly number: number
  readonly function: string
  readonly unique: string
  readonly priority: Priority
  /** 0 if it is ready. */
  readonly runAt: number
}

export type StoreAnswer =
  /** Records in order; their function is the one that was asked for. */
  | { readonly kind: 'claim'; readonly count: number; readonly jobs: Uint8Array }
  | { readonly kind: 'find'; readonly job: StoredSummary | undefined }
  | { readonly kind: 'list'; readonly jobs: readonly StoredSummary[] }
  /** The request could not be answered; others can. */
  | { readonly kind: 'failed'; readonly failure: StoreFailure }

export interface BatchResult {
  /** Why none of the writes was done. */
  readonly failure: StoreFailure | undefined
  /** Pairs: the index of an addition that was not needed, and the number of the job that it joined. */
  readonly joined: Float64Array
  /** Those of `cancel` that were there. */
  readonly cancelled: readonly StoredSummary[]
  readonly promoted: readonly { readonly function: string; readonly priority: Priority; readonly count: number }[]
  /** When the next delayed job is due; Infinity if there is none. Told with every promotion. */
  readonly nextDueAt: number | undefined
  /** One for each request. */
  readonly answers: readonly StoreAnswer[]
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
