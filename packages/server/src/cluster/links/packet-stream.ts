import type { Socket } from 'node:net'
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
import type { LocalPacket } from '../../gateway/local-link.ts'

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
  readonly #onPacket: (packet: LocalPacket) => void
  readonly #decoder = new Decoder(decoderLimits, allocate)
  readonly #args = new Arguments()
  readonly #writer = new PacketWriter(allocate)
  #isFlushing = false

  /** `onBad`: what comes is no Gearman protocol. */
  constructor(socket: Socket, onPacket: (packet: LocalPacket) => void, onBad: (problem: string) => void) {
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
    const kind = packets[name]
    const writer = this.#writer
    const terminated = kind.data ? args.length : args.length - 1
    let bodyLength = Math.max(terminated, 0) + data.length
    for (const arg of args) bodyLength += arg.length
    const isOwnWrite = data.length >= ownWriteBytesMin
    writer.reserve(headerBytes + bodyLength - (isOwnWrite ? data.length : 0))
    writer.header(kind.type, bodyLength, true)
    for (let index = 0; index < args.length; index++) {
      if (index < terminated) writer.argument(args[index] ?? '')
      else writer.text(args[index] ?? '')
    }
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
    const { bytes, start, end, type, isOwned } = this.#decoder
    const kind = packetKinds[type]
    if (kind === undefined || !this.#args.split(kind, bytes, start, end)) return
    const { starts, ends, dataStart } = this.#args
    const args = kind.args.map((_, index) => readLatin1(bytes, starts[index] ?? 0, ends[index] ?? 0))
    const body = bytes.subarray(dataStart, end)
    // The chunk is the socket's own, and is not used again; a small part of it would keep all of it.
    const data = isOwned || body.length >= ownWriteBytesMin ? body : new Uint8Array(body)
    this.#onPacket({ name: kind.name, args, data })
  }
}
