import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeRow, place, runAt } from '../store-suite/parts.ts'
import { counter, FunctionFigures, Increases } from './parts.ts'

test('nothing decreases when figures were forgotten and begin anew', () => {
  const increases = new Increases()
  const row = makeRow()
  const first = new FunctionFigures('f', true)
  for (let i = 0; i < 5; i++) first.count(counter.done)
  first.countTime(27, 3, 0)
  assert.equal(increases.take(first, row), true)
  assert.equal(row[place.done], 5)
  assert.equal(increases.take(first, row), false)
  assert.deepEqual(row, makeRow())
  first.count(counter.done)
  increases.take(first, row)
  assert.equal(row[place.done], 1)
  const anew = new FunctionFigures('f', true)
  anew.count(counter.done)
  anew.count(counter.died)
  assert.equal(increases.take(anew, row), true)
  assert.deepEqual([row[place.done], row[place.died]], [1, 1])
  assert.ok(row.every((value) => value >= 0))
  assert.equal(row[runAt], 0)
})
