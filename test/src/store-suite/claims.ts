import assert from 'node:assert/strict'
import type { Addition } from './batch.ts'
import type { It } from './it.ts'

export function claims(it: It): void {
  it('jobs come out as they went in, the oldest first, each once', async (store) => {
    const jobs = [
      { number: 3, unique: 'u', reducer: 'r', then: '', expireAt: 0, attempts: 0, workload: 'abc' },
      { number: 9, unique: '', reducer: '', then: '', expireAt: 0, attempts: 2, workload: '' },
      { number: 4, unique: '-', reducer: 'reduce', then: 'next', expireAt: 77, attempts: 0, workload: '\0\xff' },
      ...[
        { number: 5, options: '{"ttl":"1s"}' },
        { number: 6, trace: '00-1-2-03' },
      ].map((rare) => ({
        unique: '',
        reducer: '',
        then: '',
        expireAt: 0,
        attempts: 0,
        workload: 'rare',
        ...rare,
      })),
    ]
    await store.add(...jobs)
    const given = (await store.claim()).map(({ workload, ...job }) => ({
      ...job,
      workload: workload.toString('latin1'),
    }))
    assert.deepEqual(
      given,
      jobs.map((job) => ({ options: '', trace: '', ...job, priority: 1, runAt: 0, readyAt: 0 })),
    )
    assert.deepEqual(await store.claim(), [])
  })

  it('each priority of each function has a line of its own', async (store) => {
    const lines = (['f', 'g'] as const).flatMap((name) => ([0, 1, 2] as const).map((priority) => ({ name, priority })))
    await store.add(
      ...Array.from({ length: 18 }, (_, i) => {
        const { name, priority } = lines[i % 6] ?? {}
        return { number: i, function: name ?? '', priority: priority ?? 1 }
      }),
    )
    for (const [i, { name, priority }] of lines.entries()) {
      assert.deepEqual(await store.claimNumbers({ function: name, priority }), [i, i + 6, i + 12])
    }
    assert.deepEqual(await store.claimNumbers({ function: 'h' }), [])
  })

  it('no more than asked for, and the next claim goes on from there', async (store) => {
    await store.add(...numbered(1, 7))
    assert.deepEqual(await store.claimNumbers({ jobsMax: 3 }), [1, 2, 3])
    assert.deepEqual(await store.claimNumbers({ jobsMax: 3 }), [4, 5, 6])
    assert.deepEqual(await store.claimNumbers({ jobsMax: 3 }), [7])
  })

  it('workloads up to the bound, and one at least', async (store) => {
    const sizes = [100, 50, 50, 51, 0, 0, 500]
    await store.add(...sizes.map((size, i) => ({ number: i + 1, workload: 'x'.repeat(size) })))
    assert.deepEqual(await store.claimNumbers({ bytesMax: 99 }), [1])
    assert.deepEqual(await store.claimNumbers({ bytesMax: 100 }), [2, 3])
    assert.deepEqual(await store.claimNumbers({ bytesMax: 0 }), [4, 5, 6].slice(0, 1))
    assert.deepEqual(await store.claimNumbers({ bytesMax: 499 }), [5, 6])
    assert.deepEqual(await store.claimNumbers({ bytesMax: 1 }), [7])
  })

  it('not more bytes than are asked for, also where a line was left and gone on with', async (store) => {
    const workload = (length: number) => 'x'.repeat(length)
    const sizes = [10, 10, 5000, 10]
    await store.add(...sizes.map((size, i) => ({ number: i + 1, workload: workload(size) })))
    assert.deepEqual(await store.claimNumbers({ jobsMax: 1 }), [1])
    assert.deepEqual(await store.claimNumbers({ bytesMax: 100 }), [2])
    assert.deepEqual(await store.claimNumbers({ bytesMax: 100 }), [3])
    assert.deepEqual(await store.claimNumbers({ bytesMax: 100 }), [4])
  })

  it('several in one batch, after its additions', async (store) => {
    const claim = { kind: 'claim', function: 'f', priority: 1, jobsMax: 2, bytesMax: 100 } as const
    const { answers } = await store.do({ add: numbered(1, 5), requests: [claim, claim, claim] })
    assert.deepEqual(
      answers.map((answer) => (answer.kind === 'claim' ? answer.count : -1)),
      [2, 2, 1],
    )
  })

  it('what was added as claimed is not given out, what comes after it is', async (store) => {
    await store.add({ number: 1, isClaimed: true }, { number: 2, isClaimed: true }, { number: 3 })
    assert.deepEqual(await store.claimNumbers(), [3])
    await store.add({ number: 4, isClaimed: true })
    await store.add({ number: 5 })
    assert.deepEqual(await store.claimNumbers(), [5])
    assert.deepEqual(await store.numbers(), [1, 2, 3, 4, 5])
  })

  it('what was added as claimed is passed over wherever it stands', async (store) => {
    const add = Array.from({ length: 12 }, (_, i) => ({ number: i + 1, isClaimed: i % 3 !== 0 }))
    await store.add(...add)
    await store.do({ forget: [2], cancel: [3] })
    assert.deepEqual(await store.claimNumbers({ jobsMax: 2 }), [1, 4])
    await store.add({ number: 13, isClaimed: true }, { number: 14 })
    await store.do({ forget: [5, 12, 1] })
    assert.deepEqual(await store.claimNumbers(), [7, 10, 14])
    await store.reopen()
    assert.deepEqual(await store.claimNumbers(), [4, 6, 7, 8, 9, 10, 11, 13, 14])
  })

  it('one added as claimed moves only the line of its own priority and function', async (store) => {
    await store.add({ number: 1, priority: 0 }, { number: 2, function: 'g' }, { number: 3, isClaimed: true })
    assert.deepEqual(await store.claimNumbers({ priority: 0 }), [1])
    assert.deepEqual(await store.claimNumbers({ function: 'g' }), [2])
  })

  it('what was forgotten or cancelled is not given out, nor does it come back', async (store) => {
    await store.add(...numbered(1, 5))
    assert.deepEqual(await store.claimNumbers({ jobsMax: 2 }), [1, 2])
    await store.do({ forget: [1, 3], cancel: [4] })
    assert.deepEqual(await store.claimNumbers(), [5])
    await store.reopen()
    assert.deepEqual(await store.claimNumbers(), [2, 5])
  })

  it('a joining addition gives nothing to claim, and moves no line', async (store) => {
    await store.add({ number: 1, unique: 'u', isClaimed: true })
    await store.add({ number: 2, unique: 'u', isClaimed: true }, { number: 3 })
    assert.deepEqual(await store.claimNumbers(), [3])
  })
}

function numbered(from: number, count: number): Addition[] {
  return Array.from({ length: count }, (_, i) => ({ number: from + i }))
}
