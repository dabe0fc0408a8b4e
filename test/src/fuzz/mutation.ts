import type { Random } from '../simulation/random.ts'
import { aConversation } from './grammar.ts'

type Mutation = (parts: Buffer[], at: number, random: Random) => void

const interesting = [0, 1, 2, 11, 12, 13, 0x7f, 0x80, 0xff, 1000, 4096, 4097, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]
const pieces = ['\0', '\0REQ', '\0RES', '\0RE', '\n', '\r\n', '\r', ' ', '\0\0\0\0', '\xff\xff\xff\xff', '\t']

function noise(random: Random, lengthMax: number): Buffer {
  return Buffer.from(Array.from({ length: random.between(0, lengthMax) }, () => random.between(0, 255)))
}

/** What goes wrong with one packet or line of a conversation. */
const mutations: readonly Mutation[] = [
  function flipABit(parts, at, random) {
    const part = parts[at]
    if (part === undefined || part.length === 0) return
    const index = random.between(0, part.length - 1)
    part[index] = (part[index] ?? 0) ^ (1 << random.between(0, 7))
  },
  function overwriteBytes(parts, at, random) {
    const part = parts[at]
    if (part !== undefined) noise(random, 8).copy(part, random.between(0, part.length))
  },
  function lieAboutTheLength(parts, at, random) {
    const part = parts[at]
    if (part === undefined || part.length < 12) return
    const length = random.chance(0.5) ? part.length - 12 + random.between(-4, 4) : random.pick(interesting)
    part.writeUInt32BE(Math.max(0, length), 8)
  },
  function changeTheType(parts, at, random) {
    const part = parts[at]
    if (part !== undefined && part.length >= 12) part.writeUInt32BE(random.between(0, 45), 4)
  },
  function cut(parts, at, random) {
    const part = parts[at]
    if (part !== undefined) parts[at] = part.subarray(0, random.between(0, part.length))
  },
  function cutAndFitTheLength(parts, at, random) {
    const part = parts[at]
    if (part === undefined || part.length < 12) return
    const shorter = Buffer.from(part.subarray(0, random.between(12, part.length)))
    shorter.writeUInt32BE(shorter.length - 12, 8)
    parts[at] = shorter
  },
  function insert(parts, at, random) {
    const part = parts[at] ?? Buffer.alloc(0)
    const index = random.between(0, part.length)
    const piece = random.chance(0.5) ? noise(random, 20) : Buffer.from(random.pick(pieces), 'latin1')
    parts[at] = Buffer.concat([part.subarray(0, index), piece, part.subarray(index)])
  },
  function repeat(parts, at, random) {
    const part = parts[at]
    if (part !== undefined)
      parts.splice(at, 0, ...Array.from({ length: random.between(1, 20) }, () => Buffer.from(part)))
  },
  function swap(parts, at, random) {
    const other = random.between(0, parts.length - 1)
    const [one, two] = [parts[at], parts[other]]
    if (one === undefined || two === undefined) return
    parts[at] = two
    parts[other] = one
  },
  function drop(parts, at) {
    parts.splice(at, 1)
  },
  function splice(parts, at, random) {
    const part = parts[at]
    const [other] = aConversation(random, 1)
    if (part === undefined || other === undefined) return
    const index = random.between(0, Math.min(part.length, other.length))
    parts[at] = Buffer.concat([part.subarray(0, index), other.subarray(index)])
  },
  function turnIntoNoise(parts, at, random) {
    parts[at] = noise(random, 40)
  },
]

/** The conversation with a few things wrong, as one stream. */
export function mutated(conversation: readonly Buffer[], random: Random): Buffer {
  const parts = conversation.map((part) => Buffer.from(part))
  for (let i = random.between(1, 4); i > 0 && parts.length > 0; i--) {
    random.pick(mutations)(parts, random.between(0, parts.length - 1), random)
  }
  return Buffer.concat(parts)
}

/** The stream in pieces of random lengths, single bytes if it is short. */
export function inPieces(stream: Buffer, random: Random, longestMax: number): Buffer[] {
  const pieces: Buffer[] = []
  const longest = Math.max(random.pick([1, 3, 20, 200, longestMax]), Math.ceil(stream.length / 200))
  for (let at = 0; at < stream.length; ) {
    const length = random.between(1, longest)
    pieces.push(stream.subarray(at, at + length))
    at += length
  }
  return pieces
}
