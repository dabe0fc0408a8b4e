import { writeLatin1 } from './latin1.ts'
import { headerBytes } from './packets.ts'

const writerBytesMin = 256

/**
 * Packets into one growing buffer. `begin` writes a header whose body length the caller knows; the caller then
 * writes exactly that many bytes.
 */
export class PacketWriter {
  bytes: Uint8Array
  length = 0
  readonly #allocate: (bytes: number) => Uint8Array

  constructor(allocate: (bytes: number) => Uint8Array = (bytes) => new Uint8Array(bytes), bytes = 0) {
    this.#allocate = allocate
    this.bytes = allocate(bytes)
  }

  /** Room for a header and `bodyLength` bytes, and the header itself: a response, or with `isRequest` a request. */
  begin(type: number, bodyLength: number, isRequest = false): void {
    this.reserve(headerBytes + bodyLength)
    this.header(type, bodyLength, isRequest)
  }

  /** A header alone, for a body that is sent from elsewhere. */
  header(type: number, bodyLength: number, isRequest = false): void {
    this.reserve(headerBytes)
    const bytes = this.bytes
    const at = this.length
    bytes[at] = 0
    bytes[at + 1] = 0x52
    bytes[at + 2] = 0x45
    bytes[at + 3] = isRequest ? 0x51 : 0x53
    bytes[at + 4] = 0
    bytes[at + 5] = 0
    bytes[at + 6] = type >>> 8
    bytes[at + 7] = type
    bytes[at + 8] = bodyLength >>> 24
    bytes[at + 9] = bodyLength >>> 16
    bytes[at + 10] = bodyLength >>> 8
    bytes[at + 11] = bodyLength
    this.length = at + headerBytes
  }

  reserve(count: number): void {
    if (this.length + count <= this.bytes.length) return
    const grown = this.#allocate(Math.max(this.length + count, 2 * this.bytes.length, writerBytesMin))
    grown.set(this.bytes.subarray(0, this.length))
    this.bytes = grown
  }

  /**
   * Header and arguments of a packet with so many bytes of data. There is room for these, too, unless they are sent from
   * elsewhere: then `ownBytes` is 0.
   */
  open(
    kind: { readonly type: number; readonly data: boolean },
    args: readonly string[],
    dataBytes: number,
    isRequest = false,
    ownBytes: number = dataBytes,
  ): void {
    const terminated = terminatedCount(kind, args)
    const argumentBytes = bytesOf(kind, args)
    this.reserve(headerBytes + argumentBytes + ownBytes)
    this.header(kind.type, argumentBytes + dataBytes, isRequest)
    for (let index = 0; index < args.length; index++) {
      if (index < terminated) this.argument(args[index] ?? '')
      else this.text(args[index] ?? '')
    }
  }

  /** A text of one byte a character; room must be reserved. */
  text(text: string): void {
    writeLatin1(this.bytes, this.length, text)
    this.length += text.length
  }

  /** A text and the NUL that ends it. */
  argument(text: string): void {
    this.text(text)
    this.bytes[this.length++] = 0
  }

  data(bytes: Uint8Array): void {
    this.bytes.set(bytes, this.length)
    this.length += bytes.length
  }

  /** All that was written, as a view that is good until the next write. */
  written(): Uint8Array {
    return this.bytes.subarray(0, this.length)
  }

  clear(): void {
    this.length = 0
  }

  /** Starts a buffer of its own: the old one now belongs to whoever has a view of it. */
  renew(bytes: number): void {
    this.bytes = this.#allocate(bytes)
    this.length = 0
  }
}

/** A whole packet as bytes of its own: for callers that send few of them. Arguments have one byte a character. */
export function encodePacket(
  kind: { readonly type: number; readonly data: boolean },
  args: readonly string[],
  data?: Uint8Array,
  isRequest = false,
  allocate?: (bytes: number) => Uint8Array,
): Uint8Array {
  const dataBytes = data?.length ?? 0
  const writer = new PacketWriter(allocate, headerBytes + bytesOf(kind, args) + dataBytes)
  writer.open(kind, args, dataBytes, isRequest)
  if (data !== undefined) writer.data(data)
  return writer.bytes
}

/** Arguments that a NUL ends. */
function terminatedCount(kind: { readonly data: boolean }, args: readonly string[]): number {
  return kind.data ? args.length : Math.max(0, args.length - 1)
}

/** What arguments take, with these. */
function bytesOf(kind: { readonly data: boolean }, args: readonly string[]): number {
  let bytes = terminatedCount(kind, args)
  for (const arg of args) bytes += arg.length
  return bytes
}
