import type { Priority } from '@geartrain/engine'
import { readLatin1, writeLatin1 } from '@geartrain/protocol'

// Jobs as bytes, many in one buffer: they cross to a store's thread and back without an object each.
//
//   number       float64   8  of the handle
//   run at       float64   8  milliseconds since 1970, 0 is now
//   expire at    float64   8  the same, 0 is never
//   ready at     float64   8  of one that is claimed: the same, since when it can be begun; 0: nobody knows
//   function     uint32    4  index in the batch's names
//   unique       uint32    4  length
//   reducer      uint32    4  length
//   then         uint32    4  length
//   options      uint32    4  length
//   trace        uint32    4  length
//   workload     uint32    4  length
//   attempts     uint32    4  that have ended
//   priority     uint8     1
//   flags        uint8     1  1: the server has it already; 2: it may join one that has ended
//   unique, reducer, then, options, trace, workload
//
// Integers and floats are little-endian.

const headBytes = 66
const claimedFlag = 1
const throttledFlag = 2
const firstBytes = 64 * 1024

/** What a record says, beside names and workload. */
export interface JobHead {
  number: number
  runAt: number
  expireAt: number
  readyAt: number
  function: number
  attempts: number
  priority: Priority
  isClaimed: boolean
  isThrottled: boolean
}

/** Of a job of which nothing has been said. */
export function emptyHead(): JobHead {
  return {
    number: 0,
    runAt: 0,
    expireAt: 0,
    readyAt: 0,
    function: 0,
    attempts: 0,
    priority: 1,
    isClaimed: false,
    isThrottled: false,
  }
}

/** The texts of a record, one byte a character. */
export interface JobNames {
  readonly unique: string
  readonly reducer: string
  readonly then: string
  readonly options: string
  readonly trace: string
}

/** Collects records in a buffer that grows. */
export class RecordWriter {
  count = 0
  length = 0
  #bytes: Buffer
  #view: DataView

  /** `bytes` is a buffer to use again, whole. */
  constructor(bytes: Uint8Array = Buffer.allocUnsafeSlow(firstBytes)) {
    this.#bytes = Buffer.from(bytes.buffer)
    this.#view = new DataView(bytes.buffer)
  }

  add(head: Readonly<JobHead>, { unique, reducer, then, options, trace }: JobNames, workload: Uint8Array): void {
    const rareBytes = reducer.length + then.length + options.length + trace.length
    const end = this.length + headBytes + unique.length + rareBytes + workload.length
    if (end > this.#bytes.length) this.#grow(end)
    const view = this.#view
    let at = this.length
    view.setFloat64(at, head.number, true)
    view.setFloat64(at + 8, head.runAt, true)
    view.setFloat64(at + 16, head.expireAt, true)
    view.setFloat64(at + 24, head.readyAt, true)
    view.setUint32(at + 32, head.function, true)
    view.setUint32(at + 36, unique.length, true)
    view.setUint32(at + 40, reducer.length, true)
    view.setUint32(at + 44, then.length, true)
    view.setUint32(at + 48, options.length, true)
    view.setUint32(at + 52, trace.length, true)
    view.setUint32(at + 56, workload.length, true)
    view.setUint32(at + 60, head.attempts, true)
    view.setUint8(at + 64, head.priority)
    view.setUint8(at + 65, (head.isClaimed ? claimedFlag : 0) | (head.isThrottled ? throttledFlag : 0))
    at += headBytes
    if (unique !== '') writeLatin1(this.#bytes, at, unique)
    at += unique.length
    if (rareBytes > 0) {
      for (const text of [reducer, then, options, trace]) {
        writeLatin1(this.#bytes, at, text)
        at += text.length
      }
    }
    this.#bytes.set(workload, at)
    this.length = end
    this.count++
  }

  /** What was written; the writer must not be used any more. */
  written(): Uint8Array {
    return this.#bytes.subarray(0, this.length)
  }

  #grow(atLeast: number): void {
    const bytes = Buffer.allocUnsafeSlow(Math.max(2 * this.#bytes.length, atLeast))
    bytes.set(this.#bytes.subarray(0, this.length))
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer)
  }
}

/** Goes from record to record; its fields are those of the one it stands on. */
export class RecordReader implements JobHead, JobNames {
  number = 0
  runAt = 0
  expireAt = 0
  readyAt = 0
  function = 0
  attempts = 0
  priority: Priority = 1
  isClaimed = false
  isThrottled = false
  readonly #bytes: Buffer
  readonly #view: DataView
  #next = 0
  #uniqueStart = 0
  #reducerStart = 0
  #thenStart = 0
  #optionsStart = 0
  #traceStart = 0
  #workloadStart = 0
  #workloadEnd = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /** To the next record; false if there is none. */
  next(): boolean {
    const at = this.#next
    if (at >= this.#bytes.length) return false
    const view = this.#view
    this.number = view.getFloat64(at, true)
    this.runAt = view.getFloat64(at + 8, true)
    this.expireAt = view.getFloat64(at + 16, true)
    this.readyAt = view.getFloat64(at + 24, true)
    this.function = view.getUint32(at + 32, true)
    this.attempts = view.getUint32(at + 60, true)
    // A writer put it there.
    this.priority = view.getUint8(at + 64) as Priority
    const flags = view.getUint8(at + 65)
    this.isClaimed = (flags & claimedFlag) !== 0
    this.isThrottled = (flags & throttledFlag) !== 0
    this.#uniqueStart = at + headBytes
    this.#reducerStart = this.#uniqueStart + view.getUint32(at + 36, true)
    this.#thenStart = this.#reducerStart + view.getUint32(at + 40, true)
    this.#optionsStart = this.#thenStart + view.getUint32(at + 44, true)
    this.#traceStart = this.#optionsStart + view.getUint32(at + 48, true)
    this.#workloadStart = this.#traceStart + view.getUint32(at + 52, true)
    this.#workloadEnd = this.#workloadStart + view.getUint32(at + 56, true)
    this.#next = this.#workloadEnd
    return true
  }

  get unique(): string {
    return readLatin1(this.#bytes, this.#uniqueStart, this.#reducerStart)
  }

  get reducer(): string {
    return readLatin1(this.#bytes, this.#reducerStart, this.#thenStart)
  }

  get then(): string {
    return readLatin1(this.#bytes, this.#thenStart, this.#optionsStart)
  }

  get options(): string {
    return readLatin1(this.#bytes, this.#optionsStart, this.#traceStart)
  }

  get trace(): string {
    return readLatin1(this.#bytes, this.#traceStart, this.#workloadStart)
  }

  /** A view on the buffer, and in a thread's own a Buffer. */
  get workload(): Buffer {
    return this.#bytes.subarray(this.#workloadStart, this.#workloadEnd)
  }
}
