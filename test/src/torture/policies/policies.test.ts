import assert from 'node:assert/strict'
import { it } from 'node:test'
import { failureReport, summary } from './report.ts'
import { torturePolicies } from './torture.ts'

const roundsMin = 10
const roundsMax = 40

/** If one of these does not happen, the rounds test less than they should: a slow machine gets more of them. */
const expected = [
  'acknowledged',
  'attempts that a kill may have undone',
  'complete',
  'dead and deleted',
  'dead and tried again',
  'exception',
  'fail',
  'followed',
  'inspections',
  'left',
  'limits reached',
  'paused',
  'policies set',
  'ticks seen',
  'tried again',
  'waits checked',
  'waits checked across a kill',
]
/** In these all is looked through at the end. */
const expectedAtTheEnd = ['audits', 'dead: exception', 'dead: failed', 'results looked up', 'stores checked']

it('policies and schedules hold on a server that is killed again and again', async (t) => {
  let isEnough = false
  const result = await torturePolicies({
    seed: 1,
    rounds: roundsMax,
    onRound: (round, seen) => {
      isEnough = round >= roundsMin && expected.every((what) => seen.has(what))
    },
    isStopped: () => isEnough,
  })
  assert.equal(result.fault, undefined, failureReport(result))
  for (const line of summary(result).split('\n')) t.diagnostic(line)
  assert.deepEqual(
    [...expected, ...expectedAtTheEnd].filter((what) => !(what in result.seen)),
    [],
  )
  assert.ok(result.ticks > 0)
})
