import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import type { ScheduleDefinition } from '@geartrain/protocol'
import {
  createServer,
  defaultLimits,
  readConfigFile,
  readScheduleTables,
  ScheduleError,
  SettingsError,
} from '@geartrain/server'
import { ScheduleHost } from './schedule-host.ts'

const noon = '2026-11-23T12:00:00Z'

/** The sentence it is refused with. */
function refusal(given: unknown): string {
  const host = new ScheduleHost(noon)
  try {
    host.schedules.put(given)
  } catch (error) {
    assert.ok(error instanceof ScheduleError, String(error))
    assert.equal(error.code, 'BAD_REQUEST')
    assert.deepEqual(host.schedules.list(), [])
    return error.message
  }
  return 'taken'
}

describe('a definition is refused', () => {
  const good = { name: 'x', function: 'f', every: '10s' }
  const rows: [unknown, RegExp][] = [
    [good, /^taken$/],
    [null, /^a schedule must be a table of fields$/],
    [[good], /^a schedule must be a table/],
    [{ ...good, crn: '* * * * *' }, /^crn is no field of a schedule; there are name, function, /],
    [{ function: 'f', every: '10s' }, /^name is missing: it must be 1 to 54 bytes without control characters$/],
    [{ name: 'x', every: '10s' }, /^function is missing/],
    [{ ...good, name: '' }, /^name must be 1 to 54 bytes .*, not ""$/],
    [{ ...good, name: 'x'.repeat(54) }, /^taken$/],
    [{ ...good, name: 'x'.repeat(55) }, /^name must be /],
    [{ ...good, name: 'a\tb' }, /^name must be .*, not "a\\tb"$/],
    [{ ...good, name: '\u2026' }, /^name must be /],
    [{ ...good, function: 'f'.repeat(513) }, /^function must be 1 to 512 bytes/],
    [{ ...good, unique: 'u'.repeat(64) }, /^taken$/],
    [{ ...good, unique: 'u'.repeat(65) }, /^unique must be at most 64 bytes/],
    [{ ...good, then: 'a\0b' }, /^then must be /],
    [{ ...good, priority: 'urgent' }, /^priority must be "high" or "normal" or "low", not "urgent"$/],
    [{ ...good, missed: 'some' }, /^missed must be "skip" or "once" or "all", not "some"$/],
    [{ ...good, overlap: 'yes' }, /^overlap must be true or false, not "yes"$/],
    [{ ...good, paused: 1 }, /^paused must be true or false, not 1$/],
    [{ ...good, workload: 'text' }, /^workload must be text or base64, of at most 256 KiB/],
    [{ ...good, workload: { base64: '!' } }, /^workload must be /],
    [{ ...good, workload: { text: 'x'.repeat(256 * 1024) } }, /^taken$/],
    [{ ...good, workload: { text: 'x'.repeat(256 * 1024 + 1) } }, /^workload must be .*, not a table or list$/],
    [{ name: 'x', function: 'f' }, /^a schedule has exactly one of cron, every and at, and it has none of them$/],
    [{ ...good, cron: '* * * * *' }, /exactly one of cron, every and at, and it has 2 of them$/],
    [
      { ...good, timezone: 'Europe/Berln' },
      /^timezone must be .*, not "Europe\/Berln"; did you mean Europe\/Berlin\?$/,
    ],
    [{ ...good, timezone: '+01:00' }, /^timezone must be the name of a time zone/],
    [{ ...good, timezone: '' }, /^timezone must be /],
  ]
  for (const [given, message] of rows)
    it(`${JSON.stringify(given)?.slice(0, 100)}`, () => assert.match(refusal(given), message))
})

describe('times are refused', () => {
  const rows: [field: 'cron' | 'every' | 'at', text: unknown, message: RegExp][] = [
    ['cron', 5, /^cron must be a text, not 5$/],
    ['cron', '', /^cron must have five fields .* or six with the second first, not ""$/],
    ['cron', '* * * *', /^cron must have five fields/],
    ['cron', '* * * * * * 2030', /^cron must have five fields/],
    ['cron', '2030-01-01T00:00:00', /^cron must have five fields/],
    ['cron', '60 * * * *', /^cron has "60" as its minute: allowed are 0 to 59; \*, lists/],
    ['cron', '60 * * * * *', /^cron has "60" as its second: /],
    ['cron', '* 24 * * *', /^cron has "24" as its hour: allowed are 0 to 23/],
    ['cron', '* * 32 * *', /^cron has "32" as its day of the month: /],
    ['cron', '* * * 13 *', /^cron has "13" as its month: allowed are 1 to 12 or JAN to DEC/],
    ['cron', '* * * * FOO', /^cron has "FOO" as its day of the week: /],
    ['cron', '*/0 * * * *', /^cron has "\*\/0" as its minute/],
    ['cron', '0 0 30 2 *', /^cron must be for a date that comes, and "0 0 30 2 \*" never does$/],
    ['cron', '@reboot', /^cron must be fields or one of @yearly, .*, not "@reboot"$/],
    ['cron', `${'1,'.repeat(126)}1 * * * *`, /^cron must have at most 255 characters$/],
    ['every', '90', /^every must be a time with its unit, from 1s to 366d, .*, not "90"$/],
    ['every', '1s', /^taken$/],
    ['every', '999ms', /^every must be /],
    ['every', '0', /^every must be /],
    ['every', '366d', /^taken$/],
    ['every', '367d', /^every must be /],
    ['at', 'tomorrow', /^at must be a date with a time, such as .*, not "tomorrow"$/],
    ['at', '2027-02-31T00:00:00Z', /^at must be a date/],
    ['at', '2027-01-01', /^at must be a date with a time/],
    ['at', '2027-01-01T24:00', /^at must be a date/],
    [
      'at',
      '2026-11-23T12:00:00Z',
      /^at must be a date to come, and 2026-11-23T12:00:00Z has passed: it is 2026-11-23T12:00:00.000Z$/,
    ],
    ['at', '2026-11-23T12:00:01Z', /^taken$/],
  ]
  for (const [field, text, message] of rows) {
    it(`${field} = ${JSON.stringify(text).slice(0, 60)}`, () => {
      assert.match(refusal({ name: 'x', function: 'f', [field]: text }), message)
    })
  }
})

