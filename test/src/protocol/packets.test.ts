import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { encodePacket, type PacketKind, type PacketName, packetKinds, packets } from '@geartrain/protocol'
import fc from 'fast-check'
import { bytesOf, latin1, type Magic, packetRows } from './packet-rows.ts'
import { byteByByte, cutAt, decode, showLine, showPacket } from './stream.ts'

suite('the table of packets', () => {
  const kinds = packetKinds.filter((kind) => kind !== undefined)

  test("has one packet for each of Gearman's numbers but 0 and 5, and for some from 1000 on", () => {
    const absent = Array.from(packetKinds.keys()).filter((type) => packetKinds[type] === undefined)
    assert.deepEqual(absent, [0, 5, ...Array.from({ length: 1000 - 43 }, (_, index) => 43 + index)])
    assert.equal(kinds.length, Object.keys(packets).length)
    for (const kind of kinds) assert.deepEqual(packets[kind.name], withoutName(kind))
  })

  test('has a row of bytes below for each packet in each direction', () => {
    const rows = new Set(packetRows.map(([magic, name]) => `${magic} ${name}`))
    const wanted = kinds.flatMap((kind) => directions(kind).map((magic) => `${magic} ${kind.name}`))
    assert.deepEqual([...rows].toSorted(), wanted.toSorted())
  })
})

function withoutName(kind: PacketKind): Omit<PacketKind, 'name'> {
  const { name: _, ...row } = kind
  return row
}

/** The server sends on what a worker says of its job. */
function directions(kind: PacketKind): Magic[] {
  if (kind.from === 'server') return ['RES']
  return kind.name.startsWith('WORK_') ? ['REQ', 'RES'] : ['REQ']
}

for (const [magic, name, args, data, hex] of packetRows) {
  test(`${magic} ${name}`, () => {
    const bytes = bytesOf(hex)
    const payload = data === undefined ? undefined : latin1(data)
    const encoded = encodePacket(packets[name], args, payload, magic === 'REQ')
    assert.equal(Buffer.from(encoded).toString('hex'), bytes.toString('hex'))

    const shown = [showPacket(magic, name, args, data)]
    assert.deepEqual(decode([bytes]), shown, 'in one piece')
    assert.deepEqual(decode([new Uint8Array(bytes)]), shown, 'not in a Buffer')
    assert.deepEqual(decode(byteByByte(bytes)), shown, 'byte by byte')
    assert.deepEqual(decode(byteByByte(Buffer.concat([bytes, bytes]))), [...shown, ...shown], 'twice, byte by byte')
    fc.assert(
      fc.property(fc.array(fc.nat()), (places) => assert.deepEqual(decode(cutAt(bytes, places)), shown)),
      { numRuns: 20 },
    )
  })
}

/** Something in a stream: its bytes, and what the decoder is to show of them. */
type Item = { readonly bytes: Uint8Array; readonly shown: string }

const argument = fc.string({ unit: fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)) })
const payload = fc.oneof(fc.uint8Array(), fc.uint8Array({ minLength: 500, maxLength: 3000 }))

const packet: fc.Arbitrary<Item> = fc
  .record({ row: fc.constantFrom(...packetRows), args: fc.array(argument, { minLength: 8, maxLength: 8 }), payload })
  .map(({ row: [magic, name], args: many, payload: bytes }) => {
    const args = many.slice(0, packets[name].args.length)
    return itemOf(magic, name, args, packets[name].data ? bytes : undefined)
  })

function itemOf(magic: Magic, name: PacketName, args: readonly string[], data: Uint8Array | undefined): Item {
  const text = data === undefined ? undefined : Buffer.from(data).toString('latin1')
  return {
    bytes: encodePacket(packets[name], args, data, magic === 'REQ'),
    shown: showPacket(magic, name, args, text),
  }
}

const line: fc.Arbitrary<Item> = fc
  .record({ text: argument, end: fc.constantFrom('\n', '\r\n') })
  .map(({ text, end }) => [text.replaceAll('\n', '').replace(/\r+$/, ''), end] as const)
  .map(([text, end]) => ({ bytes: latin1(text + end), shown: showLine(text) }))

test('any packets and lines, one behind the other, come out as they went in, however they are cut', () => {
  const stream = fc.array(fc.oneof({ weight: 4, arbitrary: packet }, { weight: 1, arbitrary: line }), { minLength: 1 })
  fc.assert(
    fc.property(stream, fc.array(fc.nat(), { maxLength: 40 }), (items, places) => {
      const bytes = Buffer.concat(items.map((item) => item.bytes))
      const shown = items.map((item) => item.shown)
      assert.deepEqual(decode([bytes]), shown)
      assert.deepEqual(decode(cutAt(bytes, places)), shown)
      assert.deepEqual(decode(byteByByte(bytes)), shown)
    }),
    { numRuns: 200 },
  )
})

test('any bytes at all are decoded without an exception, the same however they are cut', () => {
  const nearly = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    packet.map((item) => item.bytes),
    fc.constant(latin1('\0REQ\0\0\0\x07\0\0')),
    fc.constant(latin1('\0RE')),
  )
  fc.assert(
    fc.property(fc.array(nearly), fc.array(fc.nat()), (parts, places) => {
      const bytes = Buffer.concat(parts)
      const whole = decode([bytes], { packetBytesMax: 1000, lineBytesMax: 50 })
      assert.deepEqual(decode(cutAt(bytes, places), { packetBytesMax: 1000, lineBytesMax: 50 }), whole)
    }),
    { numRuns: 500 },
  )
})
