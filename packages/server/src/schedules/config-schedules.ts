import type { ScheduleDefinition } from '@geartrain/protocol'
import { toWire } from '../policies/function-name.ts'
import { SettingsError } from '../settings-sources.ts'
import { TomlTable } from '../settings-toml.ts'
import { type NameLimits, readDefinition } from './definition.ts'
import { ScheduleError } from './schedule-error.ts'

/** What is a name on the wire as well. */
const nameKeys = ['function', 'unique', 'then']

/** The tables `[schedules.NAME]` of a configuration file. The first thing that is wrong is a SettingsError that names its line. */
export function readScheduleTables(
  tables: ReadonlyMap<string, TomlTable>,
  limits: NameLimits,
): readonly ScheduleDefinition[] {
  return Array.from(tables, ([name, table]) => readTable(name, table, limits))
}

/** Those of a program. A SettingsError says what is wrong with them. */
export function checkScheduleOptions(definitions: readonly ScheduleDefinition[], limits: NameLimits): void {
  for (const [index, definition] of definitions.entries()) readAt(definition, limits, () => `schedules[${index}]`)
}

function readTable(name: string, { place, entries }: TomlTable, limits: NameLimits): ScheduleDefinition {
  const where = `[schedules.${/^[\w-]+$/.test(name) ? name : JSON.stringify(name)}]`
  const named = entries.get('name')
  if (named !== undefined) {
    throw new SettingsError(`${named.place}: ${where}: the name of a schedule is that of its table`)
  }
  const given: Record<string, unknown> = { name: toWire(name) }
  for (const [key, { value }] of entries) given[key] = toField(key, value)
  return readAt(given, limits, ({ field = '' }) => `${entries.get(field)?.place ?? place}: ${where}`)
}

/** What is wrong with it is a SettingsError that says where. */
function readAt(given: unknown, limits: NameLimits, where: (error: ScheduleError) => string): ScheduleDefinition {
  try {
    return readDefinition(given, limits)
  } catch (error) {
    if (!(error instanceof ScheduleError)) throw error
    throw new SettingsError(`${where(error)}: ${error.message}`, { cause: error })
  }
}

function toField(key: string, value: unknown): unknown {
  if (value instanceof TomlTable)
    return Object.fromEntries(Array.from(value.entries, ([each, { value }]) => [each, value]))
  // A date of TOML gives back what was written.
  if (value instanceof Date) return value.toISOString()
  if (typeof value !== 'string') return value
  if (nameKeys.includes(key)) return toWire(value)
  return key === 'workload' ? { text: value } : value
}
