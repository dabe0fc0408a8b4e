import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  actionsOf,
  bulkActions,
  bulkBody,
  filterAfter,
  fitting,
  jobsCounted,
} from '@geartrain/dashboard/pages/jobs/bulk-actions'
import { fillPage, inPlace, type JobPage, percentOf } from '@geartrain/dashboard/pages/jobs/job-page'
import type { JobSummary } from '@geartrain/protocol'
import fc from 'fast-check'

// What the page of jobs does without a browser.

function job(handle: string, fields: Partial<JobSummary> = {}): JobSummary {
  return {
    handle,
    function: 'f',
    unique: '',
    priority: 'normal',
    state: 'ready',
    attempts: 0,
    background: true,
    ...fields,
  }
}

describe('a page of jobs', () => {
  interface Row {
    readonly what: string
    /** How many jobs each look gives, and whether there is more behind it. */
    readonly looks: readonly (readonly [count: number, hasMore: boolean])[]
    readonly asked: readonly (readonly [after: string | undefined, limit: number])[]
    readonly found: number
    readonly next: string | undefined
  }
  const rows: readonly Row[] = [
    { what: 'is the last one', looks: [[2, false]], asked: [['x', 5]], found: 2, next: undefined },
    { what: 'is full', looks: [[5, true]], asked: [['x', 5]], found: 5, next: '1' },
    {
      what: 'is looked for further where it is short',
      looks: [
        [2, true],
        [0, true],
        [3, true],
      ],
      asked: [
        ['x', 5],
        ['1', 3],
        ['2', 3],
      ],
      found: 5,
      next: '3',
    },
    {
      what: 'is given up after some looks',
      looks: [
        [0, true],
        [1, true],
        [0, true],
        [4, false],
      ],
      asked: [
        ['x', 5],
        ['1', 5],
        ['2', 4],
      ],
      found: 1,
      next: '3',
    },
  ]
  for (const { what, looks, asked, found, next } of rows) {
    it(what, async () => {
      const was: [string | undefined, number][] = []
      const told: JobPage[] = []
      const ask = (after: string | undefined, limit: number) => {
        was.push([after, limit])
        const [count, hasMore] = looks[was.length - 1] ?? assert.fail('it looks too often')
        const jobs = Array.from({ length: count }, (_, index) => job(`${was.length}.${index}`))
        return Promise.resolve({ jobs, ...(hasMore ? { next: String(was.length) } : {}) })
      }
      const page = await fillPage(ask, { after: 'x', limit: 5, looksMax: 3 }, (each) => told.push(each))
      assert.deepEqual(was, asked)
      assert.deepEqual([page.jobs.length, page.next, page.isLooking], [found, next, false])
      assert.equal(told.length, asked.length - 1)
      for (const each of told) assert.equal(each.isLooking, true)
    })
  }

  it('rejects as its request does', async () => {
    const ask = () => Promise.reject(new Error('no'))
    await assert.rejects(
      fillPage(ask, { after: undefined, limit: 5, looksMax: 3 }, () => {}),
      /no/,
    )
  })
})

describe('jobs that somebody points at', () => {
  const handles = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e'))

  it('keep their places, as they are now', () => {
    const shown = [job('a'), job('b')].map((each) => ({ job: each, isGone: false }))
    const fresh = [job('c'), job('b', { state: 'running' })]
    assert.deepEqual(inPlace(shown, fresh), {
      jobs: [
        { job: job('a'), isGone: true },
        { job: job('b', { state: 'running' }), isGone: false },
      ],
      newCount: 1,
    })
  })

  it('are the same ones, whatever comes', () => {
    fc.assert(
      fc.property(handles, handles, (before, after) => {
        const shown = before.map((handle) => ({ job: job(handle), isGone: false }))
        const { jobs, newCount } = inPlace(
          shown,
          after.map((handle) => job(handle)),
        )
        assert.deepEqual(
          jobs.map((each) => [each.job.handle, each.isGone]),
          before.map((handle) => [handle, !after.includes(handle)]),
        )
        assert.equal(newCount, after.filter((handle) => !before.includes(handle)).length)
      }),
    )
  })
})

