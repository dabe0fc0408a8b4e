import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { setImmediate as nextIteration } from 'node:timers/promises'
import { StoreError } from '@geartrain/server'
import { listed, toBatch } from '../store-suite/batch.ts'
import { FakeDisk, FakeStore } from '../support/fake-store.ts'

const list = { kind: 'list', after: 0, jobsMax: 100 } as const
const addOne = () => toBatch({ add: [{ number: 1 }], requests: [list] })

async function numbersOn(disk: FakeDisk): Promise<number[]> {
  const store = new FakeStore(disk)
  await store.open(1)
  const { answers } = await store.commit(toBatch({ requests: [list] }))
  return listed(answers[0]).map(({ number }) => number)
}

async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let isOver = false
  void promise.finally(() => {
    isOver = true
  })
  await nextIteration()
  return isOver
}

suite('the fake store', () => {
  test('finishes a commit when it is told to', async () => {
    const store = new FakeStore()
    await store.open(1)
    store.isAuto = false
    assert.equal(store.finish(), false)
    const commit = store.commit(addOne())
    assert.equal(store.isBusy, true)
    assert.equal(await isSettled(commit), false)
    assert.throws(() => void store.commit(addOne()), /not done yet/)
    assert.equal(store.finish(), true)
    assert.equal(listed((await commit).answers[0]).length, 1)
    assert.equal(store.isBusy, false)
  })

  test('takes the buffers of a batch', async () => {
    const store = new FakeStore()
    await store.open(1)
    const batch = toBatch({ add: [{ number: 1 }], forget: [5] })
    await store.commit(batch)
    assert.equal(batch.additions.length + batch.forget.length, 0)
  })

  test('is full for one commit, whose requests it answers', async () => {
    const store = new FakeStore()
    await store.open(1)
    store.failNext('full')
    const { failure, answers } = await store.commit(addOne())
    assert.deepEqual([failure?.code, failure?.isBroken], ['SQLITE_FULL', false])
    assert.deepEqual(listed(answers[0]), [])
    assert.equal((await store.commit(addOne())).failure, undefined)
  })

  test('breaks down, and must be opened again', async () => {
    const store = new FakeStore()
    await store.open(1)
    store.failNext('broken')
    const { failure, answers } = await store.commit(addOne())
    assert.deepEqual([failure?.isBroken, answers[0]?.kind], [true, 'failed'])
    await assert.rejects(store.commit(addOne()), { code: 'STORE_NOT_OPEN' })
    store.openError = new StoreError('STORE_DAMAGED', 'it is damaged')
    await assert.rejects(store.open(1), store.openError)
    store.openError = undefined
    await store.open(1)
    assert.equal((await store.commit(addOne())).failure, undefined)
  })

  for (const isKept of [false, true]) {
    test(`its thread dies after the commit was ${isKept ? '' : 'not '}kept`, async () => {
      const store = new FakeStore()
      await store.open(1)
      store.isAuto = false
      const commit = store.commit(addOne())
      store.die(isKept)
      await assert.rejects(commit, { code: 'STORE_THREAD_DIED' })
      await assert.rejects(store.commit(addOne()), { code: 'STORE_NOT_OPEN' })
      assert.equal((await store.open(1)).functions.length, isKept ? 1 : 0)
    })

    test(`its process ends after the commit was ${isKept ? '' : 'not '}kept`, async () => {
      const disk = new FakeDisk()
      const store = new FakeStore(disk)
      await store.open(1)
      store.isAuto = false
      const commit = store.commit(addOne())
      store.crash(isKept)
      assert.equal(await isSettled(commit), false)
      assert.equal(await isSettled(store.commit(addOne())), false)
      assert.equal(await isSettled(store.open(1)), false)
      assert.deepEqual(await numbersOn(disk), isKept ? [1] : [])
    })
  }

  test('another store finds what was committed, nobody having claimed it', async () => {
    const disk = new FakeDisk()
    const store = new FakeStore(disk)
    await store.open(1)
    await store.commit(toBatch({ add: [{ number: 1, isClaimed: true }, { number: 2 }], forget: [1] }))
    await store.close()
    assert.deepEqual(await numbersOn(disk), [1, 2])
  })
})
