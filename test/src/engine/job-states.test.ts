import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { jobTransitions } from '@geartrain/engine'

test('docs/job-states.md has the transitions of the code', () => {
  // From test/dist/engine, where this runs.
  const page = readFileSync(new URL('../../../docs/job-states.md', import.meta.url), 'utf8')
  const rows = [...page.matchAll(/^\| (\w+) +\| (\w+) +\| /gm)].map(([, from, to]) => `${from} -> ${to}`)
  const wanted = Object.entries(jobTransitions).flatMap(([from, tos]) => tos.map((to) => `${from} -> ${to}`))
  assert.deepEqual(rows.toSorted(), ['from -> to', ...wanted].toSorted())
  for (const state of Object.keys(jobTransitions)) assert.match(page, new RegExp(`^- \\*\\*${state}\\*\\*: `, 'm'))
})
