import assert from 'node:assert/strict'
import type { Counter } from './counter.ts'
import type { It } from './it.ts'

export function sizes(it: It): void {
  it('workloads of 20 MB', async (store) => {
    const workload = Buffer.alloc(20_000_000, 'large ')
    await store.add(
      { number: 1, workload, unique: '-' },
      { number: 2, workload: 'small' },
      { number: 3, workload, runAt: 5 },
    )
    assert.deepEqual(await store.add({ number: 4, workload, unique: '-' }), [[4, 1]])
    await promote(store, 5)
    await store.reopen()
    assert.ok((await store.claim({ bytesMax: 1 }))[0]?.workload.equals(workload))
    assert.deepEqual(await store.claimNumbers({ bytesMax: 20_000_005 }), [2, 3])
  })

  it('ten thousand functions', async (store) => {
    const names = Array.from({ length: 10_000 }, (_, i) => `function ${i}`)
    await store.add(...names.map((name, i) => ({ number: i + 1, function: name, unique: name })))
    const { functions } = await store.reopen()
    assert.deepEqual(new Set(functions.map((each) => each.name)), new Set(names))
    const requests = names.map(
      (each) => ({ kind: 'claim', function: each, priority: 1, jobsMax: 5, bytesMax: 100 }) as const,
    )
    const { answers } = await store.do({
      requests,
      forget: names.map((_, i) => i + 1).filter((number) => number % 2 === 0),
    })
    assert.deepEqual(
      answers.map((answer) => (answer.kind === 'claim' ? answer.count : -1)),
      names.map((_, i) => (i + 1) % 2),
    )
    assert.equal((await store.reopen()).functions.length, 5000)
  })
}

async function promote(store: Counter, until: number) {
  const { promoted, nextDueAt } = await store.do({ promoteUntil: until })
  const byPriority = promoted.toSorted((a, b) => a.priority - b.priority)
  return { promoted: byPriority, nextDueAt }
}
