import { Arguments, Decoder, type DecoderLimits, type PacketName, packetKinds, readLatin1 } from '@geartrain/protocol'
import type { Magic } from './packet-rows.ts'

/** Limits that no test reaches unless it sets its own. */
const wide: DecoderLimits = { packetBytesMax: 1 << 24, lineBytesMax: 8192 }

/**
 * All that a fresh decoder finds in the chunks, one line each: `REQ CAN_DO ["reverse"]`, `line "status"`, and
 * `bad BAD_MAGIC` as the last one.
 */
export function decode(chunks: Iterable<Uint8Array>, limits: Partial<DecoderLimits> = {}): string[] {
  const decoder = new Decoder({ ...wide, ...limits })
  const found: string[] = []
  for (const chunk of chunks) {
    decoder.push(chunk)
    found.push(...drain(decoder))
    if (decoder.problem !== undefined) break
  }
  return found
}

/** What the decoder finds in what it was given so far. */
export function drain(decoder: Decoder): string[] {
  const found: string[] = []
  for (;;) {
    switch (decoder.next()) {
      case 'more':
        return found
      case 'bad':
        found.push(`bad ${decoder.problem}`)
        return found
      case 'line':
        found.push(showLine(readLatin1(decoder.bytes, decoder.start, decoder.end)))
        break
      case 'packet':
        found.push(packetOf(decoder))
    }
  }
}

const found = new Arguments()

function packetOf({ type, isResponse, bytes, start, end }: Decoder): string {
  const magic = isResponse ? 'RES' : 'REQ'
  const kind = packetKinds[type]
  if (kind === undefined) return `${magic} type ${type}`
  if (!found.split(kind, bytes, start, end)) return `${magic} ${kind.name} incomplete`
  const args = kind.args.map((_, i) => readLatin1(bytes, found.starts[i] ?? 0, found.ends[i] ?? 0))
  return showPacket(magic, kind.name, args, kind.data ? readLatin1(bytes, found.dataStart, end) : undefined)
}

export function showPacket(magic: Magic, name: PacketName, args: readonly string[], data: string | undefined): string {
  return `${magic} ${name} ${JSON.stringify(data === undefined ? args : [...args, data])}`
}

export function showLine(line: string): string {
  return `line ${JSON.stringify(line)}`
}

export function byteByByte(bytes: Uint8Array): Uint8Array[] {
  return Array.from(bytes, (byte) => Uint8Array.of(byte))
}

/** The bytes in pieces, cut at these places; empty pieces among them where places fall together. */
export function cutAt(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const cuts = [0, ...places.map((place) => place % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length]
  return cuts.slice(1).map((end, i) => bytes.subarray(cuts[i], end))
}
