import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type AnySetting, type SettingName, settingNames, settings } from '@geartrain/server'
import { gearmandFlagNames, gearmandFlags } from 'geartrain/dist/gearmand-flags.js'
import { repositoryRoot } from '../support/peers.ts'

// The tables of docs/configuration.md are those of the code. UPDATE_DOCS=1 writes them.

const file = join(repositoryRoot, 'docs/configuration.md')

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

const tables: readonly [name: string, table: readonly string[]][] = [
  ['settings', settingsTable(({ limit }) => limit === undefined)],
  ['limits', settingsTable(({ limit }) => limit !== undefined)],
  ['gearmand', gearmandTable()],
]

for (const [name, table] of tables) {
  test(`docs/configuration.md has the table of ${name}`, () => {
    const text = readFileSync(file, 'utf8')
    const [, before, written, after] =
      new RegExp(`^([^]*<!-- ${name}: [^\\n]*-->\\n)([^]*)(<!-- /${name} -->[^]*)$`).exec(text) ?? []
    assert.ok(before !== undefined && written !== undefined && after !== undefined, 'the table has its place')
    const wanted = `\n${table.join('\n')}\n\n`
    if (process.env['UPDATE_DOCS'] === '1') writeFileSync(file, `${before}${wanted}${after}`)
    else assert.equal(written, wanted)
  })
}
