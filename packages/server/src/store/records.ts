import type { Priority } from '@geartrain/engine'
import { readLatin1, writeLatin1 } from '@geartrain/protocol'

// Jobs as bytes, many in one buffer: they cross to a store's thread and back without an object each.
//
//   number       float64   8  of the handle
//   run at       float64   8  milliseconds since 1970, 0 is now
//   function     uint32    4  index in the batch's names
//   unique       uint32    4  length
//   reducer      uint32    4  length
//   workload     uint32    4  length
//   priority     uint8     1
//   claimed      uint8     1  the server has it already
//   unique, reducer, workload
//
// Integers and floats are little-endian.

const headBytes = 34
const firstBytes = 64 * 1024

/** What a record says, beside names and workload. */
export interface JobHead {
  number: number
  runAt: number
  function: number
  priority: Priority
  isClaimed: boolean
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

  add(head: Readonly<JobHead>, unique: string, reducer: string, workload: Uint8Array): void {
    const end = this.length + headBytes + unique.length + reducer.length + workload.length
    if (end > this.#bytes.length) this.#grow(end)
    const view = this.#view
    let at = this.length
    view.setFloat64(at, head.number, true)
    view.setFloat64(at + 8, head.runAt, true)
    view.setUint32(at + 16, head.function, true)
    view.setUint32(at + 20, unique.length, true)
    view.setUint32(at + 24, reducer.length, true)
    view.setUint32(at + 28, workload.length, true)
    view.setUint8(at + 32, head.priority)
    view.setUint8(at + 33, head.isClaimed ? 1 : 0)
    at += headBytes
    if (unique !== '') writeLatin1(this.#bytes, at, unique)
    at += unique.length
    if (reducer !== '') writeLatin1(this.#bytes, at, reducer)
    this.#bytes.set(workload, at + reducer.length)
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
export class RecordReader implements JobHead {
  number = 0
  runAt = 0
  function = 0
  priority: Priority = 1
  isClaimed = false
  readonly #bytes: Buffer
  readonly #view: DataView
  #next = 0
  #uniqueStart = 0
  #reducerStart = 0
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
    this.function = view.getUint32(at + 16, true)
    // A writer put it there.
    this.priority = view.getUint8(at + 32) as Priority
    this.isClaimed = view.getUint8(at + 33) === 1
    this.#uniqueStart = at + headBytes
    this.#reducerStart = this.#uniqueStart + view.getUint32(at + 20, true)
    this.#workloadStart = this.#reducerStart + view.getUint32(at + 24, true)
    this.#workloadEnd = this.#workloadStart + view.getUint32(at + 28, true)
    this.#next = this.#workloadEnd
    return true
  }

  get unique(): string {
    return readLatin1(this.#bytes, this.#uniqueStart, this.#reducerStart)
  }

  get reducer(): string {
    return readLatin1(this.#bytes, this.#reducerStart, this.#workloadStart)
  }

  /** A view on the buffer, and in a thread's own a Buffer. */
  get workload(): Buffer {
    return this.#bytes.subarray(this.#workloadStart, this.#workloadEnd)
  }
}
