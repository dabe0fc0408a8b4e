import { type AnySetting, type SettingName, type SettingValues, settingNames, settings } from './settings.ts'
import { nearest } from './settings-nearest.ts'
import { withoutPassword } from './store/postgres/address.ts'

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

/** What the commands that connect read. */
const clientToken = 'GEARTRAIN_TOKEN'

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
    } else if (variable !== environmentName('config') && variable !== clientToken) {
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

function parseSetting(setting: AnySetting, { text, where }: Given): unknown {
  const value = setting.type.parse(text)
  if (value === undefined)
    throw new SettingsError(`${where} must be ${setting.type.range}, not "${withoutPassword(text)}"`)
  return value
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
