import type { ScheduleDefinition } from '@geartrain/protocol'
import { SettingsError } from '../settings-sources.ts'
import { isRecord, type NameLimits, readDefinition } from './definition.ts'
import { ScheduleError } from './schedule-error.ts'

/** One character a byte, as on the wire. */
const nameKeys = ['name', 'function', 'unique', 'then']

/**
 * The table `[schedules.NAME]` of a configuration file. `placeOf` says where a key of it stands, or without one, the
 * table. Throws a SettingsError.
 */
export function readConfigSchedule(
  name: string,
  table: unknown,
  placeOf: (key: string | undefined) => string,
  limits: NameLimits,
): ScheduleDefinition {
  const where = `[schedules.${/^[\w-]+$/.test(name) ? name : JSON.stringify(name)}]`
  if (!isRecord(table)) {
    throw new SettingsError(`${placeOf(undefined)}: ${where} is a table: write it above its keys`)
  }
  if (table['name'] !== undefined) {
    throw new SettingsError(`${placeOf('name')}: ${where}: the name of a schedule is that of its table`)
  }
  const given: Record<string, unknown> = { ...table, name }
  for (const [key, value] of Object.entries(given)) {
    if (nameKeys.includes(key) && typeof value === 'string') given[key] = Buffer.from(value).toString('latin1')
    // A date of TOML gives back what was written.
    else if (key === 'at' && value instanceof Date) given[key] = value.toISOString()
    else if (key === 'workload' && typeof value === 'string') given[key] = { text: value }
  }
  try {
    return readDefinition(given, limits)
  } catch (error) {
    if (!(error instanceof ScheduleError)) throw error
    const field = error.field !== undefined && Object.hasOwn(table, error.field) ? error.field : undefined
    throw new SettingsError(`${placeOf(field)}: ${where}: ${error.message}`, { cause: error })
  }
}
