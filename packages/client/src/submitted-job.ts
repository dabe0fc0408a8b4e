import type { CallOptions } from './cutoff.ts'
import type { JobStatus } from './job-status.ts'

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
 * If its server goes away the job is submitted again, and `created` comes once more with another handle, unless it has
 * given data already: those would come twice.
 *
 * It is no promise itself, so that awaiting one by mistake doesn't wait for the job.
 */
export interface SubmittedJob<Output = Uint8Array> extends AsyncIterable<JobEvent> {
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
   * with what came between: InvalidDataError, ServerError, ConnectError, ConnectionLostError, TimeoutError,
   * AbortedError, ClosedError.
   */
  result(): Promise<Output>
  /** The result as it came. */
  bytes(): Promise<Uint8Array>
  /** The result as text. */
  text(): Promise<string>
  /** The result, which is JSON, as what it means. */
  json(): Promise<unknown>
  /**
   * The job's data as they come, and the result last. It fails as `result()` does. It takes the events that iterating
   * would give, so use one of the two.
   */
  stream(): ReadableStream<Uint8Array>
  /** How it stands with the server, which knows it until its end. */
  status(options?: CallOptions): Promise<JobStatus>
}
