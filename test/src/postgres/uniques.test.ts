import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StoredChange } from '@geartrain/server'
import { uniqueKey } from '../../../packages/server/dist/store/postgres/unique-key.js'
import type { Claimed } from '../store-suite/batch.ts'
import { sharedPostgres } from '../support/postgres/shared-postgres.ts'
import { Member } from './writes-parts.ts'

const postgres = sharedPostgres()
const options = { skip: postgres.skip }
const failure = { at: 7, reason: 'failed', worker: 'w', error: '' } as const

test('a unique and a workload have different keys, and none has none', () => {
  const key = (unique: string, workload = '') => uniqueKey(unique, Buffer.from(workload))?.toString('hex')
  assert.equal(key('abc'), 'ba7816bf8f01cfea414140de5dae2223', 'the first half of the digest')
  assert.equal(key('abc', 'work'), key('abc'))
  assert.equal(key('-', 'abc'), 'b00361a396177a9cb410ff61f20015ad', 'the second')
  assert.equal(key('\xff\0'), uniqueKey('\xff\0', Buffer.alloc(0))?.toString('hex'))
  assert.deepEqual([key(''), key('', 'work'), key('-')], [undefined, undefined, undefined])
})

test('two servers that add the same: one joins the other', options, async () => {
  const { url } = await postgres.createDatabase()
  await using one = await Member.open(url)
  await using two = await Member.open(url)
  const add = (from: number) => ({
    add: Array.from({ length: 200 }, (_, i) => ({ number: from + i, unique: `u${i % 150}`, isThrottled: i % 2 === 0 })),
  })
  const [first, second] = await Promise.all([one.do(add(1000)), two.do(add(2000))])
  const [[count] = []] = await one.rows('SELECT count(*) FROM geartrain.jobs')
  assert.deepEqual([count, first.joined.length / 2 + second.joined.length / 2], [150, 250])
  assert.deepEqual(await one.wrongCounts(), [])
})

test('one that another server is about to end is joined, and nobody waits for it', options, async () => {
  const { url } = await postgres.createDatabase()
  await using one = await Member.open(url)
  await using two = await Member.open(url)
  await one.do({ add: [{ number: 1, unique: 'u' }] })
  await one.rows('BEGIN')
  await one.rows('DELETE FROM geartrain.jobs')
  assert.deepEqual((await two.do({ add: [{ number: 2, unique: 'u' }] })).joined, Float64Array.of(0, 1))
  await one.rows('ROLLBACK')
})

test(
  'servers that do everything at once: no job is had twice, every unique is held, every count is right',
  options,
  async () => {
    const { url } = await postgres.createDatabase()
    await using one = await Member.open(url)
    await using two = await Member.open(url)
    await using three = await Member.open(url)
    const members = [one, two, three]
    const uniques = Array.from({ length: 40 }, (_, i) => `u${i}`)
    /** Who has it; whoever claims one that is here, or ends one that is not its own, is wrong. */
    const owners = new Map<number, Member>()

    async function work(member: Member, seed: number): Promise<void> {
      const random = randoms(seed)
      let mine: Claimed[] = []
      for (let round = 0; round < 15; round++) {
        const numbers = Array.from({ length: 30 }, (_, i) => seed * 1_000_000 + round * 1000 + i)
        const add = numbers.map((number) => ({ number, unique: uniques[random() % uniques.length] ?? '' }))
        const [forget, rest] = [mine.filter((_, i) => i % 3 === 0), mine.filter((_, i) => i % 3 !== 0)]
        const changes = rest.map(({ number, attempts }) => toChange(number, attempts + 1))
        for (const { number } of mine) owners.delete(number)
        const numbersOf = (jobs: readonly Claimed[]) => jobs.map(({ number }) => number)
        const { changed } = await member.do({ forget: numbersOf(forget), changes, add, promoteUntil: 9 })
        assert.deepEqual(new Set(changed), new Set(changes.map(() => 'done')))
        mine = await member.claim(10)
        for (const number of numbersOf(mine)) {
          assert.equal(owners.has(number), false, `job ${number} is had twice`)
          owners.set(number, member)
        }
      }
    }

    await Promise.all(members.map((member, i) => work(member, i + 1)))
    assert.deepEqual(await one.wrongCounts(), [])
    const twice = await one.rows('SELECT unique_name FROM geartrain.jobs GROUP BY unique_name HAVING count(*) > 1')
    assert.deepEqual(twice, [])
    const had = (await one.rows('SELECT number FROM geartrain.jobs WHERE owner > 0 ORDER BY number')).flat()
    assert.deepEqual(
      had,
      [...owners.keys()].toSorted((a, b) => a - b),
    )
  },
)

function toChange(number: number, attempts: number): StoredChange {
  if (number % 2 === 0) return { kind: 'retry', number, runAt: 5, attempts, failure }
  const rest = { data: new Uint8Array(1), numerator: 0, denominator: 0, endedAt: 1, keepUntil: 9, uniqueUntil: 9 }
  return { kind: 'keep', number, outcome: 'complete', ...rest }
}

/** The same each time. */
function randoms(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return state >>> 8
  }
}
