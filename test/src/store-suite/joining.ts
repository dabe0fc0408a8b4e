import assert from 'node:assert/strict'
import type { Addition } from './batch.ts'
import type { It } from './it.ts'

export function joining(it: It): void {
  it('one with the same function and unique', async (store) => {
    assert.deepEqual(await store.add({ number: 1, unique: 'u' }), [])
    assert.deepEqual(await store.add({ number: 2, unique: 'u', workload: 'other', priority: 0 }), [[2, 1]])
    assert.deepEqual(await store.add({ number: 3, unique: 'u', function: 'g' }), [])
    assert.deepEqual(await store.add({ number: 4, unique: 'U' }), [])
    assert.deepEqual(await store.numbers(), [1, 3, 4])
  })

  it('one that is running, delayed, or from before the store was opened', async (store) => {
    await store.add({ number: 1, unique: 'running' }, { number: 2, unique: 'delayed', runAt: 90 })
    await store.claim()
    assert.deepEqual(await store.add({ number: 3, unique: 'running' }, { number: 4, unique: 'delayed' }), [
      [3, 1],
      [4, 2],
    ])
    assert.deepEqual(await store.add({ number: 5, unique: 'running', runAt: 5 }), [[5, 1]])
    await store.reopen()
    assert.deepEqual(await store.add({ number: 6, unique: 'running' }, { number: 7, unique: 'delayed' }), [
      [6, 1],
      [7, 2],
    ])
  })

  it('none that has ended, in the same batch or before', async (store) => {
    await store.add({ number: 1, unique: 'u' }, { number: 2, unique: 'v' })
    const { joined } = await store.do({
      forget: [1],
      cancel: [2],
      add: [
        { number: 3, unique: 'u' },
        { number: 4, unique: 'v' },
      ],
    })
    assert.deepEqual(joined, Float64Array.of())
    await store.do({ forget: [3, 4] })
    assert.deepEqual(await store.add({ number: 5, unique: 'u' }, { number: 6, unique: 'v' }), [])
  })

  it('one of the same batch: the first stays', async (store) => {
    const add = Array.from({ length: 100 }, (_, i) => ({ number: i + 1, unique: `u${i % 10}` }))
    assert.deepEqual(
      await store.add(...add),
      add.slice(10).map(({ number }, i) => [number, (i % 10) + 1]),
    )
    assert.deepEqual(await store.numbers(), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  })

  it('the first of a batch stays, whether it is ready, delayed or neither', async (store) => {
    const joined = await store.add(
      { number: 10, unique: 'a', runAt: 5 },
      { number: 11, unique: 'a' },
      { number: 12, unique: 'b' },
      { number: 13, unique: 'b', runAt: 5 },
      // Numbers need not go up.
      { number: 9, unique: 'c' },
      { number: 14, unique: 'c' },
      { number: 8, unique: 'b' },
    )
    assert.deepEqual(joined, [
      [11, 10],
      [13, 12],
      [14, 9],
      [8, 12],
    ])
  })

  it('nobody without a unique', async (store) => {
    await store.add({ number: 1, workload: 'x' }, { number: 2, workload: 'x' }, { number: 3 }, { number: 4 })
    assert.deepEqual(await store.numbers(), [1, 2, 3, 4])
  })

  it('- joins one with - and the same workload', async (store) => {
    const dash = (number: number, workload: string, name = 'f') => ({ number, unique: '-', workload, function: name })
    assert.deepEqual(await store.add(dash(1, 'x'), dash(2, 'y'), dash(3, 'x', 'g')), [])
    assert.deepEqual(await store.add(dash(4, 'x'), dash(5, 'y'), dash(6, 'x', 'g'), dash(7, 'z')), [
      [4, 1],
      [5, 2],
      [6, 3],
    ])
    assert.deepEqual(await store.add({ number: 8, unique: 'x', workload: 'x' }, { number: 9, unique: '-x' }), [])
  })

  it('- with an empty workload joins nobody', async (store) => {
    assert.deepEqual(await store.add({ number: 1, unique: '-' }, { number: 2, unique: '-' }), [])
  })

  it('- looks at every byte of a workload', async (store) => {
    const size = 300_000
    const changedAt = (at: number) => {
      const workload = Buffer.alloc(size, 'x')
      workload[at] = 0
      return workload
    }
    const places = [0, 1, 32_767, 32_768, 150_000, 150_001, size - 32_769, size - 32_768, size - 1]
    const workloads = [
      ...places.map(changedAt),
      Buffer.alloc(size, 'x'),
      Buffer.alloc(size - 1, 'x'),
      Buffer.alloc(size + 1, 'x'),
    ]
    const dashes = (from: number) => workloads.map((workload, i) => ({ number: from + i, unique: '-', workload }))
    assert.deepEqual(await store.add(...dashes(1)), [])
    assert.deepEqual(
      await store.add(...dashes(101)),
      workloads.map((_, i) => [101 + i, 1 + i]),
    )
  })

  it('an addition that comes again joins itself', async (store) => {
    const add = [
      { number: 1, unique: 'u' },
      { number: 2 },
      { number: 3, runAt: 9 },
      { number: 4, unique: '-' },
      { number: 5, unique: 'v', runAt: 7 },
    ]
    await store.add(...add)
    const again = [
      [1, 1],
      [2, 2],
      [3, 3],
      [4, 4],
      [5, 5],
    ]
    assert.deepEqual(await store.add(...add), again)
    const { functions } = await store.reopen()
    assert.deepEqual(functions, [{ name: 'f', ready: [0, 3, 0], delayed: 2, dead: 0 }])
    assert.deepEqual(await store.add(...add, { number: 6 }), again)
    assert.deepEqual(await store.add({ number: 7 }, { number: 7 }), [[7, 7]])
    assert.deepEqual(await store.claimNumbers(), [1, 2, 4, 6, 7])
  })

  it('an addition that comes again joins the job that it had joined', async (store) => {
    await store.add({ number: 1, unique: 'u' })
    const add = [
      { number: 2, unique: 'u' },
      { number: 3, unique: 'w' },
    ]
    await store.add(...add)
    assert.deepEqual(await store.add(...add), [
      [2, 1],
      [3, 3],
    ])
  })

  it('when some have ended, the others are still joined', async (store) => {
    const again = (from: number) => Array.from({ length: 9 }, (_, i) => ({ number: from + i, unique: `u${i}` }))
    await store.add(...again(1))
    await store.do({ forget: [1, 2, 9], cancel: [5] })
    assert.deepEqual(await store.add(...again(11)), [
      [13, 3],
      [14, 4],
      [16, 6],
      [17, 7],
      [18, 8],
    ])
    await store.do({ forget: [3, 4, 11, 12] })
    assert.deepEqual(await store.add(...again(21)), [
      [25, 15],
      [26, 6],
      [27, 7],
      [28, 8],
      [29, 19],
    ])
  })

  it('of many, those that are new are added', async (store) => {
    await store.add(...unique(1, 1000, (i) => i * 3))
    const joined = await store.add(...unique(2001, 1000, (i) => i))
    assert.deepEqual(
      joined,
      Array.from({ length: 334 }, (_, i) => [2001 + i * 3, 1 + i]),
    )
    assert.equal((await store.claim({ jobsMax: 5000 })).length, 1000 + 1000 - 334)
  })
}

function unique(from: number, count: number, uniqueOf: (i: number) => number): Addition[] {
  return Array.from({ length: count }, (_, i) => ({ number: from + i, unique: `u${uniqueOf(i)}` }))
}
