import { Arguments, Decoder, type PacketName, packetKinds, readLatin1 } from '@geartrain/protocol'
import { readable } from './trace.ts'

/** What a server sent: a packet, or a line of text. */
export type Incoming = IncomingPacket | IncomingLine

export interface IncomingPacket {
  readonly name: PacketName
  readonly args: readonly string[]
  /** One byte a character. */
  readonly data: string
}

interface IncomingLine {
  readonly name: 'LINE'
  readonly line: string
}

const limits = { packetBytesMax: 2 ** 30, lineBytesMax: 2 ** 20 }

/** The bytes that a server sent, as what they say; throws if they say nothing. */
export class IncomingStream {
  readonly #decoder = new Decoder(limits)
  readonly #args = new Arguments();

  *read(bytes: Uint8Array): Generator<Incoming, void> {
    const decoder = this.#decoder
    decoder.push(bytes)
    for (let found = decoder.next(); found !== 'more'; found = decoder.next()) {
      if (found === 'bad') throw new Error(`the server's output is unreadable: ${decoder.problem}`)
      yield found === 'line' ? { name: 'LINE', line: this.#text(decoder.start, decoder.end) } : this.#packet()
    }
  }

  #packet(): IncomingPacket {
    const { type, start, end, bytes, isResponse } = this.#decoder
    const kind = packetKinds[type]
    if (kind === undefined || !isResponse || !this.#args.split(kind, bytes, start, end)) {
      throw new Error(`the server sent a packet of type ${type} that is none: ${readable(this.#text(start, end))}`)
    }
    const { starts, ends, dataStart } = this.#args
    const args = kind.args.map((_, i) => this.#text(starts[i] ?? 0, ends[i] ?? 0))
    return { name: kind.name, args, data: kind.data ? this.#text(dataStart, end) : '' }
  }

  #text(start: number, end: number): string {
    return readLatin1(this.#decoder.bytes, start, end)
  }
}

export function showIncoming(incoming: Incoming): string {
  if (incoming.name === 'LINE') return `"${readable(incoming.line)}"`
  return [incoming.name, ...incoming.args.map((arg) => `'${readable(arg)}'`), readable(incoming.data)]
    .join(' ')
    .trimEnd()
}
