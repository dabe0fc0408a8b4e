import assert from 'node:assert/strict'
import type { StoredChange } from '@geartrain/server'
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
    const names = { unique: 'u', reducer: 'r', then: 't', options: '{}', trace: 'tr' }
    const rest = { number: 1, ...names, expireAt: 90, attempts: 3, priority: 2 } as const
    await store.add({ ...rest, workload: 'w', runAt: 30 })
    await promote(store, 31)
    const [job] = await store.claim({ priority: 2 })
    assert.deepEqual({ ...job, workload: String(job?.workload) }, { ...rest, workload: 'w', runAt: 0, readyAt: 30 })
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

  it('one need not wait for its time: it goes to the end of its line', async (store) => {
    await store.add({ number: 1, runAt: 50, priority: 2, workload: 'w' }, { number: 2, priority: 2 })
    const { changed, promoted, nextDueAt } = await store.do({ now: 20, changes: [hasten(1), hasten(1), hasten(9)] })
    assert.deepEqual(changed, ['done', 'not found', 'not found'])
    assert.deepEqual(promoted, [{ function: 'f', priority: 2, count: 1 }])
    assert.equal(nextDueAt, undefined)
    assert.equal((await store.describe(1))?.state, 'ready')
    await store.add({ number: 3, priority: 2 })
    const claimed = await store.claim({ priority: 2 })
    assert.deepEqual(
      claimed.map(({ number, readyAt, workload }) => [number, readyAt, String(workload)]),
      [
        [2, 0, ''],
        [1, 20, 'w'],
        [3, 0, ''],
      ],
    )
    assert.equal((await promote(store, 100)).nextDueAt, Number.POSITIVE_INFINITY)
    assert.deepEqual((await store.reopen()).functions, [{ name: 'f', ready: [0, 0, 3], delayed: 0, dead: 0 }])
  })

  it('one that is ready, running or dead is not hastened', async (store) => {
    await store.add(...numbered(1, 2), { number: 3, runAt: 9 })
    await store.claim({ jobsMax: 1 })
    const bury = { kind: 'bury', number: 3, reason: 'failed', diedAt: 5, attempts: 1, failure: undefined } as const
    const changes = [{ ...bury, keepUntil: 99, deadMax: 9 }, ...[1, 2, 3].map(hasten)]
    const { changed, promoted } = await store.do({ changes })
    assert.deepEqual(changed, ['done', 'not found', 'not found', 'not found'])
    assert.deepEqual(promoted, [])
    assert.deepEqual(await store.claimNumbers(), [2])
  })

  it('one is hastened in the batch that puts it off, and of a batch that promotes it is promoted once', async (store) => {
    await store.add({ number: 1 }, { number: 2, runAt: 9 })
    await store.claim()
    const failure = { at: 3, reason: 'failed', worker: 'w', error: '' } as const
    const retry = { kind: 'retry', number: 1, runAt: 90, attempts: 1, failure } as const
    const { promoted } = await store.do({ changes: [retry, hasten(1), hasten(2)], promoteUntil: 50 })
    assert.deepEqual(promoted, [{ function: 'f', priority: 1, count: 2 }])
    assert.deepEqual(await store.claimNumbers(), [1, 2])
  })

  it('are ready since they were submitted, were due or have failed', async (store) => {
    const failure = { at: 33, reason: 'failed', worker: 'w', error: '' } as const
    await store.do({ now: 10, add: [{ number: 1 }, { number: 2, runAt: 20 }, { number: 3 }, { number: 4 }] })
    const retry = (number: number, runAt: number) => ({ kind: 'retry', number, runAt, attempts: 1, failure }) as const
    await store.do({ now: 34, changes: [retry(3, 0), retry(4, 44)], promoteUntil: 50 })
    await store.reopen()
    assert.deepEqual(
      (await store.claim()).map(({ number, readyAt }) => [number, readyAt]),
      [
        [1, 10],
        [3, 33],
        [2, 20],
        [4, 44],
      ],
    )
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

function hasten(number: number): StoredChange {
  return { kind: 'hasten', number }
}

function numbered(from: number, count: number): Addition[] {
  return Array.from({ length: count }, (_, i) => ({ number: from + i }))
}