describe('a table of the configuration file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'geartrain-schedules-'))
  after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'file')

  async function read(toml: string, name = 'x'): Promise<ScheduleDefinition | undefined> {
    writeFileSync(file, `# Schedules\n[schedules.${name}]\n${toml}\n`)
    const { schedules } = await readConfigFile(file)
    return readScheduleTables(schedules, defaultLimits)[0]
  }

  it('is a definition', async () => {
    assert.deepEqual(await read('function = "f"\ncron = "0 3 * * *"\nworkload = "all"\noverlap = false'), {
      name: 'x',
      function: 'f',
      cron: '0 3 * * *',
      workload: { text: 'all' },
      overlap: false,
    })
    const binary = await read('function = "f"\nevery = "1m"\nworkload = { base64 = "/w==" }')
    assert.deepEqual(binary?.workload, { base64: '/w==' })
  })

  it('has names in UTF-8, as a client would say them', async () => {
    const definition = await read('function = "größe"\nevery = "1m"', '"täglich"')
    assert.equal(Buffer.from(definition?.function ?? '', 'latin1').toString(), 'größe')
    assert.equal(Buffer.from(definition?.name ?? '', 'latin1').toString(), 'täglich')
  })

  it('may have dates of TOML', async () => {
    const at = async (value: string) => (await read(`function = "f"\nat = ${value}`))?.at
    assert.equal(await at('2027-01-31T03:00:00Z'), '2027-01-31T03:00:00.000Z')
    assert.equal(await at('2027-01-31T03:00:00+01:00'), '2027-01-31T03:00:00.000+01:00')
    assert.equal(await at('2027-01-31T03:00:00'), '2027-01-31T03:00:00.000')
    // It was to come when it was written.
    assert.equal(await at('2020-01-31 03:00:00'), '2020-01-31T03:00:00.000')
  })

  const rows: [toml: string, message: RegExp][] = [
    ['function = "f"\ncron = "* * *"', /file, line 4: \[schedules\.x\]: cron must have five fields/],
    ['function = "f"', /file, line 2: \[schedules\.x\]: a schedule has exactly one of/],
    ['every = "1m"', /file, line 2: \[schedules\.x\]: function is missing/],
    ['function = "f"\nevery = 90', /file, line 4: \[schedules\.x\]: every must be a text, not 90$/],
    ['function = "f"\nevry = "1m"', /file, line 4: \[schedules\.x\]: evry is no field of a schedule/],
    [
      'name = "y"\nfunction = "f"\nevery = "1m"',
      /file, line 3: \[schedules\.x\]: the name of a schedule is that of its/,
    ],
    ['function = "f"\nat = 2027-01-31', /file, line 4: \[schedules\.x\]: at must be a date with a time/],
  ]
  for (const [toml, message] of rows) {
    it(`is refused: ${toml.replaceAll('\n', ', ')}`, () => {
      return assert.rejects(read(toml), (error) => error instanceof SettingsError && message.test(error.message))
    })
  }
})

describe('a schedule of a program', () => {
  const rows: [definition: ScheduleDefinition, message: RegExp][] = [
    [{ name: 'a\0b', function: 'f', every: '1m' }, /^schedules\[0\]: name must be 1 to 54 bytes without control/],
    [{ name: 'x', function: 'f\0', every: '1m' }, /^schedules\[0\]: function must be 1 to 512 bytes without control/],
    [{ name: 'x', function: 'f', every: 'soon' }, /^schedules\[0\]: every must be a time with its unit/],
  ]
  for (const [definition, message] of rows) {
    it(`is refused: ${JSON.stringify(definition)}`, () => {
      assert.throws(() => createServer({ schedules: [definition] }), { code: 'BAD_SETTING', message })
    })
  }
})
