import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sample } from '../store-suite/samples.ts'
import { OverviewSteps } from './parts.ts'

test('a function that is not in the last sample of a step has nothing at its end, though it had before', () => {
  const steps = new OverviewSteps(60_000, 30_000, 3)
  for (const { at, rows } of [
    sample(50_000, {}, { early: { done: 1 } }),
    sample(60_000, { done: 2, ready: 5 }, { f: { done: 2, ready: 5 } }),
    sample(70_000, {}),
    sample(120_000, { ready: 1 }, { f: { ready: 1 } }),
    sample(150_000, {}, { late: { done: 1 } }),
  ]) {
    steps.add(at, rows)
  }
  assert.deepEqual(steps.functions, [{ name: 'f', done: [2, null, 0], failed: [0, null, 0], ready: [0, null, 1] }])
})
