import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Deadlines, type Due } from './parts.ts'

function due(number: number): Due {
  return { number, dueAt: 0, index: -1 }
}

function takeAll(deadlines: Deadlines<Due>, now: number): number[] {
  const taken: number[] = []
  for (let item = deadlines.takeDue(now); item !== undefined; item = deadlines.takeDue(now)) taken.push(item.number)
  return taken
}

test('the soonest first, and among equals the lowest number', () => {
  const deadlines = new Deadlines<Due>()
  for (const [number, dueAt] of [
    [1, 30],
    [2, 10],
    [6, 20],
    [5, 20],
    [4, 20],
    [3, 20],
  ] as const) {
    deadlines.add(due(number), dueAt)
  }
  assert.equal(deadlines.soonestAt, 10)
  assert.deepEqual(takeAll(deadlines, 9), [])
  assert.deepEqual(takeAll(deadlines, 20), [2, 3, 4, 5, 6])
  assert.equal(deadlines.soonestAt, 30)
  assert.deepEqual(takeAll(deadlines, 30), [1])
  assert.equal(deadlines.soonestAt, Number.POSITIVE_INFINITY)
})

test('any item can be taken out', () => {
  const deadlines = new Deadlines<Due>()
  const items = [1, 2, 3, 4, 5].map(due)
  for (const item of items) deadlines.add(item, item.number)
  for (const number of [5, 1, 3]) {
    const item = items[number - 1]
    if (item !== undefined) deadlines.remove(item)
    assert.equal(item?.index, -1)
  }
  assert.deepEqual(takeAll(deadlines, 9), [2, 4])
})

const step = fc.oneof(
  fc.record({ kind: fc.constant('add' as const), dueAt: fc.oneof(fc.nat({ max: 5 }), fc.nat({ max: 1000 })) }),
  fc.record({ kind: fc.constant('remove' as const), index: fc.nat() }),
  fc.record({ kind: fc.constant('take' as const), now: fc.nat({ max: 1000 }) }),
)

test('does what a sorted array does', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200, size: 'max' }), (steps) => {
      const deadlines = new Deadlines<Due>()
      const sorted: Due[] = []
      // The numbers come in no order of their own, as jobs of any age are given timeouts.
      let number = 0
      for (const one of steps) {
        if (one.kind === 'add') {
          number = (number + 7919) % 10007
          const item = due(number)
          deadlines.add(item, one.dueAt)
          sorted.push(item)
          sorted.sort((a, b) => a.dueAt - b.dueAt || a.number - b.number)
        } else if (one.kind === 'remove') {
          const [item] = sorted.splice(one.index % (sorted.length || 1), 1)
          if (item !== undefined) deadlines.remove(item)
        } else {
          const isDue = sorted[0] !== undefined && sorted[0].dueAt <= one.now
          assert.equal(deadlines.takeDue(one.now), isDue ? sorted.shift() : undefined)
        }
        assert.equal(deadlines.length, sorted.length)
        assert.equal(deadlines.soonestAt, sorted[0]?.dueAt ?? Number.POSITIVE_INFINITY)
        const items = [...deadlines]
        items.forEach((item, index) => assert.equal(item.index, index))
        assert.deepEqual(new Set(items), new Set(sorted))
      }
    }),
  )
})
