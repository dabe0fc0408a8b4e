import { SettingsError } from '../settings-sources.ts'
import { TomlTable } from '../settings-toml.ts'
import { nameProblem, toWire } from './function-name.ts'
import { type GivenPolicies, type GivenPolicy, type GivenValue, PolicyLayers } from './policy-layers.ts'
import {
  type AnyPolicySetting,
  isPolicyKey,
  type PolicyKey,
  policySettings,
  unknownKey,
  wrongValue,
} from './policy-settings.ts'

/** Policies of the configuration file that have been read. */
export type ConfigPolicies = GivenPolicies

/** What a program sets for a function or pattern: `{ attempts: 5, 'keep-results': '1h' }`. */
export type PolicyOptions = { readonly [Key in PolicyKey]?: string | number | boolean | readonly string[] | undefined }

/** Policies by function or pattern: of the configuration file, or a program's own. */
export type FunctionOptions = ConfigPolicies | Readonly<Record<string, PolicyOptions>>

/** The tables `[functions.NAME]`. The first thing that is wrong is a SettingsError that names its line. */
export function readPolicyTables(tables: ReadonlyMap<string, TomlTable>): ConfigPolicies {
  const policies = new Map<string, GivenPolicy>()
  for (const [name, { place, entries }] of tables) {
    const table = `[functions.${/^[\w-]+$/.test(name) ? name : JSON.stringify(name)}]`
    const values = new Map<PolicyKey, GivenValue>()
    for (const [key, entry] of entries) {
      if (entry.value instanceof TomlTable) throw dotWithoutQuotes(entry.place, `${name}.${key}`)
      addValue(values, key, entry.value, { place: entry.place, table, source: `${entry.place}: ${table}` })
    }
    addPolicy(policies, name, place, values)
  }
  return checked(policies)
}

/** A SettingsError says what is wrong with them. */
export function readFunctionOptions(options: FunctionOptions): ConfigPolicies {
  if (isRead(options)) return options
  const policies = new Map<string, GivenPolicy>()
  for (const [name, given] of Object.entries(options)) {
    const place = `functions[${JSON.stringify(name)}]`
    const values = new Map<PolicyKey, GivenValue>()
    for (const [key, value] of Object.entries(given)) {
      if (value !== undefined) addValue(values, key, value, { place, table: '', source: `${place} of the program` })
    }
    addPolicy(policies, name, place, values)
  }
  return checked(policies)
}

interface Place {
  readonly place: string
  readonly table: string
  readonly source: string
}

function addValue(values: Map<PolicyKey, GivenValue>, key: string, given: unknown, { place, table, source }: Place) {
  if (!isPolicyKey(key)) throw new SettingsError(`${place}: ${unknownKey(key, table)}`)
  const { type, isList }: AnyPolicySetting = policySettings[key]
  const text = asText(given, isList === true)
  const value = text === undefined ? undefined : type.parse(text)
  if (value === undefined) throw new SettingsError(`${place}: ${wrongValue(key, text)}`)
  values.set(key, { value, source })
}

function addPolicy(policies: Map<string, GivenPolicy>, name: string, place: string, values: GivenPolicy): void {
  const problem = nameProblem(name)
  if (problem !== undefined) throw new SettingsError(`${place}: ${problem}`)
  policies.set(toWire(name), values)
}

function checked(policies: ConfigPolicies): ConfigPolicies {
  const [problem] = new PolicyLayers(new Map(), policies).problems()
  if (problem !== undefined) throw new SettingsError(problem.sentence)
  return policies
}

/** As it would be written in a flag; undefined: it can't be. */
function asText(given: unknown, isList: boolean): string | undefined {
  if (Array.isArray(given)) return isList ? given.join(',') || 'none' : undefined
  return typeof given === 'string' || typeof given === 'number' || typeof given === 'boolean'
    ? String(given)
    : undefined
}

function isRead(options: FunctionOptions): options is ConfigPolicies {
  return options instanceof Map
}

/** To TOML, `[functions.mail.send]` is a table `send` in a table `mail`. */
function dotWithoutQuotes(place: string, name: string): SettingsError {
  return new SettingsError(`${place}: a name with a dot stands in quotes: write [functions.${JSON.stringify(name)}]`)
}
