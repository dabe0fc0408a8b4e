import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { uniqueKey } from './parts.ts'

const none = new Uint8Array(0)

suite('uniqueKey', () => {
  test('keys are in files: they never change', () => {
    assert.equal(uniqueKey('u', none), 130_527_219_897_245)
    assert.equal(uniqueKey('0e8400e2-9b41-d4a7-1644-665544000000', none), 40_179_613_413_591)
    assert.equal(uniqueKey('\xff\x00\x80', none), 128_236_549_846_877)
    assert.equal(uniqueKey('-', Buffer.from('hello')), 120_161_391_348_672)
    assert.equal(uniqueKey('-', Buffer.alloc(100_000, 'x')), 29_798_588_406_256)
  })

  test('there is none without a unique, and none for - without a workload', () => {
    assert.equal(uniqueKey('', none), null)
    assert.equal(uniqueKey('', Buffer.from('x')), null)
    assert.equal(uniqueKey('-', none), null)
  })

  test('it is a whole number of 47 bits', () => {
    for (let i = 0; i < 10_000; i++) {
      const key = uniqueKey(`u${i}`, none)
      assert.ok(Number.isInteger(key) && key !== null && key >= 0 && key < 2 ** 47)
    }
  })

  test('names that are alike have different keys', () => {
    const names = new Set<string>()
    for (let i = 0; i < 100_000; i++) names.add(`0e8400e2-9b41-d4a7-1644-${String(i).padStart(12, '0')}`)
    for (let length = 1; length < 1000; length++) names.add('\0'.repeat(length))
    for (let byte = 0; byte < 256; byte++) names.add(String.fromCharCode(byte)).add(`${String.fromCharCode(byte)}\0`)
    names.delete('-')
    const keys = new Set([...names].map((name) => uniqueKey(name, none)))
    assert.equal(keys.size, names.size)
    // Each of the bits is set in about half of them.
    for (let bit = 0; bit < 47; bit++) {
      const share = [...keys].filter((key) => Math.floor((key ?? 0) / 2 ** bit) % 2 === 1).length / keys.size
      assert.ok(share > 0.49 && share < 0.51, `bit ${bit} is set in ${share} of the keys`)
    }
  })

  test('of a workload the length and 32 KiB at either end count', () => {
    const size = 200_000
    const end = 32 * 1024
    const key = (change?: number, length = size) => {
      const workload = new Uint8Array(length)
      if (change !== undefined) workload[change] = 1
      return uniqueKey('-', workload)
    }
    for (const at of [0, end - 1, size - end, size - 1]) assert.notEqual(key(at), key(), `byte ${at}`)
    for (const at of [end, size - end - 1]) assert.equal(key(at), key(), `byte ${at}`)
    assert.notEqual(key(undefined, size + 1), key())
    for (const length of [1, end, end + 1, 2 * end - 1, 2 * end, 2 * end + 1]) {
      for (const at of [0, length - 1]) assert.notEqual(key(at, length), key(undefined, length), `${at} of ${length}`)
    }
  })
})
