import assert from 'node:assert/strict'
import type { StoredChange } from '@geartrain/server'
import type { It } from './it.ts'
import { sweptMax } from './parts.ts'

const failure = { at: 7, reason: 'exception', worker: 'w', error: 'no such file' } as const

export function dead(it: It): void {
  it('jobs are no jobs any more, and keep all that they came with', async (store) => {
    const names = { unique: 'u', reducer: 'r', then: 't', options: '{}', trace: 'tr' } as const
    const come = { number: 1, ...names, priority: 0, attempts: 1 } as const
    await store.do({ now: 500, add: [{ ...come, workload: 'work', expireAt: 9 }, { number: 2 }] })
    const { changed, nextSweepAt } = await store.do({ changes: [bury(1), bury(1)] })
    assert.deepEqual([changed, nextSweepAt], [['done', 'not found'], 9000])
    assert.deepEqual(await store.numbers(), [2])
    assert.equal(await store.find(1), undefined)
    assert.equal(await store.findUnique('u'), undefined)
    assert.deepEqual(await store.describe(1), {
      ...come,
      function: 'f',
      state: 'dead',
      runAt: 0,
      expireAt: 0,
      submittedAt: 500,
      workload: new Uint8Array(Buffer.from('work')),
      attempts: 3,
      failures: [failure],
      reason: 'exception',
      endedAt: 100,
      keepUntil: 9000,
      result: undefined,
      numerator: 0,
      denominator: 0,
    })
    const { functions, nextSweepAt: sweepAt, firstNumber } = await store.reopen()
    assert.deepEqual(functions, [{ name: 'f', ready: [0, 1, 0], delayed: 0, dead: 1 }])
    assert.deepEqual([sweepAt, firstNumber], [9000, 3])
    await store.do({ forget: [2] })
    const state = await store.reopen()
    assert.deepEqual(state.functions, [{ name: 'f', ready: [0, 0, 0], delayed: 0, dead: 1 }])
    assert.equal(state.firstNumber, 2, 'its number is not given out again')
  })

  it('nobody joins one, and a number that is dead does not come again', async (store) => {
    await store.add({ number: 1, unique: 'u' })
    await store.do({ changes: [bury(1)] })
    assert.deepEqual(await store.add({ number: 2, unique: 'u' }), [])
    assert.deepEqual(await store.add({ number: 1, unique: 'u' }), [[1, 1]])
    assert.deepEqual(await store.numbers(), [2])
  })

  it('the uniques of others are found when one of them is buried', async (store) => {
    await store.add(...Array.from({ length: 9 }, (_, i) => ({ number: i + 1, unique: `u${i}` })))
    await store.do({ changes: [bury(1), bury(5), bury(9)] })
    for (const number of [2, 3, 4, 6, 7, 8]) assert.equal(await store.findUnique(`u${number - 1}`), number)
    for (const number of [1, 5, 9]) assert.equal(await store.findUnique(`u${number - 1}`), undefined)
  })

  it('a failure that was told before is not told twice, and there may be none', async (store) => {
    await store.add({ number: 1 }, { number: 2 })
    const first = { ...failure, error: 'first' }
    await store.do({
      changes: [
        { kind: 'retry', number: 1, runAt: 0, attempts: 3, failure: first },
        bury(1),
        { ...bury(2), failure: undefined, attempts: 0, reason: 'expired' },
      ],
    })
    assert.deepEqual((await store.describe(1))?.failures, [first])
    assert.deepEqual((await store.describe(2))?.failures, [])
    assert.deepEqual(
      (await store.dead()).map(({ error }) => error),
      ['', 'first'],
    )
  })

  it('are listed, the latest first, by function and by reason', async (store) => {
    await store.add(
      ...Array.from({ length: 8 }, (_, i) => ({ number: i + 1, function: i % 2 === 0 ? 'f' : 'g', unique: `u${i}` })),
    )
    await store.do({
      changes: Array.from({ length: 7 }, (_, i) => ({ ...bury(i + 1), reason: i < 4 ? 'failed' : 'lost' })),
    })
    const numbers = async (of: Parameters<typeof store.dead>[0]) => (await store.dead(of)).map(({ number }) => number)
    assert.deepEqual(await numbers({}), [7, 6, 5, 4, 3, 2, 1])
    assert.deepEqual(await numbers({ before: 3 }), [2, 1])
    assert.deepEqual(await numbers({ function: 'g' }), [6, 4, 2])
    assert.deepEqual(await numbers({ reason: 'lost' }), [7, 6, 5])
    assert.deepEqual(await numbers({ function: 'f', reason: 'lost', before: 7 }), [5])
    assert.deepEqual(await numbers({ function: 'h' }), [])
    assert.deepEqual((await store.dead())[0], {
      number: 7,
      function: 'f',
      unique: 'u6',
      priority: 1,
      reason: 'lost',
      runAt: 0,
      state: 'dead',
      submittedAt: 0,
      endedAt: 100,
      attempts: 3,
      error: 'no such file',
    })
    const { answers } = await store.do({ requests: [{ kind: 'count dead' }] })
    assert.deepEqual(answers[0]?.kind === 'count dead' && answers[0].functions.toSorted((a, b) => a.count - b.count), [
      { name: 'g', count: 3 },
      { name: 'f', count: 4 },
    ])
  })

  it('no more of a function than it may have: those that died first go', async (store) => {
    await store.add(...[1, 2, 3, 4, 5].map((number) => ({ number })), { number: 6, function: 'g' })
    const diedAt = (number: number, at: number, deadMax: number) => ({ ...bury(number), diedAt: at, deadMax })
    await store.do({ changes: [diedAt(1, 30, 2), diedAt(2, 20, 2), diedAt(6, 1, 2), diedAt(3, 10, 3)] })
    assert.deepEqual(await store.deadNumbers(), [6, 3, 2, 1])
    await store.do({ changes: [diedAt(4, 40, 2)] })
    assert.deepEqual(await store.deadNumbers(), [6, 4, 1])
    await store.do({ changes: [diedAt(5, 50, 0)] })
    assert.deepEqual(await store.deadNumbers(), [6])
    await store.reopen()
    assert.deepEqual(store.state.functions, [{ name: 'g', ready: [0, 0, 0], delayed: 0, dead: 1 }])
  })

  it('one is revived: it is ready as if it were new, behind all others', async (store) => {
    const names = { unique: 'u', reducer: 'r', then: 't', options: '{}', trace: 'tr' }
    await store.add({ number: 1, ...names, workload: 'w', priority: 2 })
    await store.claim({ priority: 2 })
    await store.do({ changes: [bury(1)] })
    await store.add({ number: 2, priority: 2 })
    const { changed, revived, nextSweepAt } = await store.do({ now: 70, changes: [revive(1), revive(1)] })
    assert.deepEqual(changed, ['done', 'not found'])
    assert.deepEqual(revived, [{ function: 'f', priority: 2, count: 1 }])
    assert.equal(nextSweepAt, Number.POSITIVE_INFINITY)
    const [other, job] = await store.claim({ priority: 2 })
    assert.equal(other?.number, 2)
    assert.deepEqual(
      { ...job, workload: String(job?.workload) },
      {
        number: 1,
        ...names,
        workload: 'w',
        priority: 2,
        runAt: 0,
        readyAt: 70,
        expireAt: 0,
        attempts: 0,
      },
    )
    assert.deepEqual((await store.describe(1))?.failures, [])
    assert.deepEqual(await store.add({ number: 3, unique: 'u' }), [[3, 1]])
    assert.deepEqual((await store.reopen()).functions, [{ name: 'f', ready: [0, 0, 2], delayed: 0, dead: 0 }])
  })

  it('one is revived with another workload', async (store) => {
    await store.add({ number: 1, unique: '-', workload: 'old' }, { number: 2 })
    await store.do({ changes: [bury(1), bury(2)] })
    await store.do({ changes: [revive(1, 'new'), revive(2, '')] })
    assert.deepEqual(
      (await store.claim()).map(({ workload }) => String(workload)),
      ['new', ''],
    )
    assert.deepEqual(
      await store.add({ number: 3, unique: '-', workload: 'new' }, { number: 4, unique: '-', workload: 'old' }),
      [[3, 1]],
    )
  })

  it('one is not revived beside another of its unique', async (store) => {
    await store.add({ number: 1, unique: 'u' }, { number: 2, unique: '-', workload: 'x' })
    await store.do({ changes: [bury(1), bury(2)] })
    await store.add({ number: 3, unique: 'u' }, { number: 4, unique: '-', workload: 'y' })
    const { changed, revived } = await store.do({ changes: [revive(1), revive(2, 'y'), revive(2), revive(9)] })
    assert.deepEqual(changed, ['joined', 'joined', 'done', 'not found'])
    assert.deepEqual(revived, [{ function: 'f', priority: 1, count: 1 }])
    assert.deepEqual(await store.deadNumbers(), [1])
    assert.deepEqual(await store.numbers(), [2, 3, 4])
  })

  it('one is deleted', async (store) => {
    await store.add({ number: 1 }, { number: 2 })
    await store.do({ changes: [bury(1)] })
    const { changed } = await store.do({ changes: [1, 1, 2].map((number) => ({ kind: 'delete dead', number })) })
    assert.deepEqual(changed, ['done', 'not found', 'not found'])
    assert.deepEqual(await store.numbers(), [2])
    assert.deepEqual((await store.reopen()).functions, [{ name: 'f', ready: [0, 1, 0], delayed: 0, dead: 0 }])
  })

  it('are swept away when their time is over', async (store) => {
    await store.add(...[1, 2, 3].map((number) => ({ number })))
    await store.do({ changes: [bury(1, 30), bury(2, 20), bury(3, 40)] })
    const sweep = async (now: number) => {
      const { changed, nextSweepAt } = await store.do({ changes: [{ kind: 'sweep', now }] })
      return [changed, nextSweepAt]
    }
    assert.deepEqual(await sweep(19), [['done'], 20])
    assert.deepEqual(await sweep(30), [['done'], 40])
    assert.deepEqual(await store.deadNumbers(), [3])
    assert.deepEqual(await sweep(1000), [['done'], Number.POSITIVE_INFINITY])
    assert.deepEqual((await store.reopen()).functions, [])
  })

  it(`at most ${sweptMax} go at once, and ${sweptMax} are soon buried`, async (store) => {
    const numbers = Array.from({ length: sweptMax + 1 }, (_, i) => i + 1)
    await store.add(...numbers.map((number) => ({ number })))
    await store.do({ changes: numbers.map((number) => ({ ...bury(number, 20 + number), deadMax: 1e6 })) })
    const now = 1e6
    assert.equal((await store.do({ changes: [{ kind: 'sweep', now }] })).nextSweepAt, 20 + sweptMax + 1)
    assert.deepEqual(await store.deadNumbers(), [sweptMax + 1])
    assert.deepEqual((await store.reopen()).functions, [{ name: 'f', ready: [0, 0, 0], delayed: 0, dead: 1 }])
  })
}

function bury(number: number, keepUntil = 9000): Extract<StoredChange, { kind: 'bury' }> {
  return { kind: 'bury', number, reason: 'exception', diedAt: 100, attempts: 3, failure, keepUntil, deadMax: 1000 }
}

function revive(number: number, workload?: string): StoredChange {
  return { kind: 'revive', number, workload: workload === undefined ? undefined : Buffer.from(workload) }
}
