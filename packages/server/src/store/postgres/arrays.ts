import { writeLatin1 } from '@geartrain/protocol'

// An array as PostgreSQL sends and takes it in its binary format, with one dimension:
//
//   dimensions   int32   1
//   has nulls    int32   0 or 1
//   type         int32   the oid of its elements
//   count        int32
//   first index  int32   1
//   of each element its length as an int32, -1 for NULL, and its bytes
//
// All of them are big-endian.

const oids = { bytea: 17, bigint: 20, smallint: 21, int: 23, text: 25, uuid: 2950 } as const
const headBytes = 20
const firstBytes = 1024
const nullLength = -1

/** One value of a statement that stands for a column of many rows. */
export class ArrayWriter {
  count = 0
  readonly #type: number
  #bytes: Buffer = Buffer.allocUnsafe(firstBytes)
  #length = headBytes
  #hasNulls = false

  constructor(type: keyof typeof oids) {
    this.#type = oids[type]
  }

  addSmallint(value: number): void {
    const at = this.#add(2)
    this.#bytes.writeInt16BE(value, at)
  }

  addInt(value: number): void {
    const at = this.#add(4)
    this.#bytes.writeInt32BE(value, at)
  }

  /** A safe integer, below 0 too. */
  addBigint(value: number): void {
    const at = this.#add(8)
    this.#bytes.writeInt32BE(Math.floor(value / 2 ** 32), at)
    this.#bytes.writeUInt32BE(value >>> 0, at + 4)
  }

  /** For bytea, and for uuid, which is 16 of them. */
  addBytes(value: Uint8Array): void {
    const at = this.#add(value.length)
    this.#bytes.set(value, at)
  }

  /** For bytea: one byte a character. */
  addName(value: string): void {
    const at = this.#add(value.length)
    if (value !== '') writeLatin1(this.#bytes, at, value)
  }

  addText(value: string): void {
    const bytes = Buffer.byteLength(value)
    const at = this.#add(bytes)
    this.#bytes.write(value, at)
  }

  addNull(): void {
    this.#hasNulls = true
    this.#add(0)
    this.#bytes.writeInt32BE(nullLength, this.#length - 4)
  }

  /** The value; the writer must not be used any more. */
  written(): Buffer {
    const bytes = this.#bytes
    bytes.writeInt32BE(1, 0)
    bytes.writeInt32BE(Number(this.#hasNulls), 4)
    bytes.writeInt32BE(this.#type, 8)
    bytes.writeInt32BE(this.count, 12)
    bytes.writeInt32BE(1, 16)
    return bytes.subarray(0, this.#length)
  }

  /** Where the bytes of the next element go. */
  #add(elementBytes: number): number {
    const end = this.#length + 4 + elementBytes
    if (end > this.#bytes.length) this.#grow(end)
    this.#bytes.writeInt32BE(elementBytes, this.#length)
    this.#length = end
    this.count++
    return end - elementBytes
  }

  #grow(atLeast: number): void {
    const bytes = Buffer.allocUnsafe(Math.max(2 * this.#bytes.length, atLeast))
    bytes.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = bytes
  }
}

export function bigints(values: Iterable<number>): Buffer {
  const writer = new ArrayWriter('bigint')
  for (const value of values) writer.addBigint(value)
  return writer.written()
}

export function ints(values: Iterable<number>): Buffer {
  const writer = new ArrayWriter('int')
  for (const value of values) writer.addInt(value)
  return writer.written()
}

export function names(values: Iterable<string>): Buffer {
  const writer = new ArrayWriter('bytea')
  for (const value of values) writer.addName(value)
  return writer.written()
}
