import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readTraceParent, writeTraceParent } from '@geartrain/protocol'

const [traceId, spanId] = ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331']

describe('traceparent', () => {
  const good: readonly [string, boolean][] = [
    [`00-${traceId}-${spanId}-01`, true],
    [`00-${traceId}-${spanId}-00`, false],
    [`00-${traceId}-${spanId}-03`, true],
    [`00-${traceId}-${spanId}-02`, false],
    [`01-${traceId}-${spanId}-01`, true],
    [`fe-${traceId}-${spanId}-01-what-the-future-has`, true],
  ]
  for (const [text, isSampled] of good) {
    it(text, () => assert.deepEqual(readTraceParent(text), { traceId, spanId, isSampled }))
  }

  const bad = [
    '',
    'x',
    `00-${traceId}-${spanId}`,
    `00-${traceId}-${spanId}-1`,
    `00-${traceId}-${spanId}-01-`,
    `00-${traceId}-${spanId}-01-more`,
    `00-${traceId}-${spanId}-01\n`,
    ` 00-${traceId}-${spanId}-01`,
    `ff-${traceId}-${spanId}-01`,
    `00-${'0'.repeat(32)}-${spanId}-01`,
    `00-${traceId}-${'0'.repeat(16)}-01`,
    `00-${traceId.toUpperCase()}-${spanId}-01`,
    `00-${traceId.slice(1)}-${spanId}-01`,
    `00-${traceId}-${spanId}0-01`,
    `00-${traceId}-${spanId.replace('b', 'g')}-01`,
  ]
  for (const text of bad) it(`not ${JSON.stringify(text)}`, () => assert.equal(readTraceParent(text), undefined))

  it('is written as it is read', () => {
    for (const text of [`00-${traceId}-${spanId}-01`, `00-${traceId}-${spanId}-00`]) {
      const read = readTraceParent(text)
      assert.equal(read && writeTraceParent(read), text)
    }
  })
})
