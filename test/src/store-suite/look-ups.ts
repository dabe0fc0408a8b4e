import assert from 'node:assert/strict'
import type { It } from './it.ts'

export function lookUps(it: It): void {
  it('by number', async (store) => {
    await store.add({ number: 1, unique: 'u', priority: 2 }, { number: 2, runAt: 77, function: 'g' })
    assert.deepEqual(await store.find(1), { number: 1, function: 'f', unique: 'u', priority: 2, runAt: 0 })
    assert.deepEqual(await store.find(2), { number: 2, function: 'g', unique: '', priority: 1, runAt: 77 })
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
      { number: 1, function: 'f', unique: '', priority: 1, runAt: 9 },
      { number: 2, function: 'g', unique: '', priority: 1, runAt: 0 },
    ])
    assert.deepEqual(
      (await store.list(2, 2)).map(({ number }) => number),
      [3, 9],
    )
    assert.deepEqual(await store.list(9), [])
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
