import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Decoder, headerBytes } from '@geartrain/protocol'
import { bytesOf, header, latin1 } from './packet-rows.ts'
import { byteByByte, decode, drain } from './stream.ts'

const echo = 16
const grab = bytesOf('00524551 00000009 00000000')
const grabShown = 'REQ GRAB_JOB []'

suite('text lines', () => {
  const rows: [stream: string, shown: string[]][] = [
    ['status\n', ['line "status"']],
    ['status\r\n', ['line "status"']],
    ['\n', ['line ""']],
    ['\r\n', ['line ""']],
    ['\r\r\n', ['line "\\r"']],
    ['a\rb\n', ['line "a\\rb"']],
    ['  show  jobs \n', ['line "  show  jobs "']],
    ['version\r\nstatus\ngetpid\r\n', ['line "version"', 'line "status"', 'line "getpid"']],
    ['nul\0within\n', ['line "nul\\u0000within"']],
    ['\xe9\xff\n', ['line "éÿ"']],
    ['half a line', []],
    ['half a line\r', []],
    ['one\nhalf', ['line "one"']],
  ]
  for (const [stream, shown] of rows) {
    test(JSON.stringify(stream), () => {
      assert.deepEqual(decode([latin1(stream)]), shown)
      assert.deepEqual(decode([new Uint8Array(latin1(stream))]), shown)
      assert.deepEqual(decode(byteByByte(latin1(stream))), shown)
    })
  }

  test('between packets, in one write', () => {
    const echoed = Buffer.concat([header(echo, 3), latin1('\n\0x')])
    const stream = Buffer.concat([latin1('version\n'), grab, latin1('status\r\n\n'), echoed, grab, latin1('getpid\n')])
    const shown = [
      'line "version"',
      grabShown,
      'line "status"',
      'line ""',
      'REQ ECHO_REQ ["\\n\\u0000x"]',
      grabShown,
      'line "getpid"',
    ]
    assert.deepEqual(decode([stream]), shown)
    assert.deepEqual(decode(byteByByte(stream)), shown)
  })
})

suite('limits', () => {
  test('a packet of packetBytesMax is taken, one byte more is not, before it has come', () => {
    const limits = { packetBytesMax: 1000 }
    const body = latin1('x'.repeat(1000))
    const shown = [`REQ ECHO_REQ ["${'x'.repeat(1000)}"]`]
    assert.deepEqual(decode([Buffer.concat([header(echo, 1000), body])], limits), shown)
    assert.deepEqual(decode([header(echo, 1000), body], limits), shown)
    assert.deepEqual(decode([header(echo, 1001)], limits), ['bad PACKET_TOO_LARGE'])
    assert.deepEqual(decode(byteByByte(header(echo, 1001)), limits), ['bad PACKET_TOO_LARGE'])
    assert.deepEqual(decode([header(echo, 0xffffffff)], limits), ['bad PACKET_TOO_LARGE'])
  })

  test('a packet of 4 GiB less a byte is waited for where the limit allows it', () => {
    const limits = { packetBytesMax: 0xffffffff }
    assert.deepEqual(decode([header(echo, 0xffffffff), latin1('x')], limits), [])
  })

  test('a line of lineBytesMax is taken with its newline, one byte more is not', () => {
    const limits = { lineBytesMax: 10 }
    const rows: [stream: string, shown: string[]][] = [
      ['123456789\n', ['line "123456789"']],
      ['12345678\r\n', ['line "12345678"']],
      ['1234567890\n', ['bad LINE_TOO_LONG']],
      ['123456789\r\n', ['bad LINE_TOO_LONG']],
      ['1234567890', []],
      ['12345678901', ['bad LINE_TOO_LONG']],
      ['123456789\n1234567890\n', ['line "123456789"', 'bad LINE_TOO_LONG']],
    ]
    for (const [stream, shown] of rows) {
      assert.deepEqual(decode([latin1(stream)], limits), shown, stream)
      assert.deepEqual(decode(byteByByte(latin1(stream)), limits), shown, `${stream}, byte by byte`)
    }
  })
})

