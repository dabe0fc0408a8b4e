import { Duplex } from 'node:stream'
import { Decoder, encodePacket, type PacketName, packets } from '@geartrain/protocol'
import type { Limits } from '../limits.ts'
import { PacketReader, type ServerPacket } from '../server-packet.ts'

/**
 * A connection to the server from within its own process: packets in, packets out, and all rules as for any other
 * connection. Give it to `Server.accept`; destroy it to leave.
 */
export class LocalLink extends Duplex {
  readonly #decoder: Decoder
  // What the server writes is in a buffer that it uses again.
  readonly #reader = new PacketReader()
  readonly #onPacket: (packet: ServerPacket) => void
  /** What is sent while the server writes: it reads that later. */
  #unsent: Uint8Array[] | undefined
  #isHeldBack = false
  /** The server's last write is not taken until this is called. */
  #onTaken: (() => void) | undefined

  constructor(limits: Limits, onPacket: (packet: ServerPacket) => void) {
    super({ allowHalfOpen: false })
    this.#onPacket = onPacket
    // What the server sends may be larger than what it takes: a result, and its handle.
    this.#decoder = new Decoder({ ...limits, packetBytesMax: Number.MAX_SAFE_INTEGER })
  }

  /** Gives the packet to the server. False: it has as much as it takes for now. */
  send(name: PacketName, args: readonly string[], data?: Uint8Array): boolean {
    const bytes = encodePacket(packets[name], args, data, true, pooled)
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
    const packet = this.#reader.read(this.#decoder)
    if (packet !== undefined) this.#onPacket(packet)
  }
}

/** From the pool of small buffers: one of its own for each packet is what would take most of the time. */
function pooled(bytes: number): Uint8Array {
  return Buffer.allocUnsafe(bytes)
}
