import assert from 'node:assert/strict'
import test from 'node:test'
import { failureReport } from './report.ts'
import { sabotages } from './sabotage.ts'
import { simulate } from './simulation.ts'
import { storeSabotages } from './store-sabotage.ts'

const seeds = Array.from({ length: 30 }, (_, i) => i + 1)
/** Shorter than those that `npm run sim` runs. */
const steps = 400
/** A fault built in must show within so many simulations; most show in the first. */
const sabotagedSeedsMax = 40

test('no simulation fails', async () => {
  const seen = new Set<string>()
  for (const seed of seeds) {
    const result = await simulate({ seed, steps })
    assert.equal(result.fault, undefined, failureReport(result))
    for (const what of result.seen.keys()) seen.add(what)
  }
  // If one of these does not happen in thirty simulations, they test less than they should.
  const expected = [
    'JOB_CREATED',
    'joined',
    'assigned',
    'assigned again',
    'discovered',
    'finished',
    'NO_JOB',
    'QUEUE_ERROR',
    'ARGUMENT_TOO_LARGE',
    'SHUTTING_DOWN',
    'WORK_COMPLETE',
    'WORK_FAIL',
    'WORK_EXCEPTION',
    'WORK_DATA',
    'WORK_WARNING',
    'WORK_STATUS',
    'held up by another',
    'count known',
    'show jobs',
    'kept',
    'not stored',
    'store failures',
    'gone for good',
  ]
  assert.deepEqual(
    expected.filter((what) => !seen.has(what)),
    [],
  )
})

test('the same seed gives the same trace, another seed another', async () => {
  const hashes = new Set<string>()
  for (const seed of seeds.slice(0, 5)) {
    const [first, again] = [await simulate({ seed, steps }), await simulate({ seed, steps })]
    assert.equal(again.hash, first.hash, `seed ${seed}`)
    hashes.add(first.hash)
  }
  assert.equal(hashes.size, 5)
})

for (const [name, sabotage] of Object.entries({ ...sabotages, ...storeSabotages })) {
  test(`it shows when ${name}`, async () => {
    for (let seed = 1; seed <= sabotagedSeedsMax; seed++) {
      const { fault } = await simulate({ seed, steps, sabotage: sabotage() })
      if (fault !== undefined) return
    }
    assert.fail(`${sabotagedSeedsMax} simulations in which ${name} have passed`)
  })
}
