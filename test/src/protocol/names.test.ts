import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { NameCache, readLatin1, writeLatin1 } from '@geartrain/protocol'
import fc from 'fast-check'
import { latin1 } from './packet-rows.ts'

const name = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) })

suite('latin1', () => {
  const all = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).join('')
  const texts = ['', 'f', '\0', '\xff', 'twelve bytes', 'thirteen byte', all, 'long '.repeat(1000)]
  const arrays = {
    Buffer: (length: number) => Buffer.alloc(length),
    Uint8Array: (length: number) => new Uint8Array(length),
  }

  for (const [kind, allocate] of Object.entries(arrays)) {
    test(`is one byte a character, in a ${kind}`, () => {
      for (const text of texts) {
        const bytes = allocate(text.length + 6).fill(0xaa)
        writeLatin1(bytes, 3, text)
        assert.equal(Buffer.from(bytes).toString('latin1'), `\xaa\xaa\xaa${text}\xaa\xaa\xaa`)
        assert.equal(readLatin1(bytes, 3, 3 + text.length), text)
        assert.equal(readLatin1(bytes.subarray(3), 0, text.length), text)
      }
    })
  }

  test('is the same in both', () => {
    fc.assert(
      fc.property(name, (text) => {
        const buffer = latin1(text)
        assert.equal(readLatin1(buffer, 0, text.length), text)
        assert.equal(readLatin1(new Uint8Array(buffer), 0, text.length), text)
      }),
    )
  })
})

suite('NameCache', () => {
  test('reads any name, those that share a slot too', () => {
    const cache = new NameCache()
    const alike = [
      'ab_d',
      'abxd',
      'a_bd',
      'ad',
      'aad',
      'abd',
      'reverse',
      'reVerse',
      '',
      'x'.repeat(128),
      'x'.repeat(129),
    ]
    for (const text of [...alike, ...alike, ...alike.toReversed()]) {
      const bytes = latin1(`<${text}>`)
      assert.equal(cache.read(bytes, 1, 1 + text.length), text)
      assert.equal(cache.read(new Uint8Array(bytes), 1, 1 + text.length), text)
    }
    fc.assert(fc.property(name, (text) => assert.equal(cache.read(latin1(text), 0, text.length), text)))
  })

  for (const kind of ['Buffer', 'Uint8Array']) {
    test(`keeps no view of the ${kind} it read`, () => {
      const cache = new NameCache()
      const bytes = kind === 'Buffer' ? Buffer.alloc(7) : new Uint8Array(7)
      writeLatin1(bytes, 0, 'reverse')
      assert.equal(cache.read(bytes, 0, 7), 'reverse')
      // The next read of the socket may use the same memory. These bytes share the name's slot.
      writeLatin1(bytes, 0, 'rEverse')
      assert.equal(cache.read(bytes, 0, 7), 'rEverse')
    })
  }
})
