import { z } from 'zod'
import { nameOfText } from './names.ts'

// What operations over HTTP take and give alike. Names come as UTF-8 and go on as on the wire, one character a byte.

const nameMax = 512
const uniqueMax = 64

/** A packet has no place for a NUL in a name. */
function name(what: string, bytesMax: number, min: number) {
  return z
    .string()
    .min(min)
    .transform(nameOfText)
    .refine((text) => text.length <= bytesMax && !text.includes('\0'), {
      error: `${what} has at most ${bytesMax} bytes, and no NUL among them`,
    })
}

export const functionName = name('a function name', nameMax, 1).meta({ description: 'Name of a function' })
export const uniqueName = name('a unique', uniqueMax, 0).meta({
  description: 'Jobs of a function with the same one are one',
})
export const handle = z
  .string()
  .min(1)
  .max(nameMax)
  .transform(nameOfText)
  .meta({ description: 'What a job is known by', example: 'H:web1:1764201600000001' })
export const priority = z.enum(['high', 'normal', 'low'])
/** A date: ISO 8601 or milliseconds since 1970. Milliseconds since 1970. */
export const date = z
  .string()
  .transform((text) => (/^\d+$/.test(text) ? Number(text) : Date.parse(text)))
  .refine((ms) => Number.isSafeInteger(ms) && ms >= 0, {
    error: 'a date is like 2027-01-31T12:00:00Z, or milliseconds since 1970',
  })
export const flag = z.enum(['true', 'false', '1', '0', '']).transform((text) => text !== 'false' && text !== '0')
/** In a query: a number that is written as one. */
export function count(min: number, max: number) {
  return z
    .string()
    .regex(/^\d{1,15}$/, 'it is a number')
    .transform(Number)
    .refine((value) => value >= min && value <= max, { error: `it is from ${min} to ${max}` })
}
