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

/**
 * What a connection has still to send: packets are written into it as they come, and once a turn it goes to the
 * socket in one write. While the socket does not take it (`isBlocked`), it waits here.
 */
export class Output {
  isBlocked = false
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

  /** Some of it has not even been handed to the socket. */
  get isWaiting(): boolean {
    return this.#segmentBytes + this.#writer.length > 0
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
    if (this.#segments.length === 0 && this.#writer.length <= writeBytesMax) this.#flushWriter()
    else this.#flushSegments()
  }

  #flushWriter(): void {
    const writer = this.#writer
    if (writer.length === 0) return
    const { bytes } = writer
    const written = writer.written()
    // A peer in this process may answer within the write: what that brings goes into a buffer of its own.
    writer.bytes = noBytes
    writer.length = 0
    this.isBlocked = !this.#socket.write(written)
    // With nothing queued the socket is done with the bytes, and the buffer can be used again.
    const isFree = this.#socket.writableLength === 0 && bytes.length <= keptBytesMax
    if (isFree && writer.length === 0) writer.bytes = bytes
  }

  #flushSegments(): void {
    this.#cutSegment()
    while (this.#segments.length > 0 && !this.isBlocked) {
      this.#socket.cork()
      let taken = 0
      while (taken < writeBytesMax) {
        const segment = this.#segments[0]
        if (segment === undefined) break
        const part = segment.subarray(0, writeBytesMax - taken)
        if (part.length === segment.length) this.#segments.shift()
        else this.#segments[0] = segment.subarray(part.length)
        taken += part.length
        this.#socket.write(part)
      }
      this.#segmentBytes -= taken
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
