import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StoredChange } from '@geartrain/server'
import { sharedPostgres } from '../support/postgres/shared-postgres.ts'
import { Member } from './writes-parts.ts'

const postgres = sharedPostgres()
const options = { skip: postgres.skip }
const failure = { at: 7, reason: 'failed', worker: 'w', error: '' } as const

function retry(number: number, runAt: number): StoredChange {
  return { kind: 'retry', number, runAt, attempts: 1, failure }
}

function bury(number: number, deadMax = 1000): Extract<StoredChange, { kind: 'bury' }> {
  return { kind: 'bury', number, reason: 'failed', diedAt: number, attempts: 1, failure, keepUntil: 900, deadMax }
}

function keep(number: number): StoredChange {
  const rest = { data: new Uint8Array(0), numerator: 0, denominator: 0, endedAt: 5, keepUntil: 900, uniqueUntil: 0 }
  return { kind: 'keep', number, outcome: 'complete', ...rest }
}

test('what another server has is left alone, whatever this one says has become of it', options, async () => {
  const { url } = await postgres.createDatabase()
  await using one = await Member.open(url)
  await using two = await Member.open(url)
  await one.do({ add: [1, 2, 3, 4, 5].map((number) => ({ number })) })
  await one.claim(5)
  const changes = [retry(1, 0), retry(2, 90), bury(3), keep(4)]
  assert.deepEqual(
    (await two.do({ forget: [5], changes })).changed,
    changes.map(() => 'not found'),
  )
  assert.deepEqual(await one.wrongCounts(), [])
  assert.deepEqual(
    (await one.rows('SELECT number FROM geartrain.jobs WHERE owner = $1 ORDER BY 1', one.id)).flat(),
    [1, 2, 3, 4, 5],
  )
  assert.deepEqual(
    (await one.do({ forget: [5], changes })).changed,
    changes.map(() => 'done'),
  )
  assert.deepEqual(await one.wrongCounts(), [])
  // It is delayed, and whose attempt has failed is known.
  const later = [bury(2), keep(2), retry(2, 0)]
  assert.deepEqual(
    (await two.do({ forget: [2], changes: later })).changed,
    later.map(() => 'not found'),
  )
  one.end(two)
  assert.deepEqual((await two.do({ changes: [keep(1), keep(2)] })).changed, ['done', 'not found'], 'it is gone')
})

test('a server that has lost its lease says nothing more of jobs that others have had since', options, async () => {
  const { url } = await postgres.createDatabase()
  await using before = await Member.open(url)
  await using third = await Member.open(url)
  await using now = await Member.open(url)
  await using fresh = await Member.open(url)
  const add = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((number) => ({ number, isClaimed: true }))
  await before.do({ add })
  before.end(third, now, fresh)
  await third.claim(4)
  await third.do({ changes: [retry(4, 90)] })
  // It lives on under another id, and what it did before has not been kept. Of what the third had 4 is let go, and 8 was
  // dead for a while.
  await third.do({ changes: [bury(8), { kind: 'revive', number: 8, workload: undefined }] })
  third.end(now, fresh)
  now.former = [before.id]
  const changes = [retry(1, 0), bury(2), keep(3), keep(4), retry(5, 0), bury(6), keep(7)]
  assert.deepEqual((await now.do({ forget: [1, 8, 9], changes })).changed, [
    'not found',
    'not found',
    'not found',
    'not found',
    'done',
    'done',
    'done',
  ])
  const owners = async () => await now.rows('SELECT number, owner FROM geartrain.jobs ORDER BY number')
  const rows = [1, 2, 3].map((number) => [number, third.id])
  assert.deepEqual(await owners(), [...rows, [4, -third.id], [5, before.id], [8, -third.id]])
  // One that has lost none knows of them what it has just read.
  assert.deepEqual((await fresh.do({ forget: [1], changes: [bury(2), keep(3), keep(4)] })).changed, [
    'done',
    'done',
    'not found',
  ])
  assert.deepEqual(await owners(), [
    [4, -third.id],
    [5, before.id],
    [8, -third.id],
  ])
  assert.deepEqual(await now.wrongCounts(), [])
})

test(
  'what nobody has begun in its time is ended by whoever sees to it, unless a living server has it',
  options,
  async () => {
    const { url } = await postgres.createDatabase()
    await using one = await Member.open(url)
    await using two = await Member.open(url)
    await using gone = await Member.open(url)
    const add = [1, 2, 3, 4, 5, 6].map((number) => ({ number, expireAt: 50, isClaimed: true }))
    await gone.do({ add: add.slice(0, 4) })
    await two.do({ add: add.slice(4) })
    gone.end(one)
    one.former = [99]
    await one.rows('UPDATE geartrain.jobs SET owner = -owner WHERE number IN (1, 3)')
    const expire = (number: number, diedAt: number): StoredChange => ({ ...bury(number), reason: 'expired', diedAt })
    const all = async (at: number) =>
      (await one.do({ now: at, forget: [3, 4, 6], changes: [1, 2, 5].map((each) => expire(each, at)) })).changed
    assert.deepEqual(await all(49), ['not found', 'not found', 'not found'])
    assert.deepEqual(await all(50), ['done', 'done', 'not found'])
    assert.deepEqual((await one.rows('SELECT number FROM geartrain.jobs ORDER BY 1')).flat(), [5, 6])
    assert.deepEqual((await one.rows('SELECT number FROM geartrain.dead ORDER BY 1')).flat(), [1, 2])
    assert.deepEqual(await one.wrongCounts(), [])
  },
)

