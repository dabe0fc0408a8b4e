import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  base64Bytes,
  definitionOf,
  emptyForm,
  fieldOf,
  formOf,
  timezoneOf,
  timingOf,
  timingText,
} from '@geartrain/dashboard/pages/schedules/schedule-form'
import type { ScheduleDefinition, ScheduleState } from '@geartrain/protocol'

const full: ScheduleDefinition = {
  name: 'nightly',
  function: 'report',
  workload: { text: '{"a":1}\r\n' },
  cron: '0 3 * * *',
  timezone: 'Europe/Berlin',
  missed: 'once',
  overlap: false,
  priority: 'high',
  unique: 'u',
  then: 'mail',
  paused: true,
}

function state(definition: ScheduleDefinition): ScheduleState {
  return { ...definition, origin: 'runtime', paused: definition.paused ?? false, next: [], history: [] }
}

describe('the form of a schedule', () => {
  for (const [what, definition] of [
    ['with everything', full],
    ['of bytes', { ...full, workload: { base64: '/w==' } }],
    ['that comes every so often', { ...without(full, 'cron'), every: '90s' }],
    ['that comes once', { ...without(full, 'cron'), at: '2027-01-31T03:00:00+01:00' }],
  ] as const) {
    test(`gives back a schedule ${what}`, () => {
      const { name, ...rest } = definition
      const form = formOf(state(definition))
      assert.equal(form.name, name)
      assert.deepEqual(definitionOf(form), rest)
    })
  }

  test('says what a schedule is without saying it', () => {
    assert.deepEqual(definitionOf(formOf(state({ name: 'a', function: 'f', every: '1m' }))), {
      function: 'f',
      every: '1m',
      timezone: 'UTC',
      missed: 'skip',
      overlap: true,
      priority: 'normal',
      paused: false,
    })
  })

  test('asks for the times that are chosen alone, without blanks around them', () => {
    const form = { ...emptyForm, cron: ' 0 3 * * * ', every: '90s', at: '2027', timezone: ' ' }
    assert.deepEqual(timingOf(form), { cron: '0 3 * * *' })
    assert.deepEqual(timingOf({ ...form, kind: 'every', timezone: 'UTC' }), { every: '90s', timezone: 'UTC' })
    assert.deepEqual(timingOf({ ...form, kind: 'at' }), { at: '2027' })
  })

  for (const [message, field] of [
    ['cron has "61" as its minute: allowed are 0 to 59', 'cron'],
    ['every must be a time with its unit', 'every'],
    ['at must be a date with a time', 'at'],
    ['timezone must be the name of a time zone', 'timezone'],
    ['"function" in the body: a function name has at most 512 bytes', 'function'],
    ['"then" in the body: Too small', 'then'],
    ['name is taken', 'name'],
    ['a schedule has exactly one of cron, every and at', undefined],
    ['nameless', undefined],
    ['this takes the role operate', undefined],
    ['', undefined],
  ] as const) {
    test(`"${message}" is about ${field ?? 'no field'}`, () => assert.equal(fieldOf(message), field))
  }
})

test('bytes in base64 are counted', () => {
  for (const bytes of [0, 1, 2, 3, 4, 1000]) assert.equal(base64Bytes(Buffer.alloc(bytes).toString('base64')), bytes)
})

test('times are told in a line', () => {
  assert.equal(timingText(full), '0 3 * * *')
  assert.equal(timingText({ name: 'a', function: 'f', every: '90s' }), 'every 90s')
  assert.equal(timingText({ name: 'a', function: 'f', at: '2027-01-01T00:00:00Z' }), 'once, 2027-01-01T00:00:00Z')
  assert.equal(timezoneOf(full), 'Europe/Berlin')
  assert.equal(timezoneOf({ name: 'a', function: 'f', cron: '@daily' }), 'UTC')
  assert.equal(timezoneOf({ name: 'a', function: 'f', every: '90s' }), undefined)
})

function without<Key extends keyof ScheduleDefinition>(
  definition: ScheduleDefinition,
  key: Key,
): Omit<ScheduleDefinition, Key> {
  const { [key]: _, ...rest } = definition
  return rest
}
