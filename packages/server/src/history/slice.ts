import { bucketCount } from '../metrics/histogram.ts'
import { addLater, gaugesAt, type HistoryRow, makeRow, rowLength, waitAt } from './row.ts'

/**
 * The rows of one step as bytes, which is how they are stored: the format, the row of all functions together, and then
 * those of functions, each behind its name. Whoever is not in it had nothing in that step, and has nothing at its end.
 *
 * A row has its length, its counts and gauges, and for waiting and for running a set of the buckets that are not empty
 * with what is in them. All numbers are whole, and written 7 bits a byte, the lowest first. Who changes that, or what is
 * where in a row, or the bounds of buckets, gives the format another number; what has an older one is then not shown any
 * more, or is understood by SliceReader.
 */
const format = 1
/** What is not between so many bytes and none is damaged. */
const numberBytesMax = 8

/** Steps of a tier, or samples: the time that each begins, and its rows. */
export interface HistorySlice {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly rows: Uint8Array
}

export class SliceWriter {
  #bytes: Uint8Array = new Uint8Array(1024)
  #length = 0

  constructor(total: HistoryRow) {
    this.#byte(format)
    this.#row(total)
  }

  add(name: string, row: HistoryRow): void {
    this.#number(name.length)
    this.#reserve(name.length)
    // Names have one byte a character.
    for (let at = 0; at < name.length; at++) this.#bytes[this.#length++] = name.charCodeAt(at)
    this.#row(row)
  }

  /** In a buffer of their own. */
  written(): Uint8Array {
    return this.#bytes.slice(0, this.#length)
  }

