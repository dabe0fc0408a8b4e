import type { ScheduleDefinition } from '@geartrain/protocol'
import { fromBytes, isBytes } from '../control/bytes.ts'
import type { Limits } from '../limits.ts'
import { badField, ScheduleError, shown, shownMax } from './schedule-error.ts'
import { checkTiming } from './timing.ts'

/** With `schedule:` before it, it is the unique of jobs that do not overlap: with a NUL, 64 bytes in C. */
const nameBytesMax = 54
/** It is written anew with each run. */
const workloadBytesMax = 256 * 1024

export interface NameLimits extends Pick<Limits, 'functionNameBytesMax' | 'uniqueBytesMax'> {
  readonly nameBytesMax?: number
}

/** For what was let in once. */
export const noNameLimits: NameLimits = {
  nameBytesMax: Number.POSITIVE_INFINITY,
  functionNameBytesMax: Number.POSITIVE_INFINITY,
  uniqueBytesMax: Number.POSITIVE_INFINITY,
}

/**
 * What somebody gave as a definition, all of it looked at: throws a ScheduleError, whose sentence names the field, says
 * what is wrong with it, and what is allowed.
 */
export function readDefinition(given: unknown, limits: NameLimits): ScheduleDefinition {
  if (!isRecord(given)) throw new ScheduleError('BAD_REQUEST', 'a schedule must be a table of fields')
  const fields = definitionFields(limits)
  const known = Object.keys(fields)
  const definition: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(given)) {
    if (value === undefined) continue
    const field = Object.hasOwn(fields, key) ? fields[key as keyof ScheduleDefinition] : undefined
    if (field === undefined)
      throw badField(key.slice(0, shownMax), `is no field of a schedule; there are ${known.join(', ')}`)
    if (!field.takes(value)) throw badField(key, `must be ${field.range}, not ${shown(value)}`)
    definition[key] = value
  }
  for (const key of ['name', 'function'] as const) {
    if (definition[key] === undefined) throw badField(key, `is missing: it must be ${fields[key].range}`)
  }
  // Each field is there if it must be, and has been looked at by its own row.
  const read = definition as unknown as ScheduleDefinition
  checkTiming(read)
  return read
}

interface Field {
  /** What is allowed, to follow "must be". */
  readonly range: string
  takes(value: unknown): boolean
}

function definitionFields(limits: NameLimits): Readonly<Record<keyof ScheduleDefinition, Field>> {
  return {
    name: nameOf(limits.nameBytesMax ?? nameBytesMax),
    function: nameOf(limits.functionNameBytesMax),
    workload: {
      range: `text or base64, of at most ${workloadBytesMax / 1024} KiB: {"text": "..."} or {"base64": "..."}`,
      takes: (value) => isBytes(value) && fromBytes(value).length <= workloadBytesMax,
    },
    unique: {
      range: `at most ${limits.uniqueBytesMax} bytes without control characters`,
      takes: (value) => value === '' || isName(value, limits.uniqueBytesMax),
    },
    priority: oneOf(['high', 'normal', 'low']),
    cron: text,
    every: text,
    at: text,
    timezone: text,
    missed: oneOf(['skip', 'once', 'all']),
    overlap: trueOrFalse,
    then: nameOf(limits.functionNameBytesMax),
    paused: trueOrFalse,
  }
}

const text: Field = { range: 'a text', takes: (value) => typeof value === 'string' }
const trueOrFalse: Field = { range: 'true or false', takes: (value) => typeof value === 'boolean' }

function nameOf(bytesMax: number): Field {
  return {
    range: `1 to ${bytesMax} bytes without control characters`,
    takes: (value) => isName(value, bytesMax),
  }
}

function oneOf(words: readonly string[]): Field {
  return {
    range: words.map((word) => `"${word}"`).join(' or '),
    takes: (value) => words.some((word) => word === value),
  }
}

/** One character a byte, as on the wire. Bytes over 127 are letters, or parts of some. */
function isName(value: unknown, bytesMax: number): boolean {
  if (typeof value !== 'string' || value === '' || value.length > bytesMax) return false
  return Array.from({ length: value.length }, (_, index) => value.charCodeAt(index)).every(
    (code) => code >= 0x20 && code !== 0x7f && code <= 0xff,
  )
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)
}