suite('what is no packet', () => {
  test('a wrong byte anywhere in the magic', () => {
    for (let at = 1; at < 4; at++) {
      for (let byte = 0; byte < 256; byte++) {
        const bytes = Buffer.from(grab)
        bytes[at] = byte
        const isRight = byte === grab[at] || (at === 3 && byte === 'S'.charCodeAt(0))
        const shown = isRight ? [byte === grab[at] ? grabShown : 'RES GRAB_JOB []'] : ['bad BAD_MAGIC']
        assert.deepEqual(decode([bytes]), shown, `byte ${at} is ${byte}`)
        assert.deepEqual(decode(byteByByte(bytes)), shown, `byte ${at} is ${byte}, byte by byte`)
        assert.deepEqual(decode([grab, bytes]), [grabShown, ...shown], `byte ${at} is ${byte}, behind a good one`)
      }
    }
  })

  test('a wrong magic is known by its four bytes, without the rest of the header', () => {
    assert.deepEqual(decode([latin1('\0XYZ')]), ['bad BAD_MAGIC'])
    assert.deepEqual(decode(byteByByte(latin1('\0XYZ'))), ['bad BAD_MAGIC'])
  })

  for (const type of [0, 43, 44, 255, 256, 999, 1005, 256 + 9, 0x01000009, 0x80000009, 0xffffffff]) {
    test(`type ${type}`, () => {
      assert.deepEqual(decode([header(type, 0)]), ['bad BAD_TYPE'])
      assert.deepEqual(decode(byteByByte(header(type, 0))), ['bad BAD_TYPE'])
    })
  }

  test('type 5 has no row in the table, and is a packet', () => {
    assert.deepEqual(decode([header(5, 2), latin1('xx'), grab]), ['REQ type 5', grabShown])
  })

  test('nothing is decoded behind it', () => {
    const decoder = new Decoder({ packetBytesMax: 100, lineBytesMax: 100 })
    decoder.push(Buffer.concat([grab, latin1('\0BAD'), grab]))
    assert.deepEqual(drain(decoder), [grabShown, 'bad BAD_MAGIC'])
    decoder.push(grab)
    assert.deepEqual(drain(decoder), ['bad BAD_MAGIC'])
  })
})

suite('memory', () => {
  test('pendingBytes counts what has come of a packet, not what it declares', () => {
    const decoder = new Decoder({ packetBytesMax: 1 << 30, lineBytesMax: 8192 })
    assert.equal(decoder.pendingBytes, 0)
    let sent = 0
    for (const chunk of [latin1('\0R'), latin1('EQ'), header(echo, 1 << 30).subarray(4), Buffer.alloc(10)]) {
      decoder.push(chunk)
      assert.deepEqual(drain(decoder), [])
      sent += chunk.length
      assert.equal(decoder.pendingBytes, sent)
    }
  })

  test('pendingBytes is 0 again when the packet or line is whole', () => {
    const decoder = new Decoder({ packetBytesMax: 100, lineBytesMax: 100 })
    for (const whole of [grab, latin1('status\n')]) {
      decoder.push(whole.subarray(0, 5))
      drain(decoder)
      assert.equal(decoder.pendingBytes, 5)
      decoder.push(whole.subarray(5))
      assert.equal(drain(decoder).length, 1)
      assert.equal(decoder.pendingBytes, 0)
    }
  })

  test('a thousand connections that declare 1 GiB each cost what they sent', () => {
    const before = process.memoryUsage().arrayBuffers
    const decoders = Array.from({ length: 1000 }, () => new Decoder({ packetBytesMax: 1 << 30, lineBytesMax: 8192 }))
    for (const decoder of decoders) {
      for (const chunk of [header(echo, 1 << 30), latin1('x'), latin1('y')]) {
        decoder.push(chunk)
        drain(decoder)
      }
      assert.equal(decoder.pendingBytes, headerBytes + 2)
    }
    const perConnection = (process.memoryUsage().arrayBuffers - before) / decoders.length
    assert.ok(perConnection < 2048, `${perConnection} bytes each`)
  })

  test('a packet in parts costs in proportion to its parts', () => {
    const decoder = new Decoder({ packetBytesMax: 1 << 30, lineBytesMax: 8192 })
    const chunk = Buffer.alloc(16 * 1024)
    const before = process.memoryUsage().arrayBuffers
    decoder.push(header(echo, 1 << 30))
    drain(decoder)
    for (let sent = 0; sent < 4 << 20; sent += chunk.length) {
      decoder.push(chunk)
      drain(decoder)
    }
    // The buffer doubles: at worst the last one twice what has come, and as much again for those before it.
    const grown = process.memoryUsage().arrayBuffers - before
    assert.ok(grown < 20 << 20, `${grown} bytes for 4 MiB`)
  })

  test('what was decoded is not written again', () => {
    const decoder = new Decoder({ packetBytesMax: 1000, lineBytesMax: 100 })
    const kept: { view: Uint8Array; letter: string }[] = []
    for (const letter of 'abcdef') {
      const bytes = Buffer.concat([header(echo, 20), latin1(letter.repeat(20))])
      const cut = letter.charCodeAt(0) % 2 === 0 ? 15 : bytes.length
      for (const chunk of [bytes.subarray(0, cut), bytes.subarray(cut)]) {
        decoder.push(chunk)
        while (decoder.next() === 'packet') {
          kept.push({ view: decoder.bytes.subarray(decoder.start, decoder.end), letter })
        }
      }
    }
    assert.equal(kept.length, 6)
    for (const { view, letter } of kept) assert.deepEqual(Buffer.from(view).toString(), letter.repeat(20))
  })
})
