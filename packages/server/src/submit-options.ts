import { isUtf8 } from 'node:buffer'
import { type Priority, priorities } from '@geartrain/engine'
import { toWire } from './policies/function-name.ts'
import { JobOptionsError, readJobOptions } from './policies/job-options.ts'

/** What SUBMIT_JOB_WITH says in its options; names as the protocol has them. */
export interface ReadSubmitOptions {
  readonly background: boolean
  readonly priority: Priority
  /** A date; undefined: now. */
  readonly runAt: number | undefined
  readonly delayMs: number | undefined
  readonly reducer: string
  readonly then: string
  /** The text of its policy; see `policies/job-options.ts`. */
  readonly options: string
}

export const submitOptionsBytesMax = 8 * 1024
/** Most clients say the same again and again. */
const rememberedMax = 1000
const rememberedBytesMax = 1024
/** No date comes after this one. */
const dateMax = 8_640_000_000_000_000

const nothing: ReadSubmitOptions = {
  background: false,
  priority: priorities.normal,
  runAt: undefined,
  delayMs: undefined,
  reducer: '',
  then: '',
  options: '',
}

/** Reads the options of submissions, and remembers what it has read. */
export class SubmitOptionsReader {
  readonly #known = new Map<string, ReadSubmitOptions>()

  /** One byte a character, as the protocol has it. Throws a JobOptionsError. */
  read(text: string): ReadSubmitOptions {
    if (text === '') return nothing
    const known = this.#known.get(text)
    if (known !== undefined) return known
    const options = readSubmitOptions(text)
    if (text.length <= rememberedBytesMax) {
      if (this.#known.size >= rememberedMax) this.#known.clear()
      this.#known.set(text, options)
    }
    return options
  }
}

function readSubmitOptions(text: string): ReadSubmitOptions {
  if (text.length > submitOptionsBytesMax) {
    throw new JobOptionsError(`they have ${text.length} bytes, and may have ${submitOptionsBytesMax}`)
  }
  const given = parseObject(text)
  for (const key of Object.keys(given)) {
    if (!readers.has(key)) throw new JobOptionsError(`there is no option ${JSON.stringify(key.slice(0, 100))}`)
  }
  const options = {
    background: readBoolean(given, 'background') ?? false,
    priority: readPriority(given['priority']),
    runAt: readTime(given, 'runAt'),
    delayMs: readTime(given, 'delayMs'),
    reducer: readName(given, 'reducer'),
    then: readName(given, 'then'),
    options: readPolicy(given['policy']),
  }
  const isTimed = options.runAt !== undefined || options.delayMs !== undefined
  if (isTimed && !options.background) throw new JobOptionsError('only a background job can have a time')
  if (options.runAt !== undefined && options.delayMs !== undefined) {
    throw new JobOptionsError('of runAt and delayMs one is enough')
  }
  return options
}

type Given = Readonly<Record<string, unknown>>

const readers: ReadonlySet<string> = new Set([
  'background',
  'priority',
  'runAt',
  'delayMs',
  'reducer',
  'then',
  'policy',
])

function parseObject(text: string): Given {
  const bytes = Buffer.from(text, 'latin1')
  if (!isUtf8(bytes)) throw new JobOptionsError('they are no UTF-8')
  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8'))
  } catch (error) {
    throw new JobOptionsError('they are no JSON', { cause: error })
  }
  if (!isObject(value)) throw new JobOptionsError('they are no JSON object')
  return value
}

function isObject(value: unknown): value is Given {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function readBoolean(given: Given, key: string): boolean | undefined {
  const value = given[key]
  if (value === undefined || typeof value === 'boolean') return value
  throw new JobOptionsError(`${key} must be true or false`)
}

function readPriority(value: unknown): Priority {
  if (value === undefined) return priorities.normal
  const found = Object.entries(priorities).find(([name]) => name === value)
  if (found === undefined) throw new JobOptionsError('priority must be "high", "normal" or "low"')
  return found[1]
}

function readTime(given: Given, key: string): number | undefined {
  const value = given[key]
  if (value === undefined) return undefined
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= dateMax) return value
  throw new JobOptionsError(`${key} must be milliseconds, a whole number from 0 to ${dateMax}`)
}

function readName(given: Given, key: string): string {
  const value = given[key]
  if (value === undefined) return ''
  if (typeof value !== 'string' || value.includes('\0'))
    throw new JobOptionsError(`${key} must be the name of a function`)
  return toWire(value)
}

function readPolicy(value: unknown): string {
  if (value === undefined) return ''
  if (!isObject(value)) throw new JobOptionsError('policy must be an object of settings')
  return readJobOptions(value)
}
