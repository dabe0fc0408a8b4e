import type { Socket } from 'node:net'
import { Decoder, type PacketName, PacketWriter, packets } from '@geartrain/protocol'
import { PacketReader, type ServerPacket } from '../../server-packet.ts'

/** The largest packet that is taken from a server, and the longest line, which is not read. */
const decoderLimits = { packetBytesMax: 1024 * 1024 * 1024, lineBytesMax: 64 * 1024 }
/** Data from here on is written from where it lies. */
const ownWriteBytesMin = 32 * 1024
/** As much in one piece, and the buffer is kept for the next. */
const keptBytesMax = 64 * 1024
const noBytes = new Uint8Array(0)
const allocate = (bytes: number) => Buffer.allocUnsafeSlow(bytes)

/** Packets over a socket, to a server. What is sent in one go leaves in one write. */
export class PacketStream {
  readonly #socket: Socket
  readonly #onPacket: (packet: ServerPacket) => void
  readonly #decoder = new Decoder(decoderLimits, allocate)
  // The chunk is the socket's own, and is not used again; a small part of it would keep all of it.
  readonly #reader = new PacketReader(ownWriteBytesMin)
  readonly #writer = new PacketWriter(allocate)
  #isFlushing = false

  /** `onBad`: what comes is no Gearman protocol. */
  constructor(socket: Socket, onPacket: (packet: ServerPacket) => void, onBad: (problem: string) => void) {
    this.#socket = socket
    this.#onPacket = onPacket
    socket.on('data', (chunk) => {
      this.#decoder.push(chunk)
      for (let found = this.#decoder.next(); found !== 'more'; found = this.#decoder.next()) {
        if (socket.destroyed) return
        if (found === 'bad') return onBad(this.#decoder.problem ?? 'BAD_MAGIC')
        if (found === 'packet') this.#receive()
      }
    })
  }

  /** The peer does not take what it was sent; the socket tells by `drain` when it has. */
  get isFull(): boolean {
    return this.#socket.writableNeedDrain
  }

  send(name: PacketName, args: readonly string[], data: Uint8Array = noBytes): void {
    const writer = this.#writer
    const isOwnWrite = data.length >= ownWriteBytesMin
    writer.open(packets[name], args, data.length, true, isOwnWrite ? 0 : data.length)
    if (isOwnWrite) {
      this.#flush()
      this.#socket.write(data)
      return
    }
    writer.data(data)
    if (this.#isFlushing) return
    this.#isFlushing = true
    // After all that the server says in the same go.
    queueMicrotask(() => {
      this.#isFlushing = false
      this.#flush()
    })
  }

  #flush(): void {
    const writer = this.#writer
    if (writer.length === 0) return
    if (!this.#socket.destroyed) this.#socket.write(writer.written())
    // With nothing queued the socket is done with the bytes.
    if (this.#socket.writableLength === 0 && writer.bytes.length <= keptBytesMax) writer.clear()
    else writer.renew(0)
  }

  #receive(): void {
    const packet = this.#reader.read(this.#decoder)
    if (packet !== undefined) this.#onPacket(packet)
  }
}
