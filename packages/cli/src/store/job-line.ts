import { isUtf8 } from 'node:buffer'
import { JobOptionsError, readJobOptions, type StoredJob } from '@geartrain/server'

// Jobs as lines of JSON. docs/store.md has the format for those who write such files with other programs; a change of
// it is a new version.

const exportFormat = 'geartrain-jobs'
const exportVersion = 1

/** Above this a workload is base64 even if it is text: escaped, it could be longer than a string may be. */
const textBytesMax = 64 * 1024 * 1024
/** As base64 it just fits into a string. */
export const lineWorkloadBytesMax: number = 256 * 1024 * 1024
/** As long as the server's own limits can be set. */
const nameBytesMax = 64 * 1024
/** A handle has 16 digits; above are the last of them, which are left to servers. */
const numberMin = 10 ** 15
const numberMax = 9 * 10 ** 15

const priorityNames = ['high', 'normal', 'low'] as const
const textKeys = ['function', 'unique', 'reducer', 'then', 'workload'] as const
const jobKeys: ReadonlySet<string> = new Set([
  'number',
  'priority',
  'run_at',
  'expire_at',
  'attempts',
  'policy',
  'trace',
  ...textKeys.flatMap((key) => [key, `${key}_base64`]),
])

/** The first line of an export. */
export interface ExportHeader {
  /** How many lines follow; 0 if nobody knows. */
  readonly jobs: number
}

/** A job as a line says it; without a number it gets a new one. */
export type LineJob = Omit<StoredJob, 'number'> & { readonly number: number | undefined }

/** What is wrong with a line, to be said after its number. */
export class LineError extends Error {
  override readonly name = 'LineError'
}

export function writeHeader({ jobs }: ExportHeader, exportedAt: Date): string {
  return JSON.stringify({
    format: exportFormat,
    version: exportVersion,
    exported_at: exportedAt.toISOString(),
    jobs,
  })
}

export function writeJob(job: StoredJob): string {
  if (job.workload.length > lineWorkloadBytesMax) {
    throw new LineError(
      `the workload of job ${job.number} has ${job.workload.length} bytes, and a line can hold ${lineWorkloadBytesMax}`,
    )
  }
  return JSON.stringify({
    number: job.number,
    ...bytesField('function', Buffer.from(job.function, 'latin1')),
    priority: priorityNames[job.priority],
    ...(job.runAt > 0 ? { run_at: job.runAt } : {}),
    ...(job.expireAt > 0 ? { expire_at: job.expireAt } : {}),
    ...(job.attempts > 0 ? { attempts: job.attempts } : {}),
    ...(job.unique === '' ? {} : bytesField('unique', Buffer.from(job.unique, 'latin1'))),
    ...(job.reducer === '' ? {} : bytesField('reducer', Buffer.from(job.reducer, 'latin1'))),
    ...(job.then === '' ? {} : bytesField('then', Buffer.from(job.then, 'latin1'))),
    ...(job.options === '' ? {} : { policy: readObject(Buffer.from(job.options, 'latin1')) }),
    ...(job.trace === '' ? {} : { trace: job.trace }),
    ...bytesField('workload', job.workload),
  })
}

/** Text, or base64 under another key if it is no UTF-8. */
export function bytesField(key: string, bytes: Uint8Array): Record<string, string> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length <= textBytesMax && isUtf8(bytes)) return { [key]: buffer.toString('utf8') }
  return { [`${key}_base64`]: buffer.toString('base64') }
}

/** Throws a LineError for what is neither a job nor a header of this version. */
export function readLine(line: Uint8Array): { header: ExportHeader } | { job: LineJob } {
  const fields = readObject(line)
  if ('format' in fields) return { header: readHeader(fields) }
  for (const key of Object.keys(fields)) {
    if (!jobKeys.has(key)) throw new LineError(`${JSON.stringify(key)} is no part of a job`)
  }
  if (!('function' in fields) && !('function_base64' in fields)) throw new LineError('there is no function')
  return {
    job: {
      number: readNumber(fields['number']),
      function: readName(fields, 'function'),
      unique: readName(fields, 'unique'),
      reducer: readName(fields, 'reducer'),
      priority: readPriority(fields['priority']),
      then: readName(fields, 'then'),
      runAt: readTime(fields, 'run_at'),
      expireAt: readTime(fields, 'expire_at'),
      attempts: readAttempts(fields['attempts']),
      options: readPolicy(fields['policy']),
      trace: readTrace(fields['trace']),
      workload: readBytes(fields, 'workload'),
    },
  }
}

