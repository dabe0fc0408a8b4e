import { Arguments, type Decoder, type PacketKind, type PacketName, packetKinds, readLatin1 } from '@geartrain/protocol'
import { ProtocolError } from './errors.ts'

/** A packet that the server sent, as it lies in the decoder: good until the next one, so keep what you read, not it. */
export class IncomingPacket {
  type = 0
  name: PacketName = 'NOOP'
  readonly #decoder: Decoder
  readonly #arguments = new Arguments()

  constructor(decoder: Decoder) {
    this.#decoder = decoder
  }

  /** Takes the packet at which the decoder stands. Throws ProtocolError if a server would not send it. */
  read(): void {
    const decoder = this.#decoder
    const kind: PacketKind | undefined = packetKinds[decoder.type]
    if (!decoder.isResponse || kind === undefined) {
      throw new ProtocolError(`a packet of type ${decoder.type} came that servers do not send`)
    }
    if (!this.#arguments.split(kind, decoder.bytes, decoder.start, decoder.end)) {
      throw new ProtocolError(`a ${kind.name} packet came with fewer arguments than it has`)
    }
    this.type = kind.type
    this.name = kind.name
  }

  /** An argument, one character a byte. */
  argument(index: number): string {
    const start = this.#arguments.starts[index] ?? 0
    const end = this.#arguments.ends[index] ?? 0
    return readLatin1(this.#decoder.bytes, start, end)
  }

  number(index: number): number {
    return Number.parseInt(this.argument(index), 10) || 0
  }

  flag(index: number): boolean {
    return this.argument(index) === '1'
  }

  /**
   * The data, as bytes that the receiver may keep and change. A large piece is handed over where it lies; a small
   * one is copied, so that it doesn't hold all that came with it in memory, to where Node keeps small buffers: memory
   * of its own would take four times as long.
   */
  data(): Uint8Array {
    const { bytes, end } = this.#decoder
    const start = this.#arguments.dataStart
    const length = end - start
    if (2 * length >= bytes.buffer.byteLength) return new Uint8Array(bytes.buffer, bytes.byteOffset + start, length)
    const copy = Buffer.allocUnsafe(length)
    copy.set(bytes.subarray(start, end))
    return new Uint8Array(copy.buffer, copy.byteOffset, length)
  }
}
