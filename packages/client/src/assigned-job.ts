import { checkedBytes, type Workload } from './workload.ts'

/** A result in parts: a web stream, one of Node's, or whatever iterates over chunks in its own time. */
export type JobStream = AsyncIterable<Workload> | ReadableStream<Workload>

/**
 * What a handler gives back. Bytes are sent as they are, text as UTF-8, nothing as an empty result; the chunks of a
 * stream as the client's `data`, and then an empty result; all else as JSON.
 */
export type JobResult = Workload | JobStream | object | number | boolean | null | undefined | void

/** What does the jobs of a function. What it throws goes to the client as the job's exception. */
export type JobHandler<Input = Uint8Array, Result = JobResult> = (job: InputJob<Input>) => Result | Promise<Result>

/** Bytes that a handler returns to have them sent as they are, also where its function has a codec for its output. */
export class EncodedResult {
  readonly bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.bytes = checkedBytes(bytes, 'an encoded result')
  }
}

/** Thrown by a handler: the job fails without an exception. The cause, if any, is for this side's `onError`. */
export class JobFailure extends Error {
  override readonly name = 'JobFailure'

  constructor(options?: ErrorOptions) {
    super('the handler gave the job up', options)
  }
}

/** Also one from another copy of this library, as a program can have two of it. */
export function isJobFailure(thrown: unknown): thrown is JobFailure {
  return thrown instanceof Error && thrown.name === 'JobFailure'
}

/** A job in the hands of a worker. */
export interface AssignedJob {
  readonly handle: string
  readonly function: string
  /** Empty if it was submitted without one. */
  readonly unique: string
  /** The function that parts of this job are to be given to, if it was submitted with one. */
  readonly reducer: string | undefined
  readonly workload: Uint8Array
  /** The workload as text. */
  text(): string
  /** The workload, which is JSON, as what it means. */
  json(): unknown
  /**
   * Aborted when the outcome is no longer wanted: the timeout is over, the job was cancelled, the connection is lost, or
   * `close()` has waited long enough. What the handler then returns, throws or sends goes nowhere; the server gives the
   * job to another worker, unless it was cancelled.
   */
  readonly signal: AbortSignal
  /** Tells how far it is, in whole numbers. */
  progress(numerator: number, denominator: number): void
  /** Sends a part of the result. Awaiting it keeps a fast handler from filling the memory when the network is slow. */
  data(chunk: Workload): Promise<void>
  warn(chunk: Workload): Promise<void>
}

/** With its workload read as the function's codec says; bytes where there is none. */
export interface InputJob<Input> extends AssignedJob {
  readonly input: Input
}
