import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  type AnyPolicySetting,
  type AnySetting,
  policyKeys,
  policySettings,
  readConfigFile,
  type SettingName,
  settingNames,
  settings,
} from '@geartrain/server'
import { gearmandFlagNames, gearmandFlags } from 'geartrain/dist/gearmand-flags.js'
import { checkPart } from '../support/page-tables.ts'
import { repositoryRoot } from '../support/peers.ts'
import { scratch } from './command.ts'

// The tables of these pages are those of the code. UPDATE_DOCS=1 writes them.

function settingsTable(isWanted: (setting: AnySetting) => boolean): string[] {
  const row = (name: SettingName) => {
    const { type, defaultText, help }: AnySetting = settings[name]
    return `| \`${name}\` | ${help} | ${type.range} | ${defaultText} |`
  }
  const wanted = settingNames.filter((name) => isWanted(settings[name]))
  return ['| setting | what it is | allowed | default |', '|---|---|---|---|', ...wanted.map(row)]
}

function gearmandTable(): string[] {
  const rows = gearmandFlagNames
    .map((name) => ({
      name,
      short: undefined,
      value: undefined,
      default: undefined,
      note: undefined,
      ...gearmandFlags[name],
    }))
    .map(({ name, short, value, help, note, default: byDefault }) => {
      const flag = `${short === undefined ? '' : `-${short} `}--${name}${value === undefined ? '' : ` ${value.toUpperCase()}`}`
      return `| \`${flag}\` | ${help}${note === undefined ? '' : `: ${note}`} | ${byDefault ?? ''} |`
    })
  return ['| flag | what it does here | default |', '|---|---|---|', ...rows]
}

function policiesTable(): string[] {
  const rows = policyKeys.map((key) => {
    const { type, defaultText, help }: AnyPolicySetting = policySettings[key]
    return `| \`${key}\` | ${help} | ${type.range} | ${defaultText === '' ? 'empty' : defaultText} |`
  })
  return ['| setting | what it is | allowed | default |', '|---|---|---|---|', ...rows]
}

const tables: readonly [page: string, name: string, table: readonly string[]][] = [
  ['docs/configuration.md', 'settings', settingsTable(({ limit }) => limit === undefined)],
  ['docs/configuration.md', 'limits', settingsTable(({ limit }) => limit !== undefined)],
  ['docs/configuration.md', 'gearmand', gearmandTable()],
  ['docs/policies.md', 'policies', policiesTable()],
]

for (const [page, name, table] of tables) {
  test(`${page} has the table of ${name}`, () => checkPart(page, name, table))
}

test('the examples of docs/policies.md are right', async () => {
  using directory = scratch()
  const text = readFileSync(join(repositoryRoot, 'docs/policies.md'), 'utf8')
  const examples = Array.from(text.matchAll(/^```toml\n([^]*?)^```$/gm), ([, example = '']) => example)
  assert.ok(examples.length > 0)
  for (const [index, example] of examples.entries()) {
    const file = directory.path(`${index}.toml`)
    writeFileSync(file, example)
    assert.ok((await readConfigFile(file)).functions.size > 0, example)
  }
})
