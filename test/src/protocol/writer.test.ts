import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { encodePacket, PacketWriter, packets } from '@geartrain/protocol'
import fc from 'fast-check'
import { bytesOf, latin1, packetRows } from './packet-rows.ts'
import { decode, showPacket } from './stream.ts'

/** Memory as Node hands it out: whatever was there before is still in it. */
function dirty(bytes: number): Uint8Array {
  return Buffer.alloc(bytes, 0xaa)
}

function submit(writer: PacketWriter, name: string, unique: string, workload: Uint8Array): void {
  writer.begin(packets.SUBMIT_JOB.type, name.length + 1 + unique.length + 1 + workload.length, true)
  writer.argument(name)
  writer.argument(unique)
  writer.data(workload)
}

suite('PacketWriter', () => {
  test('packets stand one behind the other, through every growth of the buffer', () => {
    for (const allocate of [undefined, dirty]) {
      const writer = new PacketWriter(allocate)
      const shown: string[] = []
      for (let i = 0; i < 300; i++) {
        const data = 'x'.repeat(i)
        submit(writer, `f${i}`, '', latin1(data))
        shown.push(showPacket('REQ', 'SUBMIT_JOB', [`f${i}`, ''], data))
      }
      assert.equal(writer.written().length, writer.length)
      assert.deepEqual(decode([writer.written()]), shown)
    }
  })

  test('writes each row of the table as encodePacket does', () => {
    const writer = new PacketWriter(dirty)
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...packetRows)), (rows) => {
        writer.clear()
        for (const [magic, name, args, data, hex] of rows) {
          writer.begin(packets[name].type, bytesOf(hex).length - 12, magic === 'REQ')
          args.forEach((arg, i) => {
            if (i < args.length - 1 || packets[name].data) writer.argument(arg)
            else writer.text(arg)
          })
          if (data !== undefined) writer.data(latin1(data))
        }
        assert.deepEqual(Buffer.from(writer.written()), Buffer.concat(rows.map((row) => bytesOf(row[4]))))
      }),
    )
  })

  test('grows by doubling, and not before it must', () => {
    const allocated: number[] = []
    const allocate = (bytes: number) => {
      allocated.push(bytes)
      return dirty(bytes)
    }
    const writer = new PacketWriter(allocate)
    for (let i = 0; i < 100; i++) writer.begin(packets.NOOP.type, 0)
    assert.deepEqual(allocated, [0, 256, 512, 1024, 2048])
    writer.reserve(2048 - 1200)
    assert.equal(allocated.length, 5, 'there was room for just so much')
    writer.reserve(2048 - 1200 + 1)
    assert.deepEqual(allocated.slice(5), [4096])
    writer.reserve(100_000)
    assert.deepEqual(allocated.slice(6), [101_200], 'what is needed, if that is more than twice')
  })

  test('clear keeps the buffer, renew leaves it to those who have a view of it', () => {
    const writer = new PacketWriter(undefined, 64)
    writer.text('first')
    const first = writer.written()
    writer.clear()
    assert.equal(writer.length, 0)
    writer.text('other')
    assert.equal(Buffer.from(first).toString(), 'other')

    const other = writer.written()
    writer.renew(16)
    assert.equal(writer.bytes.length, 16)
    assert.equal(writer.length, 0)
    writer.text('third')
    assert.equal(Buffer.from(other).toString(), 'other')
    assert.equal(Buffer.from(writer.written()).toString(), 'third')
  })

  test('a header alone reserves its own room, for a body sent from elsewhere', () => {
    for (const [length, hex] of [
      [0, '00000000'],
      [255, '000000ff'],
      [0x01020304, '01020304'],
      [0x80000000, '80000000'],
      [0xffffffff, 'ffffffff'],
    ] as const) {
      const writer = new PacketWriter(dirty)
      writer.header(packets.JOB_ASSIGN.type, length)
      assert.equal(Buffer.from(writer.written()).toString('hex'), `005245530000000b${hex}`)
    }
  })
})

test('encodePacket takes exactly the bytes it needs', () => {
  for (const [magic, name, args, data, hex] of packetRows) {
    const encoded = encodePacket(packets[name], args, data === undefined ? undefined : latin1(data), magic === 'REQ')
    assert.equal(encoded.length, bytesOf(hex).length)
    assert.equal(encoded.buffer.byteLength, encoded.length, 'the buffer belongs to the packet alone')
  }
})
