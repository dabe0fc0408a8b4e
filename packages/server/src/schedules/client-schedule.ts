import { createHash } from 'node:crypto'
import type { ScheduleDefinition } from '@geartrain/protocol'
import { toBytes } from '../control/bytes.ts'
import { badField, shown } from './schedule-error.ts'

/** What SUBMIT_JOB_SCHED says, as it is on the wire. */
export interface ClientSchedule {
  readonly function: string
  readonly unique: string
  readonly minute: string
  readonly hour: string
  readonly dayOfMonth: string
  readonly month: string
  readonly dayOfWeek: string
  readonly workload: Uint8Array
}

/** The same function and unique are one schedule; with `-`, the workload takes the unique's place. Undefined: it is its own. */
export function clientScheduleName({ function: name, unique, workload }: ClientSchedule): string | undefined {
  if (unique === '' || (unique === '-' && workload.length === 0)) return undefined
  const key = unique === '-' ? createHash('sha256').update(workload).digest('hex').slice(0, 16) : unique
  return `${name}:${key}`
}

/** Throws a ScheduleError that names the field. */
export function clientDefinition(name: string, asked: ClientSchedule): Omit<ScheduleDefinition, 'paused'> {
  const minute = cronField('minute', asked.minute, 0, 59)
  const hour = cronField('hour', asked.hour, 0, 23)
  const day = cronField('day of the month', asked.dayOfMonth, 1, 31)
  const month = cronField('month', asked.month, 1, 12)
  const weekday = cronField('day of the week', asked.dayOfWeek, 0, 6)
  // Cron's week begins on Sunday, this packet's on Monday.
  const cronWeekday = weekday === '*' ? weekday : String((Number(weekday) + 1) % 7)
  return {
    name,
    function: asked.function,
    workload: toBytes(asked.workload),
    unique: asked.unique,
    cron: `${minute} ${hour} ${day} ${month} ${cronWeekday}`,
  }
}

function cronField(name: string, text: string, min: number, max: number): string {
  if (text === '' || text === '*') return '*'
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (!(value >= min && value <= max)) {
    const monday = name === 'day of the week' ? ' (0 is Monday)' : ''
    throw badField(name, `must be ${min} to ${max}${monday}, or empty for any, not ${shown(text)}`)
  }
  return String(value)
}
