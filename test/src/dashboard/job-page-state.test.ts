import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { stateOf, timeLine } from '@geartrain/dashboard/pages/job/time-line'
import {
  type JobEvent,
  type JobSnapshot,
  type Told,
  withEvent,
  withSnapshot,
} from '@geartrain/dashboard/pages/job/told'
import { waitingJob } from './samples.ts'

const base: JobSnapshot = { ...waitingJob, submittedAt: 1000 }
const worker = 'mailer 10.0.0.1'

function failure(at: number, error = 'no\n  at x') {
  return { at, reason: 'exception', worker, error } as const
}

/** Snapshots, and events each with the time at which it comes. */
function told(...steps: readonly (Partial<JobSnapshot> | readonly [at: number, event: JobEvent])[]): Told {
  let state: Told | undefined
  for (const step of steps) {
    if (!('handle' in step) && Array.isArray(step)) {
      const [at, event] = step as readonly [number, JobEvent]
      state = withEvent(state ?? withSnapshot(undefined, base), event, at)
    } else state = withSnapshot(state, { ...base, ...(step as Partial<JobSnapshot>) })
  }
  return state ?? withSnapshot(undefined, base)
}

/** A line for each moment: when, what, and what lay before it. */
function lines(state: Told): string[] {
  return timeLine(state).map(({ at, title, lay, isAhead, worker: who = '', text = '' }) =>
    [at ?? '-', isAhead === true ? 'ahead:' : '', title, lay ?? '', who === '' ? '' : `on ${who}`, text]
      .filter((part) => part !== '')
      .join(' '),
  )
}

const running = { state: 'running', startedAt: 1500, worker, connection: 3 } as const

describe('the time line', () => {
  const rows: readonly [what: string, told: Told, lines: readonly string[]][] = [
    ['waits', told({}), ['1000 Submitted in the background', '- Waits for a worker']],
    [
      'by a client, of whom nothing is known but that it waits',
      told({ submittedAt: undefined as never, background: false, waiting: 1 }),
      ['- Waits for a worker'],
    ],
    [
      'delayed, and may expire',
      told({ state: 'delayed', runAt: 5000, expireAt: 9000 }),
      [
        '1000 Submitted in the background',
        '5000 ahead: Delayed: not begun before',
        '9000 ahead: Expires unless it is begun before',
      ],
    ],
    ['runs', told(running), ['1000 Submitted in the background', `1500 Attempt 1 runs waited on ${worker}`]],
    [
      'has begun a moment ago: nobody has said when',
      told({}, [1400, { kind: 'started', data: { attempt: 1 } }]),
      ['1000 Submitted in the background', '- Attempt 1 runs'],
    ],
    [
      'has failed before anybody watched, and is tried again later',
      told({ state: 'delayed', attempts: 1, runAt: 7000, failures: [failure(2000)] }),
      [
        '1000 Submitted in the background',
        `2000 Attempt 1 threw an exception after on ${worker} no`,
        '7000 ahead: Attempt 2 not begun before',
      ],
    ],
    [
      'has failed before anybody watched, and it is known when that attempt began',
      told({ attempts: 1, failures: [{ ...failure(2000), startedAt: 1200 }] }),
      [
        '1000 Submitted in the background',
        `1200 Attempt 1 began waited on ${worker}`,
        '2000 Attempt 1 threw an exception took no',
        '- Waits for attempt 2',
      ],
    ],
    [
      'was running when the server was started again, which knows it no longer',
      { ...told(running), isGone: true },
      ['1000 Submitted in the background', `1500 Attempt 1 began waited on ${worker}`],
    ],
    [
      'was seen to fail',
      told(running, { attempts: 1, failures: [failure(2000)] }),
      [
        '1000 Submitted in the background',
        `1500 Attempt 1 began waited on ${worker}`,
        '2000 Attempt 1 threw an exception took no',
        '- Waits for attempt 2',
      ],
    ],
    [
      'is dead, and of its first attempts nothing is kept',
      told({
        state: 'dead',
        reason: 'exception',
        attempts: 5,
        failures: [failure(4000), failure(5000)],
        endedAt: 5001,
        keepUntil: 90_000,
      }),
      [
        '1000 Submitted in the background',
        `4000 Attempt 4 threw an exception after on ${worker} no`,
        `5000 Attempt 5 threw an exception after on ${worker} no`,
        '5001 Dead: out of attempts after 5 attempts',
        '90000 ahead: Kept until',
      ],
    ],
    [
      'is dead since nobody began it',
      told({ state: 'dead', reason: 'expired', endedAt: 3000 }),
      ['1000 Submitted in the background', '3000 Dead: no worker began it in its time'],
    ],
    [
      'was seen to be done',
      told(running, [1800, { kind: 'ended', data: { outcome: 'complete', dead: false } }]),
      ['1000 Submitted in the background', `1500 Attempt 1 began waited on ${worker}`, '1800 Complete took'],
    ],
    [
      'was seen to be cancelled',
      told({}, [1800, { kind: 'ended', data: { outcome: 'cancelled', dead: false } }]),
      ['1000 Submitted in the background', '1800 Ended: it was cancelled after'],
    ],
    [
      'is kept with its result',
      told({ state: 'complete', endedAt: 3000, keepUntil: 9000, result: { text: '' } }),
      ['1000 Submitted in the background', '3000 Complete after', '9000 ahead: Kept with its result until'],
    ],
    [
      'ended in a way of which this page has never heard',
      told({}, [1800, { kind: 'ended', data: { outcome: 'eaten', dead: false } }]),
      ['1000 Submitted in the background', '1800 Ended: eaten after'],
    ],
  ]
  for (const [what, state, expected] of rows) test(what, () => assert.deepEqual(lines(state), expected))
})

