import assert from 'node:assert/strict'
import type { Counter } from './counter.ts'
import type { It } from './it.ts'

const infinity = Number.POSITIVE_INFINITY

export function expiries(it: It): void {
  it('jobs that should have begun, in the order of these times', async (store) => {
    await store.add(
      { number: 5, expireAt: 10, function: 'g', unique: 'u', priority: 2 },
      { number: 1, expireAt: 30 },
      { number: 2, expireAt: 10, runAt: 8, options: '{}' },
      { number: 3 },
      { number: 4, expireAt: 20 },
    )
    assert.deepEqual(await list(store, 20, undefined, 2), {
      jobs: [
        { number: 2, function: 'f', unique: '', priority: 1, runAt: 8, attempts: 0, expireAt: 10, options: '{}' },
        { number: 5, function: 'g', unique: 'u', priority: 2, runAt: 0, attempts: 0, expireAt: 10, options: '' },
      ],
      nextExpiryAt: 20,
    })
    const after = { number: 5, expireAt: 10 }
    assert.deepEqual(numbers(await list(store, 20, after, 2)), [[4], 30])
    assert.deepEqual(numbers(await list(store, 20, { number: 2, expireAt: 10 }, 9)), [[5, 4], 30])
    assert.deepEqual(numbers(await list(store, 40, { number: 1, expireAt: 30 }, 9)), [[], infinity])
    assert.deepEqual(numbers(await list(store, 9, undefined, 9)), [[], 10])
  })

  it('the store says when the first one is due', async (store) => {
    assert.equal(store.state.nextExpiryAt, infinity)
    await store.add({ number: 1, expireAt: 30 }, { number: 2, expireAt: 20 }, { number: 3 })
    assert.equal((await store.reopen()).nextExpiryAt, 20)
    await store.do({ forget: [2] })
    assert.equal((await store.openAgain()).nextExpiryAt, 30)
  })

  it('one that has begun and failed expires no more', async (store) => {
    await store.add({ number: 1, expireAt: 30 }, { number: 2, expireAt: 40 })
    const failure = { at: 1, reason: 'failed', worker: '', error: '' } as const
    await store.do({
      changes: [
        { kind: 'retry', number: 1, runAt: 0, attempts: 1, failure },
        { kind: 'retry', number: 2, runAt: 90, attempts: 1, failure },
      ],
    })
    assert.equal((await store.reopen()).nextExpiryAt, infinity)
    assert.deepEqual(numbers(await list(store, 1000, undefined, 9)), [[], infinity])
  })

  it('the time is given to whoever claims the job', async (store) => {
    await store.add({ number: 1, expireAt: 30 })
    assert.equal((await store.claim())[0]?.expireAt, 30)
  })
}

async function list(
  store: Counter,
  until: number,
  after: { number: number; expireAt: number } | undefined,
  jobsMax: number,
) {
  const { answers } = await store.do({ requests: [{ kind: 'list expired', until, after, jobsMax }] })
  const [answer] = answers
  if (answer?.kind !== 'list expired') throw new Error(`not what has expired: ${answer?.kind}`)
  return { jobs: answer.jobs, nextExpiryAt: answer.nextExpiryAt }
}

function numbers({ jobs, nextExpiryAt }: Awaited<ReturnType<typeof list>>): [number[], number] {
  return [jobs.map(({ number }) => number), nextExpiryAt]
}
