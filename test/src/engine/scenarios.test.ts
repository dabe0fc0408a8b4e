import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import { DurableRules } from './durable-rules.ts'
import { EngineRules } from './engine-rules.ts'
import { Model } from './model.ts'
import { SharedRules } from './shared-rules.ts'
import { parseScenarios, play } from './transcript.ts'

// From test/dist/engine, where this runs, back to where the scenarios are kept.
const folder = new URL('../../src/engine/scenarios/', import.meta.url)

// Writes what the engine does now into the files. Read the difference before you commit it.
const isUpdate = process.env['UPDATE_SCENARIOS'] === '1'

for (const file of readdirSync(folder).toSorted()) {
  const path = new URL(file, folder)
  const isDurable = file.startsWith('durable-')
  const isShared = file.startsWith('shared-')
  const Played = isShared ? SharedRules : isDurable ? DurableRules : EngineRules
  if (isUpdate) {
    const played = parseScenarios(readFileSync(path, 'utf8')).map((scenario) =>
      play(scenario, new Played(scenario.options)),
    )
    writeFileSync(path, `${played.join('\n\n')}\n`)
  }

  suite(file, () => {
    for (const scenario of parseScenarios(readFileSync(path, 'utf8'))) {
      const expected = scenario.paragraphs.join('\n\n').split('\n')
      test(scenario.title, () => {
        assert.deepEqual(play(scenario, new Played(scenario.options)).split('\n'), expected)
        if (isDurable || isShared || file.startsWith('policy-')) return
        assert.deepEqual(play(scenario, new Model(scenario.options)).split('\n'), expected, 'what the model says')
      })
    }
  })
}
