import assert from 'node:assert/strict'
import type { Addition } from './batch.ts'
import type { Counter } from './counter.ts'
import type { It } from './it.ts'
import { promotedMax } from './parts.ts'

export function delayed(it: It): void {
  it('become ready when they are due, and not before', async (store) => {
    await store.add({ number: 1, runAt: 100 }, { number: 2, runAt: 101 }, { number: 3, runAt: 100, priority: 0 })
    assert.deepEqual(await store.claim(), [])
    assert.deepEqual(await promote(store, 99), { promoted: [], nextDueAt: 100 })
    assert.deepEqual(await promote(store, 100), {
      promoted: [
        { function: 'f', priority: 0, count: 1 },
        { function: 'f', priority: 1, count: 1 },
      ],
      nextDueAt: 101,
    })
    assert.deepEqual(await store.claimNumbers(), [1])
    assert.deepEqual(await store.claimNumbers({ priority: 0 }), [3])
    assert.equal((await promote(store, 5000)).nextDueAt, Number.POSITIVE_INFINITY)
    assert.deepEqual(await store.claimNumbers(), [2])
    assert.equal((await store.find(2))?.runAt, 0)
  })

  it('go to the end of the line, the one that was due first before the others', async (store) => {
    await store.add({ number: 5, runAt: 30 }, { number: 4, runAt: 20 }, { number: 3, runAt: 30 }, { number: 1 })
    await store.do({ add: [{ number: 2 }], promoteUntil: 30 })
    await store.add({ number: 6 })
    const expected = [1, 2, 4, 3, 5, 6]
    assert.deepEqual(await store.claimNumbers(), expected)
    await store.reopen()
    assert.deepEqual(await store.claimNumbers(), expected)
  })

  it('stand behind what was claimed', async (store) => {
    await store.add({ number: 1, runAt: 30 }, ...numbered(2, 3))
    await store.claim()
    await promote(store, 30)
    assert.deepEqual(await store.claimNumbers(), [1])
  })

  it('keep all that they came with', async (store) => {
    const rest = { number: 1, unique: 'u', reducer: 'r', then: 't', expireAt: 90, attempts: 3, priority: 2 } as const
    await store.add({ ...rest, workload: 'w', runAt: 30 })
    await promote(store, 30)
    const [job] = await store.claim({ priority: 2 })
    assert.deepEqual({ ...job, workload: String(job?.workload) }, { ...rest, workload: 'w', runAt: 0 })
  })

  it(`at most ${promotedMax} in one batch, and the next is then due at once`, async (store) => {
    await store.add(...Array.from({ length: promotedMax + 1 }, (_, i) => ({ number: i + 1, runAt: 10 + i })))
    const until = 10 + promotedMax
    assert.deepEqual(await promote(store, until), {
      promoted: [{ function: 'f', priority: 1, count: promotedMax }],
      nextDueAt: until,
    })
    assert.deepEqual(await promote(store, until), {
      promoted: [{ function: 'f', priority: 1, count: 1 }],
      nextDueAt: Number.POSITIVE_INFINITY,
    })
  })

  it('are due when the store says so: those of the batch count, those that are cancelled do not', async (store) => {
    await store.add({ number: 1, runAt: 50 }, { number: 2, runAt: 60 })
    assert.equal((await store.do({ cancel: [1], promoteUntil: 0 })).nextDueAt, 60)
    assert.equal((await store.do({ add: [{ number: 3, runAt: 55 }], promoteUntil: 0 })).nextDueAt, 55)
    assert.equal((await store.do({ forget: [3], promoteUntil: 0 })).nextDueAt, 60)
    assert.equal((await store.do({ add: [{ number: 4, runAt: 1 }] })).nextDueAt, undefined)
    assert.equal((await store.reopen()).nextDueAt, 1)
  })

  it('of a batch that promotes are promoted by it', async (store) => {
    const { promoted } = await store.do({ add: [{ number: 1, runAt: 50 }], promoteUntil: 50 })
    assert.deepEqual(promoted, [{ function: 'f', priority: 1, count: 1 }])
  })

  it('are due at any time there is', async (store) => {
    const far = 8_640_000_000_000_000
    await store.add({ number: 1, runAt: far }, { number: 2, runAt: 1 })
    assert.equal((await promote(store, far - 1)).nextDueAt, far)
    assert.equal((await store.find(1))?.runAt, far)
  })
}

async function promote(store: Counter, until: number) {
  const { promoted, nextDueAt } = await store.do({ promoteUntil: until })
  const byPriority = promoted.toSorted((a, b) => a.priority - b.priority)
  return { promoted: byPriority, nextDueAt }
}

function numbered(from: number, count: number): Addition[] {
  return Array.from({ length: count }, (_, i) => ({ number: from + i }))
}