  #row(row: HistoryRow): void {
    // Its length, in two bytes whatever it is.
    const start = this.#length
    this.#reserve(2)
    this.#length += 2
    for (let at = 0; at < waitAt; at++) this.#number(row[at] ?? 0)
    for (let from = waitAt; from < rowLength; from += bucketCount) this.#buckets(row, from)
    const length = this.#length - start - 2
    this.#bytes[start] = (length & 0x7f) | 0x80
    this.#bytes[start + 1] = length >> 7
  }

  #buckets(row: HistoryRow, from: number): void {
    let used = 0
    for (let bucket = 0; bucket < bucketCount; bucket++) if ((row[from + bucket] ?? 0) > 0) used |= 1 << bucket
    this.#number(used)
    for (let bucket = 0; bucket < bucketCount; bucket++) {
      if ((used & (1 << bucket)) !== 0) this.#number(row[from + bucket] ?? 0)
    }
  }

  #number(value: number): void {
    let rest = Math.max(0, Math.min(Number.MAX_SAFE_INTEGER, Math.round(value)))
    while (rest > 0x7f) {
      this.#byte((rest % 0x80) | 0x80)
      rest = Math.floor(rest / 0x80)
    }
    this.#byte(rest)
  }

  #byte(value: number): void {
    this.#reserve(1)
    this.#bytes[this.#length++] = value
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return
    const bytes = new Uint8Array(Math.max(2 * this.#bytes.length, this.#length + count))
    bytes.set(this.#bytes)
    this.#bytes = bytes
  }
}

/** Goes through the rows of a slice. Of bytes that are damaged it gives what can be read, and never throws. */
export class SliceReader {
  readonly #bytes: Buffer
  #at = 1
  /** Where the name begins, and the row, and where that ends. */
  #nameAt = 0
  #nameEnd = 0
  #entryAt = 0
  #rowAt = 0
  #rowEnd = 1

  constructor({ buffer, byteOffset, length }: Uint8Array) {
    this.#bytes = Buffer.from(buffer, byteOffset, length)
    if (this.#bytes[0] !== format) this.#rowEnd = length
  }

  /** Goes to the next row. False: there is none. */
  next(): boolean {
    const isFirst = this.#rowEnd === 1
    this.#at = this.#entryAt = this.#rowEnd
    if (this.#at >= this.#bytes.length) return false
    const nameLength = isFirst ? 0 : this.#number()
    this.#nameAt = this.#at
    this.#at += nameLength
    this.#nameEnd = isFirst ? -1 : this.#at
    const length = this.#number()
    this.#rowAt = this.#at
    this.#rowEnd = this.#at + length
    return this.#rowEnd <= this.#bytes.length
  }

  /** Undefined: it is the row of all together, which is the first one. */
  get name(): string | undefined {
    return this.#nameEnd < 0 ? undefined : this.#bytes.toString('latin1', this.#nameAt, this.#nameEnd)
  }

  /** Of the name; -1 of that one. */
  get nameLength(): number {
    return this.#nameEnd < 0 ? -1 : this.#nameEnd - this.#nameAt
  }

  /** Where the row ends. */
  get end(): number {
    return this.#rowEnd
  }

  /** The row as it is written, with its name. */
  get entry(): Uint8Array {
    return this.#bytes.subarray(this.#entryAt, this.#rowEnd)
  }

  /** Counts and gauges alone, in place of those that are in it. */
  readCounts(row: HistoryRow): void {
    this.#at = this.#rowAt
    for (let at = 0; at < waitAt; at++) row[at] = this.#number()
  }

  read(row: HistoryRow): void {
    this.readCounts(row)
    for (let from = waitAt; from < rowLength; from += bucketCount) {
      const used = this.#number()
      for (let bucket = 0; bucket < bucketCount; bucket++) {
        row[from + bucket] = (used & (1 << bucket)) === 0 ? 0 : this.#number()
      }
    }
  }

  /** 0 behind the end. */
  #number(): number {
    let value = 0
    let scale = 1
    for (let count = 0; count < numberBytesMax; count++) {
      const byte = this.#bytes[this.#at++] ?? 0
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
      scale *= 0x80
    }
    return value
  }
}

/** One step of what was kept of it, if anything, and of what comes to it later, in order. So many functions are in it. */
export function mergeSlices(
  kept: Uint8Array | undefined,
  later: readonly Uint8Array[],
  functionsMax: number,
): Uint8Array {
  const [first, second] = later
  if (kept === undefined && first !== undefined && second === undefined) return cutRows(first, functionsMax)
  const total = makeRow()
  const rows = new Map<string, HistoryRow>()
  const read = makeRow()
  for (const bytes of kept === undefined ? later : [kept, ...later]) {
    // Those that are not in this one have nothing at its end.
    for (const row of rows.values()) row.fill(0, gaugesAt, waitAt)
    const reader = new SliceReader(bytes)
    while (reader.next()) {
      reader.read(read)
      const { name } = reader
      addLater(name === undefined ? total : rowOf(rows, name, functionsMax), read)
    }
  }
  const writer = new SliceWriter(total)
  for (const [name, row] of rows) writer.add(name, row)
  return writer.written()
}

/** Of those that have no place, one that goes. */
function rowOf(rows: Map<string, HistoryRow>, name: string, functionsMax: number): HistoryRow {
  const known = rows.get(name)
  if (known !== undefined) return known
  const row = makeRow()
  if (rows.size < functionsMax) rows.set(name, row)
  return row
}

/** A copy in a buffer of its own: the row of all together and those of these functions, or without names all of it. */
export function pickRows(rows: Uint8Array, names: readonly string[] | undefined): Uint8Array {
  if (names === undefined) return new Uint8Array(rows)
  const reader = new SliceReader(rows)
  const entries = [rows.subarray(0, 1)]
  const isWanted = () => names.some((name) => name.length === reader.nameLength && name === reader.name)
  while (entries.length < 2 + names.length && reader.next()) {
    if (reader.nameLength < 0 || isWanted()) entries.push(reader.entry)
  }
  return new Uint8Array(Buffer.concat(entries))
}

/** The first ones. */
function cutRows(rows: Uint8Array, functionsMax: number): Uint8Array {
  const reader = new SliceReader(rows)
  let end = 1
  for (let count = 0; count <= functionsMax && reader.next(); count++) end = reader.end
  return rows.subarray(0, end)
}
