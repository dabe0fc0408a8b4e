import type { Duplex } from 'node:stream'
import { PacketWriter } from '@geartrain/protocol'

/** Data from this size on is not copied into the buffer but sent from where it lies. */
const referencedBytesMin = 32 * 1024
/** As much is handed to the socket at once, so that a slow reader's progress can be seen. */
const writeBytesMax = 64 * 1024
/** With more than this, a turn's output does not wait for its end. */
const largeBytes = 1024 * 1024
/** A buffer that has grown past this is not kept for the next turn. */
const keptBytesMax = 64 * 1024
const firstBytes = 512
const noBytes = new Uint8Array(0)

interface Hold {
  readonly batch: object
  position: number
}

/**
 * What a connection has still to send: packets are written into it as they come, and once a turn it goes to the
 * socket in one write. While the socket does not take it (`isBlocked`), it waits here.
 */
export class Output {
  isBlocked = false
  /** What each batch of the store holds back: all from there on, until it is kept. The first one first. */
  readonly #holds: Hold[] = []
  /** Bytes handed to the socket so far. */
  #sentBytes = 0
  readonly #socket: Duplex
  readonly #writer = new PacketWriter((bytes) => Buffer.allocUnsafeSlow(bytes))
  /** Finished parts that go out before what is in the writer. */
  readonly #segments: Uint8Array[] = []
  #segmentBytes = 0

  constructor(socket: Duplex) {
    this.#socket = socket
  }

  /** Bytes that have not left the process. */
  get length(): number {
    return this.#segmentBytes + this.#writer.length + this.#socket.writableLength
  }

  /** Of the connection, so far. */
  get sentBytes(): number {
    return this.#sentBytes
  }

  /** Some of it has not even been handed to the socket. */
  get isWaiting(): boolean {
    return this.#segmentBytes + this.#writer.length > 0
  }

  /** Of what is written next, counted from the first byte of the connection. */
  get position(): number {
    return this.#sentBytes + this.#segmentBytes + this.#writer.length
  }

