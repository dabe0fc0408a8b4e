import assert from 'node:assert/strict'
import type { It } from './it.ts'

export function opening(it: It): void {
  it('an empty store has nothing', async (store) => {
    assert.deepEqual(store.state.functions, [])
    assert.equal(store.state.nextDueAt, Number.POSITIVE_INFINITY)
    assert.deepEqual(await store.list(), [])
    assert.deepEqual(await store.claim(), [])
  })

  it('the first number is not below the one that is asked for', async (store) => {
    assert.equal((await store.reopen(1_795_286_112_000_001)).firstNumber, 1_795_286_112_000_001)
  })

  it('the first number is not below one that was reserved, however small the next reservation', async (store) => {
    await store.do({ reserve: { from: 4000, count: 1000 } })
    await store.do({ reserve: { from: 300, count: 0 } })
    assert.equal((await store.reopen(10)).firstNumber, 5000)
    assert.equal((await store.openAgain(10)).firstNumber, 5000)
    assert.equal((await store.reopen(6000)).firstNumber, 6000)
  })

  it('the first number is above every job', async (store) => {
    await store.add({ number: 1000 }, { number: 7 })
    assert.equal((await store.reopen(10)).firstNumber, 1001)
  })

  it('jobs are counted by function and priority, delayed ones apart, and functions without any are not there', async (store) => {
    await store.add(
      { number: 1, function: 'f' },
      { number: 2, function: 'f', priority: 0 },
      { number: 3, function: 'f', priority: 2, isClaimed: true },
      { number: 4, function: 'f', priority: 2 },
      { number: 5, function: 'g', runAt: 70 },
      { number: 6, function: 'g', runAt: 60, priority: 2 },
      { number: 7, function: 'h' },
    )
    await store.do({ forget: [7] })
    const expected = {
      functions: [
        { name: 'f', ready: [1, 1, 2], delayed: 0, dead: 0 },
        { name: 'g', ready: [0, 0, 0], delayed: 2, dead: 0 },
      ],
      nextDueAt: 60,
    }
    const { functions, nextDueAt } = await store.reopen()
    assert.deepEqual({ functions, nextDueAt }, expected)
  })

  for (const how of ['reopen', 'openAgain'] as const) {
    it(`after ${how} what was claimed is ready again, in its old place`, async (store) => {
      await store.add({ number: 1, isClaimed: true }, { number: 2, isClaimed: true }, { number: 3 }, { number: 4 })
      assert.deepEqual(await store.claimNumbers({ jobsMax: 1 }), [3])
      await store[how]()
      assert.deepEqual(await store.claimNumbers(), [1, 2, 3, 4])
    })
  }

  it('what comes later stands behind what was there', async (store) => {
    await store.add({ number: 1 }, { number: 2 }, { number: 3, priority: 0 }, { number: 4, runAt: 5 })
    await store.claim()
    await store.reopen()
    await store.add({ number: 5 }, { number: 6, priority: 0 })
    await store.do({ promoteUntil: 5 })
    assert.deepEqual(await store.claimNumbers(), [1, 2, 5, 4])
    assert.deepEqual(await store.claimNumbers({ priority: 0 }), [3, 6])
  })
}
