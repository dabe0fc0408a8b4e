import assert from 'node:assert/strict'
import type { StoredChange } from '@geartrain/server'
import { described } from './batch.ts'
import type { It } from './it.ts'
import { failuresMax } from './parts.ts'

export function attempts(it: It): void {
  it('one has failed, and the job goes on where it is', async (store) => {
    await store.add({ number: 1, unique: 'u', isClaimed: true, expireAt: 50 }, { number: 2, isClaimed: true })
    assert.deepEqual((await store.do({ changes: [retry(1, 0, 1)] })).changed, ['done'])
    const job = await store.describe(1)
    assert.deepEqual([job?.state, job?.attempts, job?.expireAt], ['ready', 1, 0])
    assert.deepEqual(job?.failures, [note(1)])
    assert.deepEqual(await store.claim(), [], 'it is claimed still')
    assert.deepEqual(await store.add({ number: 3, unique: 'u' }), [[3, 1]])
    await store.reopen()
    const claimed = await store.claim()
    assert.deepEqual(
      claimed.map(({ number, attempts: ended }) => [number, ended]),
      [
        [1, 1],
        [2, 0],
      ],
    )
  })

  it('one has failed, and the next one has a time', async (store) => {
    await store.add({ number: 1, unique: 'u' }, { number: 2 })
    await store.claim()
    await store.do({ changes: [retry(1, 90, 1)] })
    assert.equal((await store.find(1))?.runAt, 90)
    assert.deepEqual(await store.add({ number: 3, unique: 'u' }), [[3, 1]])
    const { promoted, nextDueAt } = await store.do({ promoteUntil: 89 })
    assert.deepEqual([promoted, nextDueAt], [[], 90])
    await store.do({ promoteUntil: 90 })
    assert.deepEqual(
      (await store.claim()).map(({ number, attempts: ended }) => [number, ended]),
      [[1, 1]],
    )
    const { functions } = await store.reopen()
    assert.deepEqual(functions, [{ name: 'f', ready: [0, 2, 0], delayed: 0, dead: 0 }])
  })

  it('what was added as claimed and is delayed is given out when it is due', async (store) => {
    await store.add({ number: 1, isClaimed: true }, { number: 2 })
    await store.do({ changes: [retry(1, 90, 1)] })
    assert.deepEqual(await store.claimNumbers(), [2])
    await store.do({ promoteUntil: 90 })
    assert.deepEqual(await store.claimNumbers(), [1])
  })

  it('what the store has heard of it does not add once more', async (store) => {
    await store.add({ number: 1 })
    const changes = [retry(1, 0, 1), retry(1, 0, 1), retry(1, 90, 1)]
    assert.deepEqual((await store.do({ changes })).changed, ['done', 'done', 'done'])
    const job = await store.describe(1)
    assert.deepEqual([job?.attempts, job?.failures, job?.state], [1, [note(1)], 'ready'])
    assert.deepEqual((await store.do({ changes: [retry(2, 0, 1)] })).changed, ['not found'])
  })

  it(`the last ${failuresMax} failures are kept, whatever is in them`, async (store) => {
    await store.add({ number: 1 })
    const failures = Array.from({ length: failuresMax + 3 }, (_, i) => note(i + 1))
    await store.do({ changes: failures.map((failure, i) => ({ ...retry(1, 0, i + 1), failure })) })
    const strange = { ...note(99), error: '"],[{\\ \u2028\n\0 \u{1f682} ä', worker: ']' }
    await store.do({ changes: [{ ...retry(1, 0, 99), failure: strange }] })
    const job = await store.describe(1)
    assert.deepEqual(job?.failures, [...failures.slice(4), strange])
    assert.equal(job.attempts, 99)
  })

  it('a description has all that a job came with', async (store) => {
    const names = { unique: 'u', reducer: 'r', then: 't', options: '{}', trace: 'tr' }
    const come = { number: 1, ...names, priority: 2, expireAt: 77, attempts: 2 } as const
    await store.do({ now: 1000, add: [{ ...come, workload: 'w', runAt: 55 }] })
    const { answers } = await store.do({ requests: [{ kind: 'describe', number: 1 }] })
    assert.deepEqual(described(answers[0]), {
      ...come,
      function: 'f',
      state: 'delayed',
      runAt: 55,
      submittedAt: 1000,
      workload: new Uint8Array([0x77]),
      failures: [],
      endedAt: 0,
      keepUntil: 0,
      reason: undefined,
      result: undefined,
      numerator: 0,
      denominator: 0,
    })
    assert.equal(await store.describe(2), undefined)
  })
}

function note(at: number) {
  return { startedAt: at - 1, at, reason: 'failed', worker: 'worker-1 127.0.0.1', error: `error ${at}` } as const
}

function retry(number: number, runAt: number, ended: number): Extract<StoredChange, { kind: 'retry' }> {
  return { kind: 'retry', number, runAt, attempts: ended, failure: note(ended) }
}