  /** What is written from here on leaves when the batch is released. */
  hold(batch: object): void {
    if (!this.#holds.some((hold) => hold.batch === batch)) this.#holds.push({ batch, position: this.position })
  }

  /** Some of it waits for the store. */
  get isHeld(): boolean {
    return this.#holds.length > 0
  }

  release(batch: object): void {
    const index = this.#holds.findIndex((hold) => hold.batch === batch)
    if (index >= 0) this.#holds.splice(index, 1)
  }

  /** Other bytes in the place of what was written, in one piece, at a position that is held. How many more they are. */
  replace(position: number, length: number, bytes: Uint8Array): number {
    if (bytes.length === length) {
      this.#overwrite(position, bytes)
      return 0
    }
    this.#cutSegment()
    let start = this.#sentBytes
    for (const [index, segment] of this.#segments.entries()) {
      const at = position - start
      start += segment.length
      if (at >= segment.length) continue
      this.#segments.splice(index, 1, segment.subarray(0, at), bytes, segment.subarray(at + length))
      break
    }
    const moved = bytes.length - length
    this.#segmentBytes += moved
    for (const hold of this.#holds) if (hold.position > position) hold.position += moved
    return moved
  }

  /** The same bytes at many such positions, which rise. */
  replaceAll(positions: readonly number[], length: number, bytes: Uint8Array): void {
    this.#cutSegment()
    const by = bytes.length - length
    let start = this.#sentBytes
    let next = 0
    for (const [index, segment] of this.#segments.entries()) {
      const end = start + segment.length
      const first = next
      while (next < positions.length && (positions[next] ?? 0) < end) next++
      const offsets = positions.slice(first, next).map((position) => position - start)
      if (offsets.length > 0) this.#segments[index] = replaced(segment, offsets, length, bytes)
      start = end
    }
    this.#segmentBytes += by * positions.length
    for (const hold of this.#holds) hold.position += by * countBelow(positions, hold.position)
  }

  /** As many bytes as before can go where those are: a writer wrote them, and nobody else has them. */
  #overwrite(position: number, bytes: Uint8Array): void {
    let at = position - this.#sentBytes
    for (const segment of this.#segments) {
      if (at < segment.length) return segment.set(bytes, at)
      at -= segment.length
    }
    this.#writer.bytes.set(bytes, at)
  }

  /** Time to see whether the socket takes it. */
  get isLarge(): boolean {
    return this.#segmentBytes + this.#writer.length > largeBytes
  }

  /** The header of a response, and a writer with room for the body's next `count` bytes. */
  packet(type: number, bodyLength: number, count: number = bodyLength): PacketWriter {
    const writer = this.#writer
    if (writer.bytes.length === 0) writer.renew(Math.max(firstBytes, count + 12))
    writer.header(type, bodyLength)
    writer.reserve(count)
    return writer
  }

  /** Data at the end of a packet. What is large is kept by reference and must not change any more. */
  data(data: Uint8Array): void {
    if (data.length < referencedBytesMin) {
      this.#writer.reserve(data.length)
      this.#writer.data(data)
      return
    }
    this.#cutSegment()
    this.#segments.push(data)
    this.#segmentBytes += data.length
  }

  text(text: string): void {
    this.#writer.reserve(text.length)
    this.#writer.text(text)
  }

  /** Hands the socket what it takes. */
  flush(): void {
    if (this.isBlocked || this.#socket.destroyed) return
    const first = this.#holds[0]
    const free = first === undefined ? this.#segmentBytes + this.#writer.length : first.position - this.#sentBytes
    if (free === 0) return
    if (this.#segments.length === 0 && free <= writeBytesMax) this.#flushWriter(free)
    else this.#flushSegments(free)
  }

  #flushWriter(free: number): void {
    const writer = this.#writer
    const { bytes } = writer
    const written = bytes.subarray(0, free)
    const rest = bytes.subarray(free, writer.length)
    // A peer in this process may answer within the write: what that brings goes into a buffer of its own.
    writer.bytes = noBytes
    writer.length = 0
    if (rest.length > 0) {
      writer.renew(Math.max(bytes.length, firstBytes))
      writer.data(rest)
    }
    this.#sentBytes += free
    this.isBlocked = !this.#socket.write(written)
    // With nothing queued the socket is done with the bytes, and the buffer can be used again.
    const isFree = this.#socket.writableLength === 0 && bytes.length <= keptBytesMax
    if (isFree && writer.length === 0) writer.bytes = bytes
  }

  #flushSegments(free: number): void {
    this.#cutSegment()
    let left = free
    while (left > 0 && !this.isBlocked) {
      this.#socket.cork()
      const share = Math.min(left, writeBytesMax)
      let taken = 0
      while (taken < share) {
        const segment = this.#segments[0]
        if (segment === undefined) break
        const part = segment.subarray(0, share - taken)
        if (part.length === segment.length) this.#segments.shift()
        else this.#segments[0] = segment.subarray(part.length)
        taken += part.length
        this.#socket.write(part)
      }
      this.#segmentBytes -= taken
      this.#sentBytes += taken
      left -= taken
      this.#socket.uncork()
      this.isBlocked = this.#socket.writableNeedDrain
    }
  }

  #cutSegment(): void {
    const writer = this.#writer
    if (writer.length === 0) return
    this.#segments.push(writer.written())
    this.#segmentBytes += writer.length
    writer.renew(0)
  }
}

/** A copy of a segment, with other bytes where so many stand at each of the offsets. */
function replaced(segment: Uint8Array, offsets: readonly number[], length: number, bytes: Uint8Array): Uint8Array {
  const copy = Buffer.allocUnsafeSlow(segment.length + offsets.length * (bytes.length - length))
  let from = 0
  let at = 0
  for (const offset of offsets) {
    copy.set(segment.subarray(from, offset), at)
    at += offset - from
    copy.set(bytes, at)
    at += bytes.length
    from = offset + length
  }
  copy.set(segment.subarray(from), at)
  return copy
}

/** How many of the numbers, which rise, are below the limit. */
export function countBelow(numbers: readonly number[], limit: number): number {
  let low = 0
  let high = numbers.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((numbers[middle] ?? 0) < limit) low = middle + 1
    else high = middle
  }
  return low
}
