import { Duplex } from 'node:stream'
import {
  Arguments,
  Decoder,
  headerBytes,
  type PacketName,
  PacketWriter,
  packetKinds,
  packets,
  readLatin1,
} from '@geartrain/protocol'
import type { Limits } from '../limits.ts'

/** A packet from the server. Texts are as on the wire, one character a byte; the data are the receiver's to keep. */
export interface LocalPacket {
  readonly name: PacketName
  readonly args: readonly string[]
  readonly data: Uint8Array
}

/**
 * A connection to the server from within its own process: packets in, packets out, and all rules as for any other
 * connection. Give it to `Server.accept`; destroy it to leave.
 */
export class LocalLink extends Duplex {
  readonly #decoder: Decoder
  readonly #args = new Arguments()
  readonly #onPacket: (packet: LocalPacket) => void
  /** What is sent while the server writes: it reads that later. */
  #unsent: Uint8Array[] | undefined
  #isHeldBack = false
  /** The server's last write is not taken until this is called. */
  #onTaken: (() => void) | undefined

  constructor(limits: Limits, onPacket: (packet: LocalPacket) => void) {
    super({ allowHalfOpen: false })
    this.#onPacket = onPacket
    // What the server sends may be larger than what it takes: a result, and its handle.
    this.#decoder = new Decoder({ ...limits, packetBytesMax: Number.MAX_SAFE_INTEGER })
  }

  /** Gives the packet to the server. False: it has as much as it takes for now. */
  send(name: PacketName, args: readonly string[], data?: Uint8Array): boolean {
    const bytes = encode(name, args, data)
    if (this.#unsent === undefined) return this.push(bytes)
    this.#unsent.push(bytes)
    return false
  }

  /** No packet comes until `goOn`, and the server sees a reader that is slow. From `onPacket` it holds for the next one. */
  holdBack(): void {
    this.#isHeldBack = true
  }

  goOn(): void {
    this.#isHeldBack = false
    this.#take()
  }

  override _read(): void {}

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, callback: () => void): void {
    // While this is not called back, the server leaves the chunk alone.
    this.#onTaken = callback
    this.#decoder.push(chunk)
    this.#take()
  }

  /** The server has no more to say, and so nothing more is said to it. */
  override _final(callback: () => void): void {
    this.push(null)
    callback()
  }

  #take(): void {
    this.#unsent ??= this.#deferSending()
    while (!this.#isHeldBack && this.#decoder.next() === 'packet') this.#receive()
    if (this.#isHeldBack) return
    const onTaken = this.#onTaken
    this.#onTaken = undefined
    onTaken?.()
  }

  #deferSending(): Uint8Array[] {
    setImmediate(() => {
      const unsent = this.#unsent
      this.#unsent = undefined
      if (this.destroyed) return
      for (const bytes of unsent ?? []) this.push(bytes)
    })
    return []
  }

  #receive(): void {
    const { bytes, start, end, type, isOwned } = this.#decoder
    const kind = packetKinds[type]
    if (kind === undefined || !this.#args.split(kind, bytes, start, end)) return
    const { starts, ends, dataStart } = this.#args
    const args: string[] = []
    for (let index = 0; index < kind.args.length; index++) {
      args.push(readLatin1(bytes, starts[index] ?? 0, ends[index] ?? 0))
    }
    // What is not owned is in a buffer that the server uses again.
    const body = bytes.subarray(dataStart, end)
    const data = dataStart === end ? noBytes : isOwned ? body : new Uint8Array(body)
    this.#onPacket({ name: kind.name, args, data })
  }
}

function encode(name: PacketName, args: readonly string[], data: Uint8Array = noBytes): Uint8Array {
  const kind = packets[name]
  const terminated = kind.data ? args.length : args.length - 1
  let length = data.length + Math.max(0, terminated)
  for (const arg of args) length += arg.length
  // From the pool of small buffers: one of its own for each packet is what would take most of the time.
  const writer = new PacketWriter((bytes) => Buffer.allocUnsafe(bytes), headerBytes + length)
  writer.begin(kind.type, length, true)
  for (let index = 0; index < args.length; index++) {
    if (index < terminated) writer.argument(args[index] ?? '')
    else writer.text(args[index] ?? '')
  }
  writer.data(data)
  return writer.bytes
}

const noBytes = new Uint8Array(0)
