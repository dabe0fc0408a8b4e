import { readFileSync } from 'node:fs'
import { reason, SettingsError } from './settings-sources.ts'

/** A table of a TOML file, or the whole of it, with the places of what is in it. */
export class TomlTable {
  /** `geartrain.toml, line 12`; without the line where it is not written plainly. */
  readonly place: string
  readonly entries: ReadonlyMap<string, TomlEntry>

  constructor(place: string, entries: ReadonlyMap<string, TomlEntry>) {
    this.place = place
    this.entries = entries
  }
}

export interface TomlEntry {
  readonly place: string
  /** A table is a `TomlTable`; all else is as the parser gives it. */
  readonly value: unknown
}

/** Reads a file; a SettingsError says why it can't be read. */
export async function readToml(file: string): Promise<TomlTable> {
  const text = readText(file)
  const lines = keyLines(text)
  return toTable(await parse(file, text), [])

  function toTable(table: Record<string, unknown>, path: readonly string[]): TomlTable {
    const entries = new Map<string, TomlEntry>()
    for (const [key, value] of Object.entries(table)) {
      const entryPath = [...path, key]
      entries.set(key, { place: place(entryPath), value: isTable(value) ? toTable(value, entryPath) : value })
    }
    return new TomlTable(place(path), entries)
  }

  /** The line of the key, else of the table around it. */
  function place(path: readonly string[]): string {
    for (let length = path.length; length > 0; length--) {
      const line = lines.get(JSON.stringify(path.slice(0, length)))
      if (line !== undefined) return `${file}, line ${line}`
    }
    return file
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new SettingsError(`cannot read the configuration file ${file}: ${reason(error)}`, { cause: error })
  }
}

async function parse(file: string, text: string): Promise<Record<string, unknown>> {
  // Loaded only here: most servers start without a file.
  const { parse, TomlError } = await import('smol-toml')
  try {
    return parse(text)
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    const [what = ''] = error.message.replace(/^Invalid TOML document: /, '').split('\n')
    throw new SettingsError(`${file}, line ${error.line}, column ${error.column}: ${what}`, { cause: error })
  }
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)
}

const part = String.raw`(?:[\w-]+|"(?:[^"\\]|\\.)*"|'[^']*')`
const path = String.raw`${part}(?:[ \t]*\.[ \t]*${part})*`
const keyLine = new RegExp(String.raw`^[ \t]*(?:\[{1,2}[ \t]*(${path})[ \t]*\]|(${path})[ \t]*=)`)

/** The line in which each key and each table begins, by the JSON of its path. The parser does not say it. */
function keyLines(text: string): ReadonlyMap<string, number> {
  const lines = new Map<string, number>()
  let table: readonly string[] = []
  for (const [index, line] of text.split('\n').entries()) {
    const [, header, assigned] = keyLine.exec(line) ?? []
    if (header !== undefined) table = splitPath(header)
    else if (assigned === undefined) continue
    const whole = header !== undefined ? table : [...table, ...splitPath(assigned ?? '')]
    for (let length = 1; length <= whole.length; length++) {
      const key = JSON.stringify(whole.slice(0, length))
      if (!lines.has(key)) lines.set(key, index + 1)
    }
  }
  return lines
}

function splitPath(text: string): string[] {
  return Array.from(text.matchAll(new RegExp(part, 'g')), ([quoted]) => {
    if (quoted.startsWith("'")) return quoted.slice(1, -1)
    return quoted.startsWith('"') ? unquote(quoted) : quoted
  })
}

/** TOML has a few escapes that JSON has not; a key with one of those only loses its line. */
function unquote(text: string): string {
  try {
    return String(JSON.parse(text))
  } catch {
    return text
  }
}
