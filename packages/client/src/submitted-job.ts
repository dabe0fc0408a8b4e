/** What happens to a job, in its order. `complete`, `fail` and `exception` are the end of it. */
export type JobEvent =
  | { readonly type: 'created'; readonly handle: string }
  | { readonly type: 'data'; readonly data: Uint8Array }
  | { readonly type: 'warning'; readonly data: Uint8Array }
  | { readonly type: 'status'; readonly numerator: number; readonly denominator: number }
  | JobEnd

export type JobEnd =
  | { readonly type: 'complete'; readonly data: Uint8Array }
  | { readonly type: 'fail' }
  | { readonly type: 'exception'; readonly data: Uint8Array }

/**
 * A foreground job, as the one who submitted it sees it. It can be watched in two ways, or both: `result()` for the
 * end alone, and `for await (const event of job)` for all on the way.
 *
 * Iterated, it gives each event once: what is not iterated is kept for whoever iterates later. The last event is the
 * job's end, also a bad one; iterating throws only when the end can't be learnt.
 *
 * It is no promise itself, so that awaiting one by mistake doesn't wait for the job.
 */
export interface SubmittedJob extends AsyncIterable<JobEvent> {
  readonly function: string
  /** Empty if it was submitted without one. */
  readonly unique: string
  /** The server's name for the job; undefined until the server has answered. */
  readonly handle: string | undefined
  /** True once the job has ended, or its end can't be learnt any more. */
  readonly hasEnded: boolean
  /** The handle, when the server has taken the job. */
  created(): Promise<string>
  /**
   * What the worker returned. Rejects with JobFailedError or JobExceptionError when the job ended so, and otherwise
   * with what came between: ServerError, ConnectError, ConnectionLostError, TimeoutError, AbortedError, ClosedError.
   */
  result(): Promise<Uint8Array>
  /** The result as text. */
  text(): Promise<string>
  /** The result, which is JSON, as what it means. */
  json(): Promise<unknown>
}
