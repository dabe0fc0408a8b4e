import { Arguments, type Decoder, type PacketName, packetKinds, readLatin1 } from '@geartrain/protocol'

/** A packet from a server. Texts are as on the wire, one character a byte; the data are the receiver's to keep. */
export interface ServerPacket {
  readonly name: PacketName
  readonly args: readonly string[]
  readonly data: Uint8Array
}

/** Makes objects of the packets that a decoder has found. */
export class PacketReader {
  readonly #args = new Arguments()
  readonly #keptBytesMin: number

  /** Data of so many bytes, or more, stay in the chunk that they came in; all else is copied. */
  constructor(keptBytesMin: number = Number.POSITIVE_INFINITY) {
    this.#keptBytesMin = keptBytesMin
  }

  /** The one that was found last. Undefined: it is none that this version knows. */
  read({ bytes, start, end, type, isOwned }: Decoder): ServerPacket | undefined {
    const kind = packetKinds[type]
    if (kind === undefined || !this.#args.split(kind, bytes, start, end)) return undefined
    const { starts, ends, dataStart } = this.#args
    const args: string[] = []
    for (let index = 0; index < kind.args.length; index++) {
      args.push(readLatin1(bytes, starts[index] ?? 0, ends[index] ?? 0))
    }
    const body = bytes.subarray(dataStart, end)
    const isKept = isOwned || body.length >= this.#keptBytesMin
    const data = dataStart === end ? noBytes : isKept ? body : new Uint8Array(body)
    return { name: kind.name, args, data }
  }
}

const noBytes = new Uint8Array(0)
