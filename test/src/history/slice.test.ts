import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { makeRow, mergeSlices, pickRows, SliceReader, SliceWriter } from '../store-suite/parts.ts'
import { readable, sample } from '../store-suite/samples.ts'

const number = fc.oneof(fc.constantFrom(0, 1, 127, 128, 2 ** 31, Number.MAX_SAFE_INTEGER), fc.nat())
const row = fc
  .array(number, { minLength: makeRow().length, maxLength: makeRow().length })
  .map((values) => Float64Array.from(values))
const name = fc
  .array(fc.nat({ max: 255 }), { minLength: 1, maxLength: 300 })
  .map((codes) => String.fromCharCode(...codes))
const rows = fc.uniqueArray(fc.tuple(name, row), { selector: ([key]) => key, maxLength: 20 })

function write(total: Float64Array, functions: readonly (readonly [string, Float64Array])[]): Uint8Array {
  const writer = new SliceWriter(total)
  for (const [key, each] of functions) writer.add(key, each)
  return writer.written()
}

/** All that can be read; it ends, whatever it is. */
function readAll(bytes: Uint8Array): [string | undefined, Float64Array][] {
  const read: [string | undefined, Float64Array][] = []
  for (const reader = new SliceReader(bytes); reader.next(); ) {
    const each = makeRow()
    reader.read(each)
    read.push([reader.name, each])
  }
  return read
}

suite('a slice', () => {
  test('is read as it was written', () => {
    fc.assert(
      fc.property(row, rows, (total, functions) => {
        const bytes = write(total, functions)
        // It goes to another thread.
        assert.equal(bytes.buffer.byteLength, bytes.length)
        assert.deepEqual(readAll(bytes), [[undefined, total], ...functions])
      }),
    )
  })

  test('has bytes that files have: they never change', () => {
    const bytes = sample(
      0,
      { submitted: 1, done: 300, workers: 2, waitMs: [1, 1, 7_300_000] },
      { 'f\xff': { ready: 5 } },
    ).rows
    assert.equal(
      Buffer.from(bytes).toString('hex'),
      '01 9100 01ac020000000000000002 8180100201 00 0266ff 8c00 00000000000500000000 00 00'.replaceAll(' ', ''),
    )
  })

  test('that is damaged gives what can be read, and nothing is thrown', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void readAll(bytes)))
    fc.assert(
      fc.property(row, rows, fc.nat(), fc.nat({ max: 255 }), fc.nat(), (total, functions, where, value, length) => {
        const bytes = write(total, functions)
        bytes[where % bytes.length] = value
        readAll(bytes.subarray(0, length % (bytes.length + 1)))
        mergeSlices(bytes, [bytes.subarray(0, length % (bytes.length + 1))], 10)
        pickRows(bytes, ['f'])
      }),
    )
  })

  test('is cut to the functions that are asked for', () => {
    const { rows: bytes } = sample(0, { done: 3 }, { f: { done: 1 }, g: { done: 2 }, h: {} })
    const shown = (names: readonly string[] | undefined) => readable({ at: 0, rows: pickRows(bytes, names) })
    assert.deepEqual(shown(['g', 'x']), { at: 0, all: { done: 3 }, functions: { g: { done: 2 } } })
    assert.deepEqual(shown([]), { at: 0, all: { done: 3 }, functions: {} })
    assert.deepEqual(pickRows(bytes, undefined), bytes)
  })
})