describe('progress', () => {
  const rows: readonly [numerator: number | undefined, denominator: number | undefined, percent: number | undefined][] =
    [
      [undefined, undefined, undefined],
      [1, undefined, undefined],
      [1, 0, undefined],
      [0, 10, 0],
      [1, 3, 33],
      [10, 10, 100],
      [20, 10, 100],
      [4_294_967_295, 1, 100],
    ]
  for (const [numerator, denominator, percent] of rows) {
    it(`${numerator} of ${denominator}`, () => assert.equal(percentOf(numerator, denominator), percent))
  }
})

describe('what can be done to many jobs', () => {
  const named = (filter: Parameters<typeof actionsOf>[0]) => actionsOf(filter).map(({ action }) => action)

  it('makes sense where they stand', () => {
    const rows: readonly [filter: Parameters<typeof actionsOf>[0], actions: readonly string[]][] = [
      [{}, ['run', 'prioritize', 'cancel']],
      [{ state: 'ready' }, ['prioritize', 'cancel']],
      [{ state: 'delayed' }, ['run', 'prioritize', 'cancel']],
      [{ state: 'running' }, ['cancel']],
      [{ worker: 'w' }, ['cancel']],
      [{ state: 'dead' }, ['retry', 'delete']],
      [{ reason: 'lost' }, ['retry', 'delete']],
      [{ state: 'complete' }, ['delete']],
      [{ state: 'failed' }, ['delete']],
      [{ state: 'exception' }, ['delete']],
    ]
    for (const [filter, actions] of rows) assert.deepEqual(named(filter), actions, JSON.stringify(filter))
  })

  it('is done to those of the selected for which it is', () => {
    const jobs = [job('a'), job('b', { state: 'running' }), job('c', { state: 'dead' }), job('d', { state: 'pending' })]
    const handles = bulkActions.map((action) => [
      action.action,
      fitting(action, jobs)
        .map(({ handle }) => handle)
        .join(''),
    ])
    assert.deepEqual(handles, [
      ['retry', 'c'],
      ['run', ''],
      ['prioritize', 'a'],
      ['cancel', 'abd'],
      ['delete', 'c'],
    ])
  })

  it('is asked for as the API has it', () => {
    const [retry, run, prioritize] = bulkActions
    assert.ok(retry !== undefined && run !== undefined && prioritize !== undefined)
    assert.deepEqual(bulkBody(retry, { kind: 'named', handles: ['a'] }, undefined), { action: 'retry', handles: ['a'] })
    assert.deepEqual(bulkBody(retry, { kind: 'all', filter: { reason: 'lost', olderThan: '1h' } }, undefined), {
      action: 'retry',
      filter: { reason: 'lost', olderThan: '1h', state: 'dead' },
    })
    assert.deepEqual(bulkBody(run, { kind: 'all', filter: {} }, undefined), {
      action: 'run',
      filter: { state: 'delayed' },
    })
    assert.deepEqual(bulkBody(prioritize, { kind: 'all', filter: { handle: 'H:a:1' } }, 'low'), {
      action: 'prioritize',
      filter: {},
      priority: 'low',
    })
  })

  it('leads to where they can be seen', () => {
    const [retry, run, prioritize] = bulkActions
    assert.ok(retry !== undefined && run !== undefined && prioritize !== undefined)
    const filter = { function: 'f', reason: 'lost', message: 'm', error: 'e' } as const
    const after = { function: 'f', state: 'ready' }
    assert.deepEqual(filterAfter(retry, { kind: 'all', filter }), after)
    assert.deepEqual(filterAfter(run, { kind: 'all', filter: { state: 'delayed' } }), { state: 'ready' })
    assert.equal(filterAfter(prioritize, { kind: 'all', filter }), undefined)
    assert.equal(filterAfter(retry, { kind: 'named', handles: ['a'] }), undefined)
  })

  it('says how many there are', () => {
    assert.equal(jobsCounted(1, true), '1 job')
    assert.equal(jobsCounted(1_000_000, true), '1,000,000 jobs')
    assert.equal(jobsCounted(10_000, false), 'at least 10,000 jobs')
  })
})
