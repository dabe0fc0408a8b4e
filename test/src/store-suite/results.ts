import assert from 'node:assert/strict'
import type { StoredChange } from '@geartrain/server'
import type { It } from './it.ts'

const infinity = Number.POSITIVE_INFINITY

export function results(it: It): void {
  it('are kept with all that the job came with, without its workload', async (store) => {
    const come = { number: 1, unique: 'u', reducer: 'r', then: 't', priority: 0, attempts: 1 } as const
    await store.do({ now: 500, add: [{ ...come, workload: 'work' }] })
    const { changed, nextSweepAt } = await store.do({ changes: [keep(1, 900, 0), keep(1, 900, 0)] })
    assert.deepEqual([changed, nextSweepAt], [['done', 'not found'], 900])
    assert.deepEqual(await store.numbers(), [])
    const expected = {
      ...come,
      options: '',
      trace: '',
      function: 'f',
      state: 'complete',
      runAt: 0,
      expireAt: 0,
      submittedAt: 500,
      workload: undefined,
      failures: [],
      reason: undefined,
      endedAt: 100,
      keepUntil: 900,
      result: new Uint8Array(Buffer.from('result')),
      numerator: 3,
      denominator: 4,
    }
    assert.deepEqual(await store.describe(1), expected)
    const state = await store.reopen()
    assert.deepEqual([state.functions, state.nextSweepAt, state.firstNumber], [[], 900, 2])
    assert.deepEqual(await store.describe(1), expected)
    assert.deepEqual(await store.add({ number: 1, unique: 'u' }), [[1, 1]], 'it does not come again')
    assert.deepEqual(await store.numbers(), [])
  })

  it('outlive the function that nobody calls any more, whose jobs are its own when it comes back', async (store) => {
    await store.add({ number: 1, function: 'gone' })
    await store.do({ changes: [keep(1, 900, 0)] })
    await store.reopen()
    await store.add({ number: 2, function: 'other' }, { number: 3, function: 'gone' })
    assert.equal((await store.describe(1))?.function, 'gone')
    assert.deepEqual(await store.claimNumbers({ function: 'gone' }), [3])
  })

  it('with no time at all nothing is kept', async (store) => {
    await store.add({ number: 1, unique: 'u' }, { number: 2, unique: '-', workload: 'x' }, { number: 3 })
    const { changed, nextSweepAt } = await store.do({ changes: [keep(1, 0, 0), keep(2, 0, 90), keep(3, 0, 90)] })
    assert.deepEqual([changed, nextSweepAt], [['done', 'done', 'done'], infinity])
    for (const number of [1, 2, 3]) assert.equal(await store.describe(number), undefined)
  })

  it('an empty one is one', async (store) => {
    await store.add({ number: 1 })
    await store.do({ changes: [{ ...keep(1, 900, 0), data: new Uint8Array(0), outcome: 'failed' }] })
    const job = await store.describe(1)
    assert.deepEqual([job?.state, job?.result], ['failed', new Uint8Array(0)])
  })

  it('throttle: what asks for it joins one that has ended, for a time', async (store) => {
    await store.add({ number: 1, unique: 'u' }, { number: 2, unique: 'v', function: 'g' })
    await store.do({ changes: [keep(1, 0, 50), keep(2, 0, 50)] })
    assert.equal((await store.describe(1))?.result, undefined, 'what it gave is not kept')
    const { joined, throttled } = await store.do({
      now: 49,
      add: [
        { number: 3, unique: 'u', isThrottled: true },
        { number: 4, unique: 'v', isThrottled: true },
        { number: 5, isThrottled: true },
        { number: 6, unique: 'v', function: 'g', isThrottled: true, runAt: 70 },
        { number: 7, unique: 'v', function: 'g' },
        { number: 7, unique: 'v', function: 'g', isThrottled: true },
      ],
    })
    assert.deepEqual(throttled, Float64Array.of(0, 1, 3, 2))
    assert.deepEqual(joined, Float64Array.of(5, 7))
    assert.deepEqual(await store.numbers(), [4, 5, 7])
    const later = await store.do({ now: 50, add: [{ number: 8, unique: 'u', isThrottled: true }] })
    assert.deepEqual(later.throttled, Float64Array.of())
    assert.deepEqual(await store.numbers(), [4, 5, 7, 8])
  })

  it('of several that have ended, the one that can be joined for longest', async (store) => {
    for (const [number, until] of [
      [1, 50],
      [2, 70],
      [3, 60],
    ] as const) {
      await store.add({ number, unique: 'u' })
      await store.do({ changes: [keep(number, 100, until)] })
    }
    const { throttled } = await store.do({ now: 55, add: [{ number: 9, unique: 'u', isThrottled: true }] })
    assert.deepEqual(throttled, Float64Array.of(0, 2))
    assert.equal((await store.describeUnique('u'))?.number, 3)
  })

  it('what has ended in the same batch throttles', async (store) => {
    await store.add({ number: 1, unique: 'u' })
    const add = [{ number: 2, unique: 'u', isThrottled: true }]
    const { throttled } = await store.do({ now: 10, changes: [keep(1, 0, 50)], add })
    assert.deepEqual(throttled, Float64Array.of(0, 1))
  })

  it('are swept away: what can be read first, if it can be joined for longer', async (store) => {
    const add = [1, 2, 3].map((number) => ({ number, unique: `u${number}` }))
    await store.add(...add)
    await store.do({ changes: [keep(1, 20, 40), keep(2, 40, 20), keep(3, 30, 30)] })
    const sweep = async (now: number) => (await store.do({ changes: [{ kind: 'sweep', now }] })).nextSweepAt
    assert.equal(await sweep(19), 20)
    assert.ok((await store.describe(1))?.result !== undefined)
    assert.equal(await sweep(20), 30)
    const first = await store.describe(1)
    assert.deepEqual([first?.state, first?.result, first?.keepUntil], ['complete', undefined, 0])
    assert.ok((await store.describe(2))?.result !== undefined)
    assert.equal(await sweep(30), 40)
    assert.equal(await store.describe(3), undefined)
    const { throttled } = await store.do({ now: 39, add: [{ number: 4, unique: 'u1', isThrottled: true }] })
    assert.deepEqual(throttled, Float64Array.of(0, 1))
    assert.equal(await sweep(40), infinity)
    for (const { number } of add) assert.equal(await store.describe(number), undefined)
  })

  it('by unique: one that has not ended before one that has, or else the one that came last', async (store) => {
    await store.add(
      { number: 1, unique: 'u' },
      { number: 2, unique: 'u', function: 'g' },
      { number: 3, unique: 'u', function: 'h' },
    )
    const number = async (name?: string) => (await store.describeUnique('u', name))?.number
    assert.equal(await number(), 3)
    await store.do({ changes: [keep(3, 90, 0), bury(2)] })
    assert.equal(await number(), 1)
    assert.equal(await number('g'), 2)
    await store.do({ forget: [1] })
    assert.equal(await number(), 3)
    assert.equal(await number('f'), undefined)
    assert.equal(await number('nobody'), undefined)
    await store.do({ changes: [{ kind: 'sweep', now: 90 }] })
    assert.equal(await number(), 2)
    for (const none of ['', '-', 'v']) assert.equal(await store.describeUnique(none), undefined)
  })

  it('five thousand in a batch', async (store) => {
    const numbers = Array.from({ length: 5000 }, (_, i) => i + 1)
    await store.add(...numbers.map((number) => ({ number })))
    await store.do({ changes: numbers.map((number) => keep(number, 900, 950)) })
    assert.deepEqual(await store.numbers(), [])
    const { changed, nextSweepAt } = await store.do({ changes: [{ kind: 'sweep', now: 2000 }] })
    assert.deepEqual([changed, nextSweepAt], [['done'], infinity])
  })
}

function keep(number: number, keepUntil: number, uniqueUntil: number): Extract<StoredChange, { kind: 'keep' }> {
  return {
    kind: 'keep',
    number,
    outcome: 'complete',
    data: new Uint8Array(Buffer.from('result')),
    numerator: 3,
    denominator: 4,
    endedAt: 100,
    keepUntil,
    uniqueUntil,
  }
}

function bury(number: number): StoredChange {
  const rest = { reason: 'failed', diedAt: 5, attempts: 1, failure: undefined, keepUntil: 900, deadMax: 9 } as const
  return { kind: 'bury', number, ...rest }
}
