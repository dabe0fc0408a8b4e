import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { resolveSettings, type SettingName, SettingsError, type Source, toServerOptions } from '@geartrain/server'
import { hour, minute, second } from './asking.ts'

describe('thresholds of findings', () => {
  const read = (name: SettingName, text: string) =>
    toServerOptions(resolveSettings([new Map([[name, { text, where: `--${name}` }]]) satisfies Source]))

  it('are settings', () => {
    const { warnWaitMs, warnFailures, warnRunningMs } = read('port', '0')
    assert.deepEqual([warnWaitMs, warnFailures, warnRunningMs], [5 * minute, 0.1, hour])
    assert.equal(read('warn-wait', '90s').warnWaitMs, 90 * second)
    assert.equal(read('warn-wait', 'off').warnWaitMs, Number.POSITIVE_INFINITY)
    assert.equal(read('warn-failures', '1').warnFailures, 1)
    assert.equal(read('warn-running', '365d').warnRunningMs, 365 * 24 * hour)
  })

  for (const [name, text] of [
    ['warn-wait', '5'],
    ['warn-wait', '366d'],
    ['warn-wait', '-1s'],
    ['warn-failures', '1.1'],
    ['warn-failures', '10%'],
    ['warn-running', 'never'],
  ] as const) {
    it(`${name} can't be "${text}"`, () => {
      assert.throws(() => read(name, text), SettingsError)
    })
  }
})
