import assert from 'node:assert/strict'
import type { It } from './it.ts'

export function lookUps(it: It): void {
  it('by number', async (store) => {
    await store.add({ number: 1, unique: 'u', priority: 2 }, { number: 2, runAt: 77, function: 'g' })
    assert.deepEqual(await store.find(1), { number: 1, function: 'f', unique: 'u', priority: 2, runAt: 0, attempts: 0 })
    assert.deepEqual(await store.find(2), { number: 2, function: 'g', unique: '', priority: 1, runAt: 77, attempts: 0 })
    assert.equal(await store.find(3), undefined)
  })

  it('by unique: of any function, the one with the lowest number', async (store) => {
    await store.add(
      { number: 5, unique: 'u', function: 'g' },
      { number: 3, unique: 'u' },
      { number: 4, unique: 'u', function: 'h' },
    )
    assert.equal(await store.findUnique('u'), 3)
    await store.do({ forget: [3] })
    assert.equal(await store.findUnique('u'), 4)
    assert.equal(await store.findUnique('v'), undefined)
  })

  it('no job is found by an empty unique or by -', async (store) => {
    await store.add({ number: 1 }, { number: 2, unique: '-', workload: 'x' }, { number: 3, unique: '-' })
    assert.equal(await store.findUnique(''), undefined)
    assert.equal(await store.findUnique('-'), undefined)
  })

  it('the one that an addition would join', async (store) => {
    await store.add(
      { number: 1, unique: 'u' },
      { number: 2, unique: '-', workload: 'x' },
      { number: 3, unique: '-' },
      { number: 4 },
      { number: 5, unique: 'w', runAt: 5 },
    )
    assert.equal(await store.findSame('u', 'whatever'), 1)
    assert.equal(await store.findSame('u', '', 'g'), undefined)
    assert.equal(await store.findSame('v'), undefined)
    assert.equal(await store.findSame('-', 'x'), 2)
    assert.equal(await store.findSame('-', 'y'), undefined)
    assert.equal(await store.findSame('-', ''), undefined)
    assert.equal(await store.findSame(''), undefined)
    assert.equal(await store.findSame('w'), 5)
  })

  it('a listing goes by number and can be continued', async (store) => {
    await store.add(
      { number: 3 },
      { number: 1, runAt: 9 },
      { number: 2, function: 'g', isClaimed: true },
      { number: 9 },
    )
    assert.deepEqual(await store.list(0, 2), [
      { number: 1, function: 'f', unique: '', priority: 1, runAt: 9, attempts: 0 },
      { number: 2, function: 'g', unique: '', priority: 1, runAt: 0, attempts: 0 },
    ])
    assert.deepEqual(
      (await store.list(2, 2)).map(({ number }) => number),
      [3, 9],
    )
    assert.deepEqual(await store.list(9), [])
  })

  it('a listing of one function has those that are ready, or those that are delayed', async (store) => {
    await store.add(
      ...Array.from({ length: 40 }, (_, i) => ({
        number: 40 - i,
        function: i % 4 === 0 ? 'f' : 'g',
        priority: ([0, 1, 2] as const)[i % 3] ?? 1,
        runAt: i % 8 === 0 ? 90 - i : 0,
      })),
    )
    const list = async (name: string, state: 'ready' | 'delayed', after: number, jobsMax: number) => {
      const { answers } = await store.do({
        requests: [{ kind: 'list function', function: name, state, after, jobsMax }],
      })
      return answers[0]?.kind === 'list' ? answers[0].jobs : []
    }
    const numbers = async (...request: Parameters<typeof list>) => (await list(...request)).map(({ number }) => number)
    // Few are asked for of many, and many of few: there are two ways to find them.
    for (const jobsMax of [1, 3, 1000]) {
      assert.deepEqual(await numbers('f', 'ready', 0, jobsMax), [4, 12, 20, 28, 36].slice(0, jobsMax))
      assert.deepEqual(await numbers('f', 'delayed', 0, jobsMax), [8, 16, 24, 32, 40].slice(0, jobsMax))
      assert.deepEqual(await numbers('g', 'ready', 36, jobsMax), [37, 38, 39].slice(0, jobsMax))
      assert.deepEqual(await numbers('g', 'delayed', 0, jobsMax), [])
      assert.deepEqual(await numbers('h', 'ready', 0, jobsMax), [])
    }
    assert.deepEqual(await list('f', 'delayed', 30, 1), [
      { number: 32, function: 'f', unique: '', priority: 2, runAt: 82, attempts: 0 },
    ])
  })

  it('each request has its answer, in order, and sees what the batch has written', async (store) => {
    const { answers } = await store.do({
      add: [{ number: 1, unique: 'u' }],
      requests: [
        { kind: 'find', number: 2 },
        { kind: 'claim', function: 'f', priority: 1, jobsMax: 9, bytesMax: 9 },
        { kind: 'list', after: 0, jobsMax: 9 },
        { kind: 'find unique', unique: 'u' },
        { kind: 'find same', function: 'f', unique: 'u', workload: new Uint8Array(0) },
      ],
    })
    assert.deepEqual(
      answers.map(({ kind }) => kind),
      ['find', 'claim', 'list', 'find', 'find'],
    )
  })
}
