import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RecordReader } from '../store-suite/parts.ts'
import { sharedPostgres } from '../support/postgres/shared-postgres.ts'
import { Member } from './writes-parts.ts'

const postgres = sharedPostgres()
const options = { skip: postgres.skip }

function numbered(from: number, count: number) {
  return Array.from({ length: count }, (_, i) => ({ number: from + i }))
}

test('two servers never claim the same job, and what one has is its own until it has ended', options, async () => {
  const { url } = await postgres.createDatabase()
  await using one = await Member.open(url)
  await using two = await Member.open(url)
  await one.do({ add: [...numbered(1, 6), { number: 7, isClaimed: true }] })
  assert.deepEqual(one.lines, ['f 1'], 'the others are told of them')
  assert.deepEqual(await one.claimNumbers(2), [1, 2])
  assert.deepEqual(await two.claimNumbers(2), [3, 4])
  assert.deepEqual(await two.claimNumbers(9), [5, 6])
  assert.deepEqual(await two.claimNumbers(9), [])
  one.end(two)
  assert.deepEqual(await two.claimNumbers(9), [1, 2, 7], 'what it had, in its old place')
  assert.deepEqual(await two.claimNumbers(9), [])
})

test('a server that is at a job does not hold up another one', options, async () => {
  const { url } = await postgres.createDatabase()
  await using one = await Member.open(url)
  await using two = await Member.open(url)
  await one.do({ add: numbered(1, 3) })
  await one.rows('BEGIN')
  await one.rows('SELECT FROM geartrain.jobs WHERE number = 2 FOR UPDATE')
  assert.deepEqual(await two.claimNumbers(9), [1, 3])
  await one.rows('COMMIT')
  assert.deepEqual(await two.claimNumbers(9), [2])
})

test('what comes back in front of a long line is found: at once when the line ends, else soon', options, async () => {
  const { url } = await postgres.createDatabase()
  await using one = await Member.open(url)
  await using two = await Member.open(url)
  await one.do({ add: numbered(1, 20) })
  assert.deepEqual(await one.claimNumbers(4), [1, 2, 3, 4])
  assert.deepEqual(await two.claimNumbers(4, { now: 5000 }), [5, 6, 7, 8])
  one.end(two)
  assert.deepEqual(await two.claimNumbers(2, { now: 5900 }), [9, 10], 'it goes on where it was')
  assert.deepEqual(await two.claimNumbers(2, { now: 6000 }), [1, 2], 'after a second it looks in front')
  assert.deepEqual(await two.claimNumbers(20, { now: 6001 }), [3, 4, ...numbered(11, 10).map(({ number }) => number)])
})

test('what a server lets go is ready for all, itself too', options, async () => {
  const { url } = await postgres.createDatabase()
  await using one = await Member.open(url)
  await using two = await Member.open(url)
  await one.do({ add: numbered(1, 6) })
  assert.deepEqual(await one.claimNumbers(2), [1, 2])
  await two.claimNumbers(1)
  const { changed } = await one.do({ changes: [{ kind: 'release', numbers: Float64Array.of(2, 3, 9) }] })
  assert.deepEqual([changed, one.lines], [['done'], ['f 1']])
  assert.deepEqual(await one.claimNumbers(2), [2, 4], 'not the one that another has')
  await one.do({ changes: [{ kind: 'release', numbers: Float64Array.of(2) }] })
  assert.deepEqual(await two.claimNumbers(9), [2, 5, 6])
})

test('what nobody has is discarded, whoever has let it go, and nothing else', options, async () => {
  const { url } = await postgres.createDatabase()
  await using one = await Member.open(url)
  await using two = await Member.open(url)
  await using three = await Member.open(url)
  await one.do({ add: [...numbered(1, 6), { number: 7, runAt: 9000 }] })
  assert.deepEqual(await one.claimNumbers(2), [1, 2])
  assert.deepEqual(await two.claimNumbers(1), [3])
  assert.deepEqual(await three.claimNumbers(1), [4])
  await one.do({ changes: [{ kind: 'release', numbers: Float64Array.of(2) }] })
  three.end(two)
  const { changed } = await two.do({
    changes: [1, 2, 3, 4, 5, 5, 7, 8].map((number) => ({ kind: 'discard', number })),
  })
  const found = ['not found', 'done', 'not found', 'done', 'done', 'not found', 'done', 'not found']
  assert.deepEqual(changed, found)
  assert.deepEqual(await two.rows('SELECT number FROM geartrain.jobs ORDER BY number'), [[1], [3], [6]])
  assert.deepEqual(await two.wrongCounts(), [])
})

test('a claim reads its line in order, and no more of it than it gives out', options, async () => {
  const { url } = await postgres.createDatabase()
  await using one = await Member.open(url)
  await one.do({ add: Array.from({ length: 3000 }, (_, i) => ({ number: i + 1, workload: 'x'.repeat(i % 50) })) })
  await one.rows('ANALYZE geartrain.jobs')
  assert.deepEqual(await one.claimNumbers(0), [])
  // The statement as it is, with the plan that it has whatever is asked for.
  const plan = await one.plan("EXECUTE claim(1, 1, 5, '{}', 10, 1, 100)")
  assert.equal(plan.match(/Index Scan using jobs_ready/g)?.length, 2, plan)
  assert.doesNotMatch(plan, /Bitmap|Seq Scan/)
  assert.doesNotMatch(plan, /Sort.*\n.*\n.*Index Scan using jobs_ready/)
  const request = { kind: 'claim', function: 'f', priority: 1, jobsMax: 100, bytesMax: 60 } as const
  const { answers } = await one.do({ requests: [request, request] })
  const numbers = answers.map((answer) => {
    assert(answer.kind === 'claim')
    const reader = new RecordReader(answer.jobs)
    const given: number[] = []
    while (reader.next()) given.push(reader.number)
    return given
  })
  // Workloads of 0, 1, 2... bytes, 55 of them together, and then 66.
  assert.deepEqual(
    numbers,
    [numbered(1, 11), numbered(12, 4)].map((jobs) => jobs.map(({ number }) => number)),
  )
})
