import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { FunctionRow } from './parts.ts'

suite('FunctionRow', () => {
  test('remembers what was added as claimed until the cursor has come there', () => {
    const row = new FunctionRow(1, 'f')
    for (const position of [3, 5, 7]) row.claimedAhead[1].add(position)
    row.claimedAhead[0].add(4)
    row.moveCursor(1, 5)
    assert.deepEqual(row.cursors, [0, 5, 0])
    assert.deepEqual(row.claimedAhead, [new Set([4]), new Set([7]), new Set()])
  })
})
