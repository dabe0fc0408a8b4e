import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { plainPolicy, priorities, type Submission } from '@geartrain/engine'
import fc from 'fast-check'
import { Job, JobFunction, JobTable } from './parts.ts'

const jobFunction = new JobFunction('f', () => plainPolicy)
const submission: Submission = {
  function: 'f',
  unique: '',
  workload: new Uint8Array(0),
  priority: priorities.normal,
  background: true,
  runAt: 0,
  reducer: '',
  then: '',
  options: '',
  trace: '',
}

function job(number: number): Job {
  return new Job(number, jobFunction, submission)
}

/** What stands in the table, and that each is found by its number and no other is. */
function check(table: JobTable, expected: readonly Job[]): void {
  assert.equal(table.size, expected.length)
  assert.deepEqual(
    Array.from(table, (found) => found.number),
    expected.map((found) => found.number),
  )
  for (const found of expected) assert.equal(table.get(found.number), found)
}

suite('numbers', () => {
  for (const [name, first] of [
    ['from 1', 1],
    ['across a border of pages', 1024 - 3],
    ['across 2^31', 2 ** 31 - 3],
    ['across 2^32', 2 ** 32 - 3],
    ['up to the last safe integer', 2 ** 53 - 8],
  ] as const) {
    test(name, () => {
      const table = new JobTable()
      const jobs = Array.from({ length: 7 }, (_, i) => job(first + i))
      for (const one of jobs) table.add(one)
      check(table, jobs)
      assert.equal(table.get(first - 1), undefined)
      assert.equal(table.get(first + 7), undefined)
      // The same number modulo 2^31 and 2^32, or with other neighbours.
      for (const far of [2 ** 31, 2 ** 32]) {
        assert.equal(table.get(first + far), undefined)
        assert.equal(table.get(first - far), undefined)
      }
      for (const one of jobs.splice(2, 3)) table.delete(one)
      check(table, jobs)
    })
  }

  test('that are none', () => {
    const table = new JobTable()
    for (const fill of [false, true]) {
      if (fill) table.add(job(1))
      for (const number of [-1, 0, -1024, 0.5, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60]) {
        assert.equal(table.get(number), undefined)
      }
    }
  })
})

test('a job that is deleted twice, or was never added, changes nothing', () => {
  const table = new JobTable()
  const [one, two] = [job(1), job(5000)]
  table.add(one)
  table.delete(two)
  check(table, [one])
})

test('does what a map does, with jobs that live long and jobs that do not', () => {
  const step = fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant('add' as const), skip: fc.constantFrom(1, 1, 1, 700, 5000) }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete' as const), index: fc.nat() }) },
  )
  fc.assert(
    fc.property(fc.constantFrom(1, 2 ** 32 - 1000), fc.array(step, { maxLength: 60, size: 'max' }), (first, steps) => {
      const table = new JobTable()
      const live: Job[] = []
      let number = first
      for (const one of steps) {
        if (one.kind === 'add') {
          number += one.skip
          const added = job(number)
          table.add(added)
          live.push(added)
        } else {
          const [deleted] = live.splice(one.index % (live.length || 1), 1)
          if (deleted !== undefined) {
            table.delete(deleted)
            assert.equal(table.get(deleted.number), undefined)
          }
        }
      }
      check(table, live)
    }),
  )
})
