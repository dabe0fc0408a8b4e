import assert from 'node:assert/strict'
import { it } from 'node:test'
import { missingPostgres } from '../../support/postgres/binaries.ts'
import { failureReport, summary } from './report.ts'
import { tortureCluster } from './torture.ts'

/** One in whose first rounds there is each kind of trouble, and little waiting. */
const seed = 375
const rounds = 7

/** If one of these does not happen, the rounds test less than they should. */
const expected = [
  'acknowledged',
  'acknowledged to the library',
  'assigned again',
  'begun by the library',
  'cancelled',
  'cut',
  'drains',
  'ends kept',
  'ends told',
  'fail over',
  'foreground jobs',
  'freeze',
  'joined',
  'kill',
  'pause database',
  'quit',
  'reset',
  'restart database',
  'ticks seen',
  'unlink',
]

it(`three servers on one database keep what they have promised in ${rounds} rounds of trouble`, {
  skip: missingPostgres() ?? false,
}, async (t) => {
  const result = await tortureCluster({ seed, rounds })
  assert.equal(result.fault, undefined, failureReport(result))
  for (const line of summary(result).split('\n')) t.diagnostic(line)
  assert.deepEqual(
    expected.filter((what) => !(what in result.seen)),
    [],
  )
  assert.ok(result.ticks > 0)
})
