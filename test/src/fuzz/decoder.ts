import assert from 'node:assert/strict'
import { Arguments, Decoder, packetKinds, parseAdminLine, readLatin1 } from '@geartrain/protocol'
import type { Random } from '../simulation/random.ts'
import { aConversation, aLine } from './grammar.ts'
import { inPieces, mutated } from './mutation.ts'
import type { Trace } from './trace.ts'

const limits = { packetBytesMax: 10_000, lineBytesMax: 100 }
const headerBytes = 12

/** Any bytes come out of the decoder the same however they were cut, in bounds, and it holds no more than a packet. */
export function fuzzDecoder(random: Random, trace: Trace): void {
  const stream = mutated(aConversation(random, random.between(1, 30)), random)
  trace.note(`stream ${stream.toString('hex')}`)
  const whole = decodeAll([stream])
  const pieces = inPieces(stream, random, 5000)
  assert.deepEqual(decodeAll(pieces), whole, `cut into ${pieces.map((piece) => piece.length).join(' ')}`)
}

const found = new Arguments()

function decodeAll(pieces: readonly Buffer[]): string[] {
  const decoder = new Decoder(limits)
  const seen: string[] = []
  for (const piece of pieces) {
    decoder.push(piece)
    let steps = 0
    for (let result = decoder.next(); result !== 'more'; result = decoder.next()) {
      steps++
      assert.ok(steps <= piece.length + 1, 'the decoder finds more than there are bytes')
      if (result === 'bad') {
        seen.push(`bad ${decoder.problem}`)
        assert.equal(decoder.next(), 'bad')
        return seen
      }
      seen.push(result === 'line' ? lineOf(decoder) : packetOf(decoder))
    }
    const held = Math.max(limits.packetBytesMax + headerBytes, limits.lineBytesMax)
    assert.ok(decoder.pendingBytes <= held, `${decoder.pendingBytes} bytes are held`)
  }
  return seen
}

function lineOf({ bytes, start, end }: Decoder): string {
  assert.ok(start <= end && end <= bytes.length && end - start < limits.lineBytesMax)
  const line = readLatin1(bytes, start, end)
  checkLine(line)
  return `line ${line}`
}

function packetOf({ type, isResponse, bytes, start, end }: Decoder): string {
  assert.ok(start <= end && end <= bytes.length && end - start <= limits.packetBytesMax)
  const body = Buffer.from(bytes.subarray(start, end)).toString('hex')
  const kind = packetKinds[type]
  if (kind === undefined) return `${isResponse} ${type} ${body}`
  const isWhole = found.split(kind, bytes, start, end)
  if (!isWhole) return `${isResponse} ${type} ${body} incomplete`
  let at = start
  for (const [i] of kind.args.entries()) {
    const [from = -1, to = -1] = [found.starts[i], found.ends[i]]
    assert.ok(at <= from && from <= to && to <= end, `argument ${i} of ${kind.name} lies at ${from}..${to}`)
    at = to
  }
  assert.ok(at <= found.dataStart && found.dataStart <= end)
  return `${isResponse} ${type} ${body} ${found.dataStart - start}`
}

/** Any line is a command or has an answer of its own. */
export function fuzzAdminLine(random: Random, trace: Trace): void {
  const line = Buffer.from(aLine(random), 'latin1')
  const stream = random.chance(0.3) ? line : mutated([line], random)
  trace.note(`line ${stream.toString('hex')}`)
  checkLine(stream.toString('latin1'))
}

function checkLine(line: string): void {
  const command = parseAdminLine(line)
  switch (command.name) {
    case 'refused':
      assert.match(command.answer, /^ERR [^]*\r\n$/)
      break
    case 'maxqueue':
      for (const limit of Object.values(command.limits)) assert.ok(limit >= 0, `a limit of ${limit}`)
      break
    case 'cancel job':
      assert.ok(!command.handle.includes(' '))
      break
    case 'create function':
    case 'drop function':
      assert.ok(!command.function.includes(' '))
      break
    case 'version':
    case 'getpid':
    case 'verbose':
    case 'status':
    case 'prioritystatus':
    case 'workers':
    case 'show jobs':
    case 'show unique jobs':
    case 'close':
  }
}
