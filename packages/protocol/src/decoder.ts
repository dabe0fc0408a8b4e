import { headerBytes, isPacketType } from './packets.ts'

/** What `Decoder.next()` found. `more`: all complete packets are out; the rest of one may be waiting for its bytes. */
export type Decoded = 'packet' | 'line' | 'more' | 'bad'

/** Why the stream can't be read on. The connection it came from must be closed. */
export type DecodeProblem = 'BAD_MAGIC' | 'BAD_TYPE' | 'PACKET_TOO_LARGE' | 'LINE_TOO_LONG'

export interface DecoderLimits {
  /** The largest body that a packet may declare. */
  readonly packetBytesMax: number
  /** The longest text line, its newline included. */
  readonly lineBytesMax: number
}

/** A packet in parts gets a buffer that doubles as bytes come, so that a declared length alone costs no memory. */
const partialBytesMin = 512

const noBytes = new Uint8Array(0)
const newline = 10
const carriageReturn = 13

/**
 * Bytes in, packets and text lines out, however the bytes were cut. Whether a NUL or another byte stands first
 * decides, for each packet anew, between binary and text.
 *
 *     decoder.push(chunk)
 *     for (let found = decoder.next(); found !== 'more'; found = decoder.next()) ...
 *
 * After `packet`: `type`, `isResponse`, and the body at `bytes[start .. end)`. After `line`: the same range, without
 * its line end. After `bad`: `problem`, and nothing more will be decoded.
 *
 * A chunk may be overwritten when its last packet has been read, or when `keepRest` has been called. Views on `bytes`
 * may be kept only if `isOwned`: then the packet came in parts and lies in a buffer made for it.
 */
export class Decoder {
  bytes: Uint8Array = noBytes
  start = 0
  end = 0
  type = 0
  isResponse = false
  isOwned = false
  problem: DecodeProblem | undefined

  readonly #limits: DecoderLimits
  readonly #allocate: (bytes: number) => Uint8Array
  #chunk: Uint8Array = noBytes
  #at = 0
  /** The beginning of a packet or line whose end has not come yet. Given away with the packet once it is whole. */
  #partial: Uint8Array = noBytes
  #partialLength = 0

  /** `allocate` makes the buffers for packets that come in parts. */
  constructor(limits: DecoderLimits, allocate: (bytes: number) => Uint8Array = (bytes) => new Uint8Array(bytes)) {
    this.#limits = limits
    this.#allocate = allocate
  }

  /** Bytes held of a packet that is not whole yet. */
  get pendingBytes(): number {
    return this.#partialLength + this.#chunk.length - this.#at
  }

  /** The next bytes of the stream. All of the last chunk must have been read with `next()` first. */
  push(chunk: Uint8Array): void {
    this.#chunk = chunk
    this.#at = 0
  }

  /** Copies what of the chunk has not been read yet, whose owner wants it back. */
  keepRest(): void {
    const rest = this.#chunk.subarray(this.#at)
    this.#chunk = this.#allocate(rest.length)
    this.#chunk.set(rest)
    this.#at = 0
  }

