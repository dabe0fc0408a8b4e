import assert from 'node:assert/strict'
import { it } from 'node:test'
import { failureReport, summary } from './report.ts'
import { torture } from './torture.ts'

const rounds = 60

it(`a server that is killed in ${rounds} rounds keeps what it has promised`, async (t) => {
  const result = await torture({ seed: 1, rounds })
  assert.equal(result.fault, undefined, failureReport(result))
  for (const line of summary(result).split('\n')) t.diagnostic(line)
  // If one of these does not happen in sixty rounds, they test less than they should.
  const expected = [
    'acknowledged',
    'assigned',
    'assigned again',
    'cancelled',
    'discovered',
    'drains',
    'inspections',
    'jobs that ran again',
    'joined',
    'joined after a restart',
    'killed at start',
    'status checked',
    'status known',
    'status unknown',
    'told',
    'words on jobs of others',
    'WORK_COMPLETE',
    'WORK_EXCEPTION',
    'WORK_FAIL',
  ]
  assert.deepEqual(
    expected.filter((what) => !(what in result.seen)),
    [],
  )
  assert.ok(result.kills >= rounds / 2, `${result.kills} kills`)
})

it('a server that keeps nothing keeps its other promises while it lives', async () => {
  const result = await torture({ seed: 1, rounds: 6, store: 'memory' })
  assert.equal(result.fault, undefined, failureReport(result))
  assert.equal(result.kills, 0)
})
