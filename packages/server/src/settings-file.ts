import { type AccessRule, readAccessTables } from './access/access-rules.ts'
import { type ConfigPolicies, readPolicyTables } from './policies/config-policies.ts'
import { type AnySetting, type SettingName, settingNames, settings } from './settings.ts'
import { nearest } from './settings-nearest.ts'
import { type Given, SettingsError, type Source } from './settings-sources.ts'
import { readToml, type TomlEntry, TomlTable } from './settings-toml.ts'

/** What a configuration file says. */
export interface ConfigFile {
  /** The settings, as they are written. */
  readonly source: Source
  /** The tables `[functions.NAME]`: every value is allowed, alone and with the others. */
  readonly functions: ConfigPolicies
  /** The tables `[schedules.NAME]` by name. What is in them nobody has looked at yet. */
  readonly schedules: ReadonlyMap<string, TomlTable>
  /** The tables `[access.NAME]`. */
  readonly access: readonly AccessRule[]
}

/** Of a server that has none. */
export const noConfigFile: ConfigFile = { source: new Map(), functions: new Map(), schedules: new Map(), access: [] }

/** Reads a configuration file in TOML; a key that is not known is an error. */
export async function readConfigFile(file: string): Promise<ConfigFile> {
  const source = new Map<SettingName, Given>()
  let functions: ReadonlyMap<string, TomlTable> = new Map()
  let schedules: ReadonlyMap<string, TomlTable> = new Map()
  let access: ReadonlyMap<string, TomlTable> = new Map()
  for (const [key, entry] of (await readToml(file)).entries) {
    if (key === 'functions') functions = readTables(key, entry)
    else if (key === 'schedules') schedules = readTables(key, entry)
    else if (key === 'access') access = readTables(key, entry)
    else if (key !== 'limits') addSetting(source, key, entry, undefined)
    else if (!(entry.value instanceof TomlTable)) {
      throw new SettingsError(`${entry.place}: limits is a table: write [limits] above its keys`)
    } else for (const [limitKey, limitEntry] of entry.value.entries) addSetting(source, limitKey, limitEntry, key)
  }
  return { source, functions: readPolicyTables(functions), schedules, access: readAccessTables(access) }
}

/** The tables in a table, by name. */
function readTables(key: string, { place, value }: TomlEntry): ReadonlyMap<string, TomlTable> {
  const tables = new Map<string, TomlTable>()
  const entries = value instanceof TomlTable ? value.entries : new Map([['', { place, value }]])
  for (const [name, entry] of entries) {
    if (!(entry.value instanceof TomlTable)) {
      throw new SettingsError(`${entry.place}: ${key} has a table for each name: write [${key}.NAME] above its keys`)
    }
    tables.set(name, entry.value)
  }
  return tables
}

function addSetting(
  source: Map<SettingName, Given>,
  key: string,
  { place, value }: TomlEntry,
  table: 'limits' | undefined,
): void {
  const name = settingNames.find((each) => each === key)
  if (key === 'function' || key === 'schedule') {
    throw new SettingsError(`${place}: there is no table "${key}"; did you mean [${key}s.NAME]?`)
  }
  if (name === undefined || tableOf(name) !== table) throw new SettingsError(`${place}: ${unknownKey(key, table)}`)
  const where = `${place}: ${key}`
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') {
    throw new SettingsError(`${where} must be ${settings[name].type.range}, and is none`)
  }
  source.set(name, { text: String(value), where })
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