  next(): Decoded {
    if (this.problem !== undefined) return 'bad'
    if (this.#partialLength > 0) return this.#nextAcrossChunks()
    const chunk = this.#chunk
    const at = this.#at
    const available = chunk.length - at
    if (available === 0) {
      // An idle connection keeps no buffer alive.
      this.#chunk = noBytes
      this.bytes = noBytes
      this.#at = 0
      return 'more'
    }
    if (chunk[at] !== 0) return this.#nextLine()
    if (available < headerBytes) {
      if (available >= 4 && !this.#readMagic(chunk, at)) return this.#fail('BAD_MAGIC')
      return this.#keepPart()
    }
    const length = this.#readHeader(chunk, at)
    if (length < 0) return 'bad'
    if (available < headerBytes + length) return this.#keepPart()
    this.bytes = chunk
    this.isOwned = false
    this.start = at + headerBytes
    this.end = this.start + length
    this.#at = this.end
    return 'packet'
  }

  #nextAcrossChunks(): Decoded {
    if (this.#partial[0] !== 0) return this.#nextLine()
    if (!this.#fillPartial(headerBytes)) {
      if (this.#partialLength >= 4 && !this.#readMagic(this.#partial, 0)) return this.#fail('BAD_MAGIC')
      return 'more'
    }
    const length = this.#readHeader(this.#partial, 0)
    if (length < 0) return 'bad'
    if (!this.#fillPartial(headerBytes + length)) return 'more'
    this.#giveAwayPartial(headerBytes, headerBytes + length)
    return 'packet'
  }

  /** A text line, from the partial and the chunk together. */
  #nextLine(): Decoded {
    const lineEnd = this.#chunk.indexOf(newline, this.#at)
    const taken = (lineEnd < 0 ? this.#chunk.length : lineEnd + 1) - this.#at
    if (this.#partialLength + taken > this.#limits.lineBytesMax) return this.#fail('LINE_TOO_LONG')
    if (lineEnd < 0) return this.#keepPart()
    this.#fillPartial(this.#partialLength + taken)
    let end = this.#partialLength - 1
    if (end > 0 && this.#partial[end - 1] === carriageReturn) end--
    this.#giveAwayPartial(0, end)
    return 'line'
  }

  /** The body's length, or -1 with `problem` set. */
  #readHeader(bytes: Uint8Array, at: number): number {
    if (!this.#readMagic(bytes, at)) {
      this.problem = 'BAD_MAGIC'
      return -1
    }
    const type = readUint32(bytes, at + 4)
    const length = readUint32(bytes, at + 8)
    if (!isPacketType(type)) {
      this.problem = 'BAD_TYPE'
      return -1
    }
    this.type = type
    if (length > this.#limits.packetBytesMax) {
      this.problem = 'PACKET_TOO_LARGE'
      return -1
    }
    return length
  }

  /** True for `\0REQ` and `\0RES`, the first byte being known to be NUL. */
  #readMagic(bytes: Uint8Array, at: number): boolean {
    const last = bytes[at + 3]
    this.isResponse = last === 0x53
    return bytes[at + 1] === 0x52 && bytes[at + 2] === 0x45 && (last === 0x51 || last === 0x53)
  }

  /** Moves bytes from the chunk until the partial has `length` of them; false if the chunk ended first. */
  #fillPartial(length: number): boolean {
    const missing = length - this.#partialLength
    if (missing <= 0) return true
    const taken = Math.min(missing, this.#chunk.length - this.#at)
    this.#reservePartial(this.#partialLength + taken, length)
    this.#partial.set(this.#chunk.subarray(this.#at, this.#at + taken), this.#partialLength)
    this.#partialLength += taken
    this.#at += taken
    return taken === missing
  }

  #reservePartial(needed: number, whole: number): void {
    if (needed <= this.#partial.length) return
    const room = Math.max(needed, Math.min(whole, Math.max(2 * this.#partial.length, partialBytesMin)))
    const grown = this.#allocate(room)
    grown.set(this.#partial.subarray(0, this.#partialLength))
    this.#partial = grown
  }

  #keepPart(): Decoded {
    this.#fillPartial(this.#partialLength + this.#chunk.length - this.#at)
    return 'more'
  }

  #giveAwayPartial(start: number, end: number): void {
    this.bytes = this.#partial
    this.isOwned = true
    this.start = start
    this.end = end
    this.#partial = noBytes
    this.#partialLength = 0
  }

  #fail(problem: DecodeProblem): Decoded {
    this.problem = problem
    return 'bad'
  }
}

function readUint32(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] ?? 0) * 0x1000000 + ((bytes[at + 1] ?? 0) << 16) + ((bytes[at + 2] ?? 0) << 8) + (bytes[at + 3] ?? 0)
  )
}
