import type { ScheduleDefinition } from '@geartrain/protocol'
import { Cron } from 'croner'
import { nearest } from '../settings-nearest.ts'
import { duration } from '../settings-values.ts'
import { badField, ScheduleError, shown } from './schedule-error.ts'

/** When a schedule comes. Times are dates in milliseconds since 1970. */
export interface Timing {
  /** The first time after that one; Infinity: there is none. */
  after(time: number): number
}

const never = Number.POSITIVE_INFINITY

export type TimingFields = Pick<ScheduleDefinition, 'cron' | 'every' | 'at' | 'timezone'>

/** `anchor` is the time from which `every` is counted. Throws a ScheduleError that names the field. */
export function makeTiming(fields: TimingFields, anchor: number): Timing {
  const { cron, every, at, timezone = 'UTC' } = fields
  const given = [cron, every, at].filter((field) => field !== undefined)
  if (given.length !== 1) {
    const but = given.length === 0 ? 'it has none' : `it has ${given.length}`
    throw new ScheduleError('BAD_REQUEST', `a schedule has exactly one of cron, every and at, and ${but} of them`)
  }
  checkTimezone(timezone)
  if (cron !== undefined) return cronTiming(cron, timezone)
  if (every !== undefined) return everyTiming(every, anchor)
  return atTiming(at ?? '', timezone)
}

/** Throws a ScheduleError if the times can't be so. */
export function checkTiming(fields: TimingFields): void {
  const { cron } = fields
  const timing = makeTiming(fields, 0)
  if (cron !== undefined && timing.after(0) === never) {
    throw badField('cron', `must be for a date that comes, and ${shown(cron)} never does`)
  }
}

export function isSameTiming(one: TimingFields, other: TimingFields): boolean {
  const isSame = one.cron === other.cron && one.every === other.every && one.at === other.at
  return isSame && (one.timezone ?? 'UTC') === (other.timezone ?? 'UTC')
}

// Cron

const cronCharactersMax = 255
const cronWords = ['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly'] as const
/** Name and what is allowed, for the sentence that refuses one. */
const cronFields = [
  ['second', '0 to 59'],
  ['minute', '0 to 59'],
  ['hour', '0 to 23'],
  ['day of the month', '1 to 31, L for the last one, or 15W for the working day that is nearest'],
  ['month', '1 to 12 or JAN to DEC'],
  ['day of the week', '0 to 7 (0 and 7 are Sunday) or SUN to SAT, MON#2 for the second one, FRI#L for the last'],
] as const

function cronTiming(text: string, timezone: string): Timing {
  const cron = readCron(text, timezone)
  return { after: (time) => cron.nextRun(new Date(time))?.getTime() ?? never }
}

function readCron(text: string, timezone: string): Cron {
  if (text.length > cronCharactersMax) throw badField('cron', `must have at most ${cronCharactersMax} characters`)
  const fields = text.trim().split(/\s+/)
  if (text.trim().startsWith('@')) {
    if (cronWords.some((word) => word === text.trim().toLowerCase())) return parseCron(text, timezone)
    throw badField('cron', `must be fields or one of ${cronWords.join(', ')}, not ${shown(text)}`)
  }
  if (fields.length !== 5 && fields.length !== 6) {
    const names = 'minute, hour, day of the month, month, day of the week'
    throw badField('cron', `must have five fields (${names}), or six with the second first, not ${shown(text)}`)
  }
  try {
    return parseCron(fields.join(' '), timezone)
  } catch (error) {
    throw wrongCronField(fields, error)
  }
}

/** The rules of crontab for the days on which clocks are changed: what has a fixed time comes once, also then. */
function parseCron(pattern: string, timezone: string): Cron {
  // A zone is looked up each time, which takes many times as long.
  const zone = timezone === 'UTC' ? { utcOffset: 0 } : { timezone }
  return new Cron(pattern, { ...zone, paused: true, mode: '5-or-6-parts', fixedTimeRule: 'no-wildcard' })
}

function wrongCronField(fields: readonly string[], cause: unknown): ScheduleError {
  for (const [index, field] of fields.entries()) {
    try {
      parseCron(fields.map((_, other) => (other === index ? field : '*')).join(' '), 'UTC')
    } catch {
      const [name, allowed] = cronFields[index + cronFields.length - fields.length] ?? ['', '']
      const forms = '*, lists such as 1,5, ranges such as 1-5 and steps such as */5 or 10-30/5'
      return badField('cron', `has ${shown(field)} as its ${name}: allowed are ${allowed}; ${forms}`)
    }
  }
  return badField('cron', `is wrong: ${cause instanceof Error ? cause.message : String(cause)}`)
}

// Every

const everyMsMin = 1000
const everyMsMax = 366 * 86_400_000

/** Counted from the anchor, so that it does not drift. */
function everyTiming(text: string, anchor: number): Timing {
  const everyMs = duration(everyMsMax).parse(text)
  if (everyMs === undefined || everyMs < everyMsMin) {
    throw badField('every', `must be a time with its unit, from 1s to 366d, such as 90s, 5m or 1d, not ${shown(text)}`)
  }
  return { after: (time) => anchor + (Math.floor((time - anchor) / everyMs) + 1) * everyMs }
}

// At

function atTiming(text: string, timezone: string): Timing {
  const at = readDate(text, timezone)
  if (at === undefined) {
    const examples = '2027-01-31T03:00:00Z, 2027-01-31T03:00:00+01:00 or, in the time zone, 2027-01-31 03:00'
    throw badField('at', `must be a date with a time, such as ${examples}, not ${shown(text)}`)
  }
  return { after: (time) => (at > time ? at : never) }
}

function readDate(text: string, timezone: string): number | undefined {
  const form = /^(\d{4}-\d\d-\d\d)[T ]([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?$/i
  const [, day, hour, minute, second = '00', zone] = form.exec(text) ?? []
  if (day === undefined) return undefined
  const midnight = Date.parse(`${day}T00:00:00Z`)
  // A 31st of February would be one of March.
  if (Number.isNaN(midnight) || !new Date(midnight).toISOString().startsWith(day)) return undefined
  const time = `${day}T${hour}:${minute}:${second}`
  const date =
    zone === undefined ? new Cron(time, { timezone, paused: true }).getOnce() : Date.parse(time + zone.toUpperCase())
  const at = Number(date ?? Number.NaN)
  return Number.isNaN(at) ? undefined : at
}

// Time zones

function checkTimezone(timezone: string): void {
  // Of most schedules; to look it up takes longer than all the rest.
  if (timezone === 'UTC') return
  try {
    // What counts hours is no name, though newer engines take it.
    if (!/^[+-]/.test(timezone)) return void new Intl.DateTimeFormat('en', { timeZone: timezone })
  } catch {
    // The sentence below says so.
  }
  const meant = nearest(timezone.slice(0, timezoneCharactersMax), Intl.supportedValuesOf('timeZone'))
  const hint = meant === undefined ? '' : `; did you mean ${meant}?`
  throw badField(
    'timezone',
    `must be the name of a time zone such as UTC or Europe/Berlin, not ${shown(timezone)}${hint}`,
  )
}

const timezoneCharactersMax = 64