function readObject(line: Uint8Array): Record<string, unknown> {
  if (!isUtf8(line)) throw new LineError('it is no UTF-8')
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString('utf8'))
  } catch (error) {
    throw new LineError('it is no JSON', { cause: error })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new LineError('it is no JSON object')
  // An object that JSON.parse made has nothing but what the text says.
  return value as Record<string, unknown>
}

function readHeader({ format, version, jobs }: Record<string, unknown>): ExportHeader {
  if (format !== exportFormat) {
    throw new LineError(`the format is ${JSON.stringify(format)}, and must be "${exportFormat}"`)
  }
  if (version !== exportVersion) {
    throw new LineError(
      `version ${JSON.stringify(version)} of the format is not known, only ${exportVersion}: use the geartrain that wrote it, or a newer one`,
    )
  }
  if (!isWholeNumber(jobs, 0, Number.MAX_SAFE_INTEGER)) throw new LineError('"jobs" must be a whole number')
  return { jobs }
}

function readNumber(value: unknown): number | undefined {
  if (value === undefined) return undefined
  if (isWholeNumber(value, numberMin, numberMax)) return value
  throw new LineError(`"number" must be a whole number from ${numberMin} to ${numberMax}, or left out`)
}

function readPriority(value: unknown): StoredJob['priority'] {
  switch (value) {
    case 'high':
      return 0
    case undefined:
    case 'normal':
      return 1
    case 'low':
      return 2
    default:
      throw new LineError('"priority" must be "high", "normal" or "low"')
  }
}

function readTime(fields: Record<string, unknown>, key: string): number {
  const value = fields[key]
  if (value === undefined) return 0
  if (isWholeNumber(value, 0, Number.MAX_SAFE_INTEGER)) return value
  throw new LineError(`"${key}" must be milliseconds since 1970, as a whole number`)
}

function readAttempts(value: unknown): number {
  if (value === undefined) return 0
  if (isWholeNumber(value, 0, 2 ** 32 - 1)) return value
  throw new LineError('"attempts" must be a whole number')
}

function readPolicy(value: unknown): string {
  if (value === undefined) return ''
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new LineError('"policy" must be an object of settings')
  }
  try {
    return readJobOptions({ ...value })
  } catch (error) {
    if (!(error instanceof JobOptionsError)) throw error
    throw new LineError(`"policy" is not possible: ${error.message}`)
  }
}

function readTrace(value: unknown): string {
  if (value === undefined) return ''
  if (typeof value === 'string' && /^[\x20-\x7e]{1,256}$/.test(value)) return value
  throw new LineError('"trace" must be text of at most 256 characters')
}

function readName(fields: Record<string, unknown>, key: string): string {
  const bytes = readBytes(fields, key)
  if (bytes.includes(0)) throw new LineError(`"${key}" has a NUL, which the protocol can't carry`)
  if (bytes.length > nameBytesMax) throw new LineError(`"${key}" has more than ${nameBytesMax} bytes`)
  return bytes.toString('latin1')
}

function readBytes(fields: Record<string, unknown>, key: string): Buffer {
  const text = fields[key]
  const base64 = fields[`${key}_base64`]
  if (base64 === undefined) {
    if (text === undefined) return Buffer.alloc(0)
    if (typeof text !== 'string') throw new LineError(`"${key}" must be text`)
    if (/\p{Surrogate}/u.test(text)) throw new LineError(`"${key}" has half of a character`)
    return Buffer.from(text, 'utf8')
  }
  if (text !== undefined) throw new LineError(`there is both "${key}" and "${key}_base64"`)
  if (typeof base64 !== 'string' || base64.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(base64)) {
    throw new LineError(`"${key}_base64" must be base64`)
  }
  return Buffer.from(base64, 'base64')
}

function isWholeNumber(value: unknown, min: number, max: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max
}