describe('what is told', () => {
  test('an end that was seen says more than the state that is kept', () => {
    const end = { kind: 'ended', data: { outcome: 'timeout', dead: false } } as const
    const ended = told(running, [1800, end], { state: 'failed', endedAt: 1799 })
    assert.deepEqual([stateOf(ended).text, ended.job.endedAt], ['timeout', 1799])
  })

  test('a dead job that is put in line again has not ended', () => {
    const end = { kind: 'ended', data: { outcome: 'failed', dead: true } } as const
    const again = told(running, [1800, end], { state: 'ready' })
    assert.deepEqual([stateOf(again).text, again.outcome], ['ready', undefined])
  })

  test('a new attempt begins without the progress of the last one', () => {
    const state = told(
      running,
      [1600, { kind: 'progress', data: { numerator: 3, denominator: 4 } }],
      [1700, { kind: 'retried', data: { reason: 'failed', attempts: 1, waitMs: 0 } }],
      [1800, { kind: 'started', data: { attempt: 2 } }],
    )
    const { attempts, denominator, worker: who, state: now } = state.job
    assert.deepEqual([now, attempts, denominator, who], ['running', 1, undefined, undefined])
  })

  const chunk = (text: string): [number, JobEvent] => [1600, { kind: 'data', data: { text } }]

  test('of data the last 200 pieces are kept', () => {
    const state = told(running, ...Array.from({ length: 201 }, (_, index) => chunk(`${index}`)))
    assert.deepEqual([state.chunks.length, state.chunkCount, state.chunks[0]?.data], [200, 201, { text: '1' }])
    const one = withEvent(state, { kind: 'warning', data: { text: 'last' } }, 1)
    assert.deepEqual([one.chunks.length, one.chunks.at(-1)?.kind, one.chunks.at(-1)?.id], [200, 'warning', 201])
  })

  test('and no more than 256 KiB of them', () => {
    const big = 'x'.repeat(64 * 1024)
    const four = told(running, ...Array.from({ length: 4 }, () => chunk(big)))
    assert.equal(four.chunks.length, 4)
    const more = withEvent(four, { kind: 'data', data: { text: 'y' } }, 1)
    assert.deepEqual([more.chunks.length, more.chunkCount], [4, 5])
    assert.equal(withEvent(four, { kind: 'data', data: { bytes: 1e9 } }, 1).chunks.length, 5)
    assert.equal(told(running, chunk('x'.repeat(1e6))).chunks.length, 1)
  })
})
