import type { StandardIssue } from './standard-schema.ts'

/** Every error of this library has one of these in `code`. They stay as they are from version to version. */
export type ErrorCode =
  | 'JOB_FAILED'
  | 'JOB_EXCEPTION'
  | 'JOB_CANCELLED'
  | 'CONNECT_FAILED'
  | 'CONNECTION_LOST'
  | 'SERVER_ERROR'
  | 'TIMEOUT'
  | 'ABORTED'
  | 'CLOSED'
  | 'INVALID_ARGUMENT'
  | 'INVALID_DATA'
  | 'PROTOCOL'
  | 'HANDLER_LOST'
  | 'PACKAGE_MISSING'
  | 'UNSUPPORTED'

/** What all errors of this library are. */
export abstract class GeartrainError extends Error {
  abstract readonly code: ErrorCode
  /** Whether the same call may go well another time, with nothing about it changed. */
  readonly retryable: boolean = false

  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
  }
}

/** The worker gave the job up without a word (WORK_FAIL), or the server did: cancelled, too many attempts. */
export class JobFailedError extends GeartrainError {
  readonly code = 'JOB_FAILED'
  readonly function: string
  readonly handle: string

  constructor(jobFunction: string, handle: string) {
    super(`the job ${handle} of ${jobFunction} failed`)
    this.function = jobFunction
    this.handle = handle
  }
}

/** The worker sent WORK_EXCEPTION: `data` is what it said, and the message has it as text. */
export class JobExceptionError extends GeartrainError {
  readonly code = 'JOB_EXCEPTION'
  readonly function: string
  readonly handle: string
  readonly data: Uint8Array

  constructor(jobFunction: string, handle: string, data: Uint8Array) {
    super(new TextDecoder().decode(data))
    this.function = jobFunction
    this.handle = handle
    this.data = data
  }
}

/** At a worker: the server has taken the job back, since it was cancelled. */
export class JobCancelledError extends GeartrainError {
  readonly code = 'JOB_CANCELLED'
  readonly function: string
  readonly handle: string

  constructor(jobFunction: string, handle: string) {
    super(`the server has taken the job ${handle} of ${jobFunction} back: it was cancelled`)
    this.function = jobFunction
    this.handle = handle
  }
}

/** None of the servers could be reached. `cause` is the last one's reason, or all of them as an AggregateError. */
export class ConnectError extends GeartrainError {
  readonly code = 'CONNECT_FAILED'
  override readonly retryable = true
}

/** The connection ended under a call. Whether the server did what was asked is not known. */
export class ConnectionLostError extends GeartrainError {
  readonly code = 'CONNECTION_LOST'
  override readonly retryable = true
}

/** Server codes that tell of its state and not of the request. */
const passingServerCodes = new Set(['QUEUE_ERROR', 'STORE_FAILED', 'SHUTTING_DOWN', 'TOO_MANY_CONNECTIONS'])

/** The server answered with ERROR, or with `ERR` to an administrative command. */
export class ServerError extends GeartrainError {
  readonly code = 'SERVER_ERROR'
  override readonly retryable: boolean
  /** The server's own code, such as `QUEUE_ERROR`; empty where it gave none. */
  readonly serverCode: string

  constructor(serverCode: string, text: string) {
    super(serverCode === '' ? text : `${serverCode}: ${text}`)
    this.serverCode = serverCode
    this.retryable = passingServerCodes.has(serverCode)
  }
}

/** What was waited for did not come within `timeoutMs`. A submitted job goes on without its caller. */
export class TimeoutError extends GeartrainError {
  readonly code = 'TIMEOUT'
  override readonly retryable = true
}

/** The caller's AbortSignal was aborted; `cause` is its reason. A submitted job goes on without its caller. */
export class AbortedError extends GeartrainError {
  readonly code = 'ABORTED'

  constructor(signal: AbortSignal) {
    super('the call was aborted', { cause: signal.reason })
    // The name that Node's own errors of this kind have, and that callers look for.
    this.name = 'AbortError'
  }
}

/** Called after `close()`, or waiting when it was called. */
export class ClosedError extends GeartrainError {
  readonly code = 'CLOSED'
}

export class InvalidArgumentError extends GeartrainError {
  readonly code = 'INVALID_ARGUMENT'
}

/** A value is not of its function's type: before it was sent, or after it had come. `cause` is what the codec threw. */
export class InvalidDataError extends GeartrainError {
  readonly code = 'INVALID_DATA'
  /** What the schema has to say, if one checked. */
  readonly issues: readonly StandardIssue[]

  constructor(message: string, options: ErrorOptions & { readonly issues?: readonly StandardIssue[] } = {}) {
    super(message, options)
    this.issues = options.issues ?? []
  }
}

/** What came from the other side is not the Gearman protocol. */
export class ProtocolError extends GeartrainError {
  readonly code = 'PROTOCOL'
}

/** The thread or process of a handler ended under its job. `cause` is why, if that is known. */
export class HandlerLostError extends GeartrainError {
  readonly code = 'HANDLER_LOST'
  override readonly retryable = true
}

/** What was asked for takes a Geartrain server, and this one is another. */
export class UnsupportedError extends GeartrainError {
  readonly code = 'UNSUPPORTED'
}

/** A part of this library needs a package that is not installed; the message names it. */
export class PackageMissingError extends GeartrainError {
  readonly code = 'PACKAGE_MISSING'
}
