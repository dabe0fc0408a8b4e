import assert from 'node:assert/strict'
import type { Priority } from '@geartrain/engine'
import type { StoredChange } from '@geartrain/server'
import type { It } from './it.ts'

export function priorities(it: It): void {
  it('a job goes to the end of another line', async (store) => {
    await store.add({ number: 1 }, { number: 2, priority: 0 }, { number: 3 })
    const { changed } = await store.do({ changes: [prioritize(1, 0), prioritize(9, 0)] })
    assert.deepEqual(changed, ['done', 'not found'])
    await store.add({ number: 4, priority: 0 })
    assert.deepEqual(await store.claimNumbers({ priority: 0 }), [2, 1, 4])
    assert.deepEqual(await store.claimNumbers(), [3])
    assert.equal((await store.find(1))?.priority, 0)
    assert.deepEqual((await store.reopen()).functions, [{ name: 'f', ready: [3, 1, 0], delayed: 0, dead: 0 }])
    assert.deepEqual(await store.claimNumbers({ priority: 0 }), [2, 1, 4])
  })

  it('one that stands in that line stays where it is', async (store) => {
    await store.add({ number: 1 }, { number: 2 })
    assert.deepEqual((await store.do({ changes: [prioritize(1, 1)] })).changed, ['done'])
    assert.deepEqual(await store.claimNumbers(), [1, 2])
  })

  it('one that is claimed stays claimed', async (store) => {
    await store.add({ number: 1 }, { number: 2 })
    await store.claim({ jobsMax: 1 })
    await store.add({ number: 3, isClaimed: true })
    await store.do({ changes: [1, 2, 3].map((number) => prioritize(number, 0)) })
    assert.deepEqual(await store.claimNumbers({ priority: 0 }), [2])
    await store.do({ changes: [prioritize(1, 2), prioritize(1, 1), prioritize(3, 2)] })
    await store.add({ number: 4 }, { number: 5, priority: 2 })
    assert.deepEqual(await store.claimNumbers(), [4])
    assert.deepEqual(await store.claimNumbers({ priority: 2 }), [5])
    await store.reopen()
    assert.deepEqual(await store.claimNumbers(), [1, 4])
  })

  it('one that is delayed comes into its line when it is due', async (store) => {
    await store.add({ number: 1, runAt: 50 })
    await store.do({ changes: [prioritize(1, 2)] })
    assert.deepEqual((await store.do({ promoteUntil: 50 })).promoted, [{ function: 'f', priority: 2, count: 1 }])
    assert.deepEqual((await store.reopen()).functions, [{ name: 'f', ready: [0, 0, 1], delayed: 0, dead: 0 }])
  })
}

function prioritize(number: number, priority: Priority): StoredChange {
  return { kind: 'prioritize', number, priority }
}
