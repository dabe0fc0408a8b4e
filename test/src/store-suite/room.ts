import assert from 'node:assert/strict'
import type { Addition } from './batch.ts'
import { Counter } from './counter.ts'
import type { It } from './it.ts'

export function room(it: It): void {
  const workloadBytes = 100_000
  const large = (number: number): Addition => ({ number, workload: Buffer.alloc(workloadBytes / 10) })

  it('a batch that finds none is not done at all, its requests are answered, and then there is room again', async (roomy, place) => {
    await roomy.close()
    const store = await Counter.open(place, await place.makeSmallStore(workloadBytes))
    await store.add({ number: 1, unique: 'u' }, { number: 2 }, { number: 3, runAt: 5 })
    let number = 10
    let full = await store.tryTo({ add: [large(number)] })
    while (full.failure === undefined && number < 100) full = await store.tryTo({ add: [large(++number)] })
    assert.equal(full.failure?.code, place.fullCode)
    const before = await store.list()

    const lost = await store.tryTo({
      forget: [1],
      cancel: [2],
      add: [
        { number: 101, unique: 'u' },
        { number: 102, function: 'new', isClaimed: true },
        ...[103, 104, 105, 106].map(large),
      ],
      promoteUntil: 5,
      reserve: { from: 1e6, count: 0 },
      requests: [
        { kind: 'list', after: 0, jobsMax: 1000 },
        { kind: 'claim', function: 'f', priority: 1, jobsMax: 2, bytesMax: 1000 },
      ],
    })
    const { failure, joined, cancelled, promoted, nextDueAt, answers } = lost
    assert.deepEqual([failure?.code, failure?.isBroken], [place.fullCode, false])
    assert.deepEqual(
      { joined, cancelled, promoted, nextDueAt },
      { joined: Float64Array.of(), cancelled: [], promoted: [], nextDueAt: undefined },
    )
    const [list, claim] = answers
    assert.deepEqual(list, { kind: 'list', jobs: before })
    assert.equal(claim?.kind === 'claim' && claim.count, 2)

    await store.do({ forget: before.map((job) => job.number).filter((each) => each >= 10) })
    assert.deepEqual(await store.add({ number: 101, unique: 'u' }, { number: 102, function: 'new' }, large(103)), [
      [101, 1],
    ])
    assert.deepEqual(await store.claimNumbers({ function: 'new' }), [102])
    const state = await store.openAgain()
    assert.equal(state.firstNumber, 104)
    assert.equal(state.nextDueAt, 5)
    assert.deepEqual(
      new Map(state.functions.map((each) => [each.name, each.ready[1]])),
      new Map([
        ['f', 3],
        ['new', 1],
      ]),
    )
  })
}