test('a job is cancelled wherever it is, and whoever has it is to be told', options, async () => {
  const { url } = await postgres.createDatabase()
  await using one = await Member.open(url)
  await using two = await Member.open(url)
  await using three = await Member.open(url)
  await one.do({ add: [1, 2, 3, 4, 5].map((number) => ({ number, unique: `u${number}` })) })
  await one.claim(2)
  await two.claim(1)
  await three.claim(1)
  three.end(two)
  const { cancelled } = await two.do({ cancel: [5, 4, 3, 2, 1, 9, 1] })
  assert.deepEqual(
    cancelled.map(({ number, unique }) => [number, unique]),
    [
      [5, 'u5'],
      [4, 'u4'],
      [3, 'u3'],
      [2, 'u2'],
      [1, 'u1'],
    ],
  )
  assert.deepEqual(
    cancelled.map(({ claimedBy }) => claimedBy),
    [undefined, undefined, undefined, one.id, one.id],
  )
  assert.equal(two.areOthersCancelled, true)
  assert.deepEqual(await one.rows('SELECT server_id, number FROM geartrain.cancels ORDER BY number'), [
    [one.id, 1],
    [one.id, 2],
  ])
  assert.deepEqual(await one.wrongCounts(), [])
})

test('the others are told of all lines that have got jobs which nobody has', options, async () => {
  const { url } = await postgres.createDatabase()
  await using one = await Member.open(url)
  await using two = await Member.open(url)
  const linesAfter = async (wish: Parameters<Member['do']>[0]) => {
    await one.do(wish)
    return one.lines
  }
  const add = [
    { number: 1, isClaimed: true },
    { number: 2, function: 'delayed', runAt: 50 },
    { number: 3, function: 'g', priority: 0 as const },
    { number: 4, function: 'delayed', runAt: 60 },
    { number: 5, function: 'g', priority: 0 as const, isClaimed: true },
  ]
  assert.deepEqual(await linesAfter({ add }), ['g 0'])
  assert.deepEqual(await linesAfter({ promoteUntil: 50 }), ['delayed 1'])
  assert.deepEqual(await linesAfter({ changes: [{ kind: 'hasten', number: 4 }] }), ['delayed 1'])
  assert.deepEqual(await linesAfter({ changes: [{ kind: 'prioritize', number: 3, priority: 2 }] }), ['g 2'])
  assert.deepEqual(await linesAfter({ changes: [{ kind: 'prioritize', number: 5, priority: 1 }] }), [], 'it is claimed')
  two.end(one)
  assert.deepEqual(await linesAfter({ changes: [bury(1), { kind: 'revive', number: 1, workload: undefined }] }), [
    'f 1',
  ])
  assert.deepEqual(await one.wrongCounts(), [])
})

test('no more dead jobs than there may be are kept, and no fewer, whichever servers bury them', options, async () => {
  const { url } = await postgres.createDatabase()
  await using one = await Member.open(url)
  await using two = await Member.open(url)
  const numbers = Array.from({ length: 40 }, (_, i) => i + 1)
  await one.do({ add: numbers.map((number) => ({ number })) })
  await one.claim(20)
  await two.claim(20)
  for (let i = 0; i < 20; i += 4) {
    const of = (from: number) => ({ changes: [0, 1, 2, 3].map((at) => bury(from + i + at, 10)) })
    await Promise.all([one.do(of(1)), two.do(of(21))])
    const [[count] = []] = await one.rows('SELECT count(*) FROM geartrain.dead')
    assert.ok(Number(count) >= Math.min(10, 2 * (i + 4)), `${Number(count)} after ${2 * (i + 4)}`)
  }
  await one.do({ add: [{ number: 99, isClaimed: true }], changes: [] })
  await one.do({ changes: [bury(99, 10)] })
  const left = (await one.rows('SELECT number FROM geartrain.dead ORDER BY number')).flat()
  assert.deepEqual(left, [32, 33, 34, 35, 36, 37, 38, 39, 40, 99])
  assert.deepEqual(await one.wrongCounts(), [])
})

test('numbers are set aside once', options, async () => {
  const { url } = await postgres.createDatabase()
  await using one = await Member.open(url)
  await using two = await Member.open(url)
  assert.equal((await one.do({ reserve: { from: 100, count: 50 } })).reserved, 100)
  assert.equal((await two.do({ reserve: { from: 100, count: 50 } })).reserved, 150)
  assert.equal((await one.do({ reserve: { from: 1000, count: 1 } })).reserved, 1000)
})

test('a line stays in order, whichever servers add to it', options, async () => {
  const { url } = await postgres.createDatabase()
  await using one = await Member.open(url)
  await using two = await Member.open(url)
  await one.do({ add: [{ number: 11 }, { number: 12, unique: 'b' }, { number: 13 }, { number: 14, unique: 'a' }] })
  await two.do({ add: [{ number: 3 }, { number: 2, unique: 'z' }, { number: 1 }] })
  await one.do({ add: [{ number: 15 }] })
  assert.deepEqual(await two.claimNumbers(99), [11, 12, 13, 14, 3, 2, 1, 15])
})
