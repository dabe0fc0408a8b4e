import { readFileSync } from 'node:fs'
import { type AnySetting, type SettingName, type SettingValues, settingNames, settings } from './settings.ts'
import { nearest } from './settings-nearest.ts'

/** Something the user set can't be so. The message is one sentence that names the place and what is allowed there. */
export class SettingsError extends Error {
  readonly code = 'BAD_SETTING'
  override readonly name = 'SettingsError'
}

/** A value as it was written, and where: `--port`, `GEARTRAIN_PORT`, `port in geartrain.toml, line 3`. */
export interface Given {
  readonly text: string
  readonly where: string
}

export type Source = ReadonlyMap<SettingName, Given>

/** The first source that gives a setting decides; what none gives is as in `defaults`. All that is given must be right. */
export function resolveSettings(sources: readonly Source[], defaults: Partial<SettingValues> = {}): SettingValues {
  const values: Partial<Record<SettingName, unknown>> = {}
  for (const name of settingNames) values[name] = defaults[name] ?? settings[name].default
  for (const source of [...sources].reverse()) {
    for (const [name, given] of source) values[name] = parseSetting(settings[name], given)
  }
  // Each value is its own setting's default or has been read by that setting's parser.
  return values as SettingValues
}

export function environmentName(name: SettingName | 'config'): string {
  return `GEARTRAIN_${name.toUpperCase().replaceAll('-', '_')}`
}

/** `notes` are for the log: variables that were taken for a slip. An empty variable counts as none. */
export function readEnvironment(environment: NodeJS.ProcessEnv): { source: Source; notes: readonly string[] } {
  const source = new Map<SettingName, Given>()
  const notes: string[] = []
  const known = new Map(settingNames.map((name) => [environmentName(name), name]))
  for (const [variable, text] of Object.entries(environment)) {
    if (!variable.startsWith('GEARTRAIN_') || text === undefined || text === '') continue
    const name = known.get(variable)
    if (name !== undefined && isServiceAddress(text)) {
      notes.push(`${variable} is ignored: "${text}" is the address that Kubernetes or Docker gives for a service`)
    } else if (name !== undefined) {
      source.set(name, { text, where: variable })
    } else if (variable !== environmentName('config')) {
      const meant = nearest(variable, [...known.keys()])
      if (meant !== undefined) notes.push(`${variable} is ignored: did you mean ${meant}?`)
    }
  }
  return { source, notes }
}

/** Both set `<SERVICE>_PORT=tcp://10.0.0.1:4730` for a service of that name, which has nothing to do with a setting. */
function isServiceAddress(text: string): boolean {
  return /^(tcp|udp):\/\//.test(text)
}

/** Reads a configuration file in TOML; a key that is not known is an error. */
export async function readConfigFile(file: string): Promise<Source> {
  const text = readText(file)
  const document = await parseToml(file, text)
  const source = new Map<SettingName, Given>()
  for (const [key, value] of Object.entries(document)) {
    if (key === 'limits') {
      if (!isTable(value))
        throw new SettingsError(`${at(file, text, key)}: limits is a table: write [limits] above its keys`)
      for (const [limitKey, limitValue] of Object.entries(value)) addKey(limitKey, limitValue, 'limits')
    } else {
      addKey(key, value, undefined)
    }
  }
  return source

  function addKey(key: string, value: unknown, table: 'limits' | undefined): void {
    const place = at(file, text, key, table)
    const name = settingNames.find((each) => each === key)
    if (name === undefined || tableOf(name) !== table) throw new SettingsError(`${place}: ${unknownKey(key, table)}`)
    const where = `${place}: ${key}`
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') {
      throw new SettingsError(`${where} must be ${settings[name].type.range}, and is none`)
    }
    source.set(name, { text: String(value), where })
  }
}

function parseSetting(setting: AnySetting, { text, where }: Given): unknown {
  const value = setting.type.parse(text)
  if (value === undefined) throw new SettingsError(`${where} must be ${setting.type.range}, not "${text}"`)
  return value
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new SettingsError(`cannot read the configuration file ${file}: ${reason(error)}`, { cause: error })
  }
}

const reasons = new Map([
  ['ENOENT', 'no such file or directory'],
  ['ENOTDIR', 'no such file or directory'],
  ['EACCES', 'permission denied'],
  ['EISDIR', 'it is a directory'],
  ['EROFS', 'the file system is read-only'],
])

/** What a failed call to the file system means, in words that can end a sentence. */
export function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const code = 'code' in error ? String(error.code) : ''
  return reasons.get(code) ?? error.message
}

async function parseToml(file: string, text: string): Promise<Record<string, unknown>> {
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

function tableOf(name: SettingName): string | undefined {
  const setting: AnySetting = settings[name]
  return setting.limit === undefined ? undefined : 'limits'
}

function unknownKey(key: string, table: string | undefined): string {
  const shown = table === undefined ? `"${key}"` : `"${key}" in [${table}]`
  const meant = nearest(key, settingNames)
  if (meant === undefined) return `there is no setting ${shown}`
  const home = tableOf(meant)
  const place = home === table ? '' : home === undefined ? ', at the top of the file' : `, in the table [${home}]`
  return `there is no setting ${shown}; did you mean "${meant}"${place}?`
}

/** The file, and the line in which the key is given if it is written plainly there. */
function at(file: string, text: string, key: string, table?: string): string {
  let current: string | undefined
  for (const [index, line] of text.split('\n').entries()) {
    const [, header, assigned] = /^\s*(?:\[\s*"?([^\]"]*?)"?\s*\]|"?([^="]+?)"?\s*=)/.exec(line) ?? []
    if (header !== undefined) current = header
    const isKey = assigned === key && current === table
    const isWhole = header === key && table === undefined
    if (isKey || isWhole || assigned === `${table}.${key}`) return `${file}, line ${index + 1}`
  }
  return file
}
