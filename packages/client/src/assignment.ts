import { packets } from '@geartrain/protocol'
import { type AssignedJob, isJobFailure } from './assigned-job.ts'
import type { Connection } from './connection.ts'
import { InvalidArgumentError } from './errors.ts'
import { readWireName } from './wire-name.ts'
import { type Workload, workloadBytes, workloadText } from './workload.ts'

/** The server keeps progress as 32-bit numbers; gearmand closes the connection at longer ones. */
const progressMax = 2 ** 32 - 1

/** Of one packet, which servers bound. */
const dataBytesMax = 16 * 1024 * 1024

/** The words of JOB_ASSIGN_ALL, one character a byte. */
export interface AssignmentNames {
  readonly handle: string
  readonly function: string
  readonly unique: string
  readonly reducer: string
  /** A W3C traceparent, or empty. */
  readonly trace: string
}

/** A job that the server gave to this worker: what the handler holds as `AssignedJob`, and its way back. */
export class Assignment implements AssignedJob {
  readonly workload: Uint8Array
  /** That of its function, if it has one. */
  readonly timeoutMs: number | undefined
  readonly #names: AssignmentNames
  readonly #connection: Connection
  #abort: AbortController | undefined
  #dropped: Error | undefined
  /** What its function's codec has made of the workload. */
  input: unknown = undefined
  /** Its slot is free again. Kept for the worker. */
  isReleased = false
  /** Nothing more is sent of it. */
  #isOver = false

  constructor(connection: Connection, names: AssignmentNames, workload: Uint8Array, timeoutMs: number | undefined) {
    this.#connection = connection
    this.#names = names
    this.workload = workload
    this.timeoutMs = timeoutMs
  }

  get handle(): string {
    return readWireName(this.#names.handle)
  }

  get function(): string {
    return readWireName(this.#names.function)
  }

  get unique(): string {
    return readWireName(this.#names.unique)
  }

  get reducer(): string | undefined {
    return this.#names.reducer === '' ? undefined : readWireName(this.#names.reducer)
  }

  /** For those who trace it: what its submitter said. */
  get trace(): string {
    return this.#names.trace
  }

  /** Made when it is first asked for: most handlers never do. */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController()
      if (this.#dropped !== undefined) this.#abort.abort(this.#dropped)
    }
    return this.#abort.signal
  }

  get isDropped(): boolean {
    return this.#dropped !== undefined
  }

  /** `handle` is one character a byte. */
  is(handle: string): boolean {
    return this.#names.handle === handle
  }

  text(): string {
    return workloadText(this.workload)
  }

  json(): unknown {
    return JSON.parse(this.text())
  }

  progress(numerator: number, denominator: number): void {
    for (const value of [numerator, denominator]) {
      if (Number.isInteger(value) && value >= 0 && value <= progressMax) continue
      throw new InvalidArgumentError(`progress is in whole numbers up to ${progressMax}, not ${value}`)
    }
    if (this.#isOver) return
    this.#connection.send(packets.WORK_STATUS, [this.#names.handle, String(numerator), String(denominator)])
  }

  async data(chunk: Workload): Promise<void> {
    const bytes = workloadBytes(chunk)
    // A chunk of a stream may be sent as several; an empty one is sent too.
    let start = 0
    do {
      if (this.#isOver) return
      this.#connection.send(packets.WORK_DATA, [this.#names.handle], bytes.subarray(start, start + dataBytesMax))
      start += dataBytesMax
      await this.#connection.drained()
    } while (start < bytes.length)
  }

  async warn(chunk: Workload): Promise<void> {
    if (this.#isOver) return
    this.#connection.send(packets.WORK_WARNING, [this.#names.handle], workloadBytes(chunk))
    await this.#connection.drained()
  }

  complete(result: Uint8Array): void {
    if (this.#isOver) return
    this.#connection.send(packets.WORK_COMPLETE, [this.#names.handle], result)
    this.#isOver = true
  }

  /** What the handler threw becomes the job's end. WORK_EXCEPTION is one by itself: no WORK_FAIL follows it. */
  fail(thrown: unknown): void {
    if (this.#isOver) return
    this.#isOver = true
    if (isJobFailure(thrown)) this.#connection.send(packets.WORK_FAIL, [this.#names.handle])
    else this.#connection.send(packets.WORK_EXCEPTION, [this.#names.handle], workloadBytes(thrownText(thrown)))
  }

  /** Its outcome is no longer wanted. */
  drop(reason: Error): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#dropped = reason
    this.#abort?.abort(reason)
  }
}

/** Whatever it is: handlers throw all kinds of things. */
function thrownText(thrown: unknown): string {
  try {
    if (!(thrown instanceof Error)) return String(thrown)
    const { name, message } = thrown
    return String(message === '' ? name : message)
  } catch {
    // An object without a usable toString, such as Object.create(null).
    return 'the handler threw something that is not an error'
  }
}
