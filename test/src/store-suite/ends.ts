import assert from 'node:assert/strict'
import type { Addition } from './batch.ts'
import type { It } from './it.ts'

export function ends(it: It): void {
  it('cancel says which were there: ready, delayed, claimed', async (store) => {
    await store.add(
      { number: 1, unique: 'u' },
      { number: 2, runAt: 9, priority: 2 },
      { number: 3, priority: 0, function: 'g' },
    )
    await store.claim()
    const { cancelled } = await store.do({ cancel: [3, 99, 2, 1, 1] })
    assert.deepEqual(cancelled, [
      { number: 3, function: 'g', unique: '', priority: 0, runAt: 0, attempts: 0 },
      { number: 2, function: 'f', unique: '', priority: 2, runAt: 9, attempts: 0 },
      { number: 1, function: 'f', unique: 'u', priority: 1, runAt: 0, attempts: 0 },
    ])
    assert.deepEqual((await store.reopen()).functions, [])
  })

  it('what is not there is forgotten in silence', async (store) => {
    await store.add(...numbered(1, 100))
    await store.do({ forget: [1, 1, 500, ...Array.from({ length: 90 }, (_, i) => i)] })
    assert.deepEqual(await store.numbers(), [90, 91, 92, 93, 94, 95, 96, 97, 98, 99, 100])
    assert.deepEqual((await store.reopen()).functions, [{ name: 'f', ready: [0, 11, 0], delayed: 0, dead: 0 }])
  })

  it('a batch forgets, then cancels, then adds', async (store) => {
    await store.add({ number: 1 }, { number: 2 })
    const { cancelled, joined } = await store.do({
      forget: [1, 3],
      cancel: [1, 2, 4],
      add: [{ number: 2 }, { number: 3 }, { number: 4 }],
    })
    assert.deepEqual(
      cancelled.map(({ number }) => number),
      [2],
    )
    assert.deepEqual(joined, Float64Array.of())
    assert.deepEqual(await store.numbers(), [2, 3, 4])
  })
}

function numbered(from: number, count: number): Addition[] {
  return Array.from({ length: count }, (_, i) => ({ number: from + i }))
}
