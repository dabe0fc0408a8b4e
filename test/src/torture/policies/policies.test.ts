import assert from 'node:assert/strict'
import { it } from 'node:test'
import { failureReport, summary } from './report.ts'
import { torturePolicies } from './torture.ts'

const rounds = 10

it(`policies and schedules hold on a server that is killed in ${rounds} rounds`, async (t) => {
  const result = await torturePolicies({ seed: 1, rounds })
  assert.equal(result.fault, undefined, failureReport(result))
  for (const line of summary(result).split('\n')) t.diagnostic(line)
  // If one of these does not happen in that many rounds, they test less than they should.
  const expected = [
    'acknowledged',
    'attempts that a kill may have undone',
    'audits',
    'complete',
    'dead and deleted',
    'dead and tried again',
    'dead: exception',
    'dead: failed',
    'exception',
    'fail',
    'followed',
    'inspections',
    'left',
    'limits reached',
    'paused',
    'policies set',
    'results looked up',
    'stores checked',
    'ticks seen',
    'tried again',
    'waits checked',
    'waits checked across a kill',
  ]
  assert.deepEqual(
    expected.filter((what) => !(what in result.seen)),
    [],
  )
  assert.ok(result.ticks > 0)
})
