import type { Bytes, ControlOperation, ControlOperations, ScheduleDefinition } from '@geartrain/protocol'
import { z } from 'zod'
import { nearest } from '../settings-nearest.ts'
import { isBytes } from './bytes.ts'
import { badRequest } from './control-error.ts'

/** A request that is well formed. What it names may not be there, and what it wants may make no sense. */
export type ControlRequest = {
  [Operation in ControlOperation]: { readonly op: Operation; readonly params: ControlOperations[Operation]['params'] }
}[ControlOperation]

/** A larger one is refused before it is read. */
const requestBytesMax = 16 * 1024 * 1024
/** Values within a request: small ones take far longer to read than their bytes say. */
const requestValuesMax = 25_000
/** Names in a list. */
const namesMax = 10_000
/** There are fewer, and each that is none is told. */
const settingsMax = 100
/** What names something is never longer. */
const nameBytesMax = 1024
/** Entries of a page. */
export const pageMax = 1000
/** Where a request does not say. */
export const pageDefault = 100
/** What is looked for in errors. */
const textCharactersMax = 1000
export const ageMsMax = 100 * 366 * 86_400_000
/** Schedules show no more of their past. */
const runsMax = 100

/** Reads JSON. Throws a ControlError that says what is wrong with it. */
export function parseRequest(json: Uint8Array): unknown {
  if (json.length > requestBytesMax) {
    throw badRequest(`a request may have ${requestBytesMax} bytes, and this one has ${json.length}`)
  }
  if (hasTooManyValues(json)) throw badRequest(`a request may have ${requestValuesMax} values, and this one has more`)
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(json))
  } catch (error) {
    throw badRequest(`the request is no JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** Before any of it is read. Each value but the first of its list or table comes after a comma outside of a text. */
function hasTooManyValues(json: Uint8Array): boolean {
  let count = 0
  for (let at = 0; at < json.length && count <= requestValuesMax; at++) {
    const byte = json[at]
    if (byte === quoteByte) at = textEnd(json, at + 1)
    else if (byte === commaByte || byte === bracketByte || byte === braceByte) count++
  }
  return count > requestValuesMax
}

/** Where its quote is: one after an even number of backslashes. */
function textEnd(json: Uint8Array, start: number): number {
  for (let end = json.indexOf(quoteByte, start); end >= 0; end = json.indexOf(quoteByte, end + 1)) {
    let backslashes = 0
    while (json[end - 1 - backslashes] === backslashByte) backslashes++
    if (backslashes % 2 === 0) return end
  }
  return json.length
}

const quoteByte = 0x22
const backslashByte = 0x5c
const commaByte = 0x2c
const bracketByte = 0x5b
const braceByte = 0x7b

/** Throws a ControlError that says what is wrong with it. */
export function readRequest(request: unknown): ControlRequest {
  if (typeof request !== 'object' || request === null || Array.isArray(request)) {
    throw badRequest('a request is an object such as { "op": "functions" }')
  }
  const { op, ...params } = request as Record<string, unknown>
  if (typeof op !== 'string') throw badRequest('a request says what to do in "op", such as { "op": "functions" }')
  if (!isOperation(op)) throw badRequest(`there is no operation ${quote(op)}${meant(op, operations)}`)
  const read = schemas[op].safeParse(params, {
    error: ({ input }) => (input === undefined ? 'it is missing' : undefined),
  })
  if (!read.success) throw badRequest(complaint(op, read.error))
  // The schema of an operation gives its parameters.
  return { op, params: read.data } as ControlRequest
}

// What each operation takes

/** One character a byte, since that is what names are. */
const wireText = z
  .string()
  .max(nameBytesMax, `a name has at most ${nameBytesMax} bytes`)
  .refine((text) => !/[^\0-\xff]/.test(text), { error: 'a name has one character for each of its bytes' })
const name = wireText.min(1, 'a name has one byte at least')
const handle = wireText
const handles = z.array(handle).min(1, 'at least one is named').max(namesMax, `at most ${namesMax} are named at a time`)
const priority = z.enum(['high', 'normal', 'low'])
const limit = z.int().min(1).max(pageMax).exactOptional()
const cursor = z
  .string()
  .regex(/^\d{1,16}$/, 'pass what the page before gave')
  .exactOptional()
/** Why a job is dead. */
export const deadReason = z.enum(['failed', 'exception', 'timeout', 'lost', 'expired'])
const deadFilter = { function: name.exactOptional(), reason: deadReason.exactOptional() }
const text = z.string().min(1, 'it is not empty').max(textCharactersMax)
const ageMs = z.int().min(0).max(ageMsMax)
export const jobState = z.enum(['ready', 'delayed', 'running', 'dead', 'complete', 'failed', 'exception'])
const jobFilterParts = {
  function: name.exactOptional(),
  priority: priority.exactOptional(),
  unique: wireText.min(1, 'it is not empty').exactOptional(),
  worker: wireText.min(1, 'it is not empty').exactOptional(),
  olderThanMs: ageMs.exactOptional(),
  youngerThanMs: ageMs.exactOptional(),
  error: text.exactOptional(),
  reason: deadFilter.reason,
  message: z.string().max(textCharactersMax).exactOptional(),
}
/** What can be done to many jobs. */
export const jobAction = z.enum(['cancel', 'retry', 'delete', 'run', 'prioritize'])
const jobFilter = { ...jobFilterParts, state: jobState.exactOptional() }
const bytes = z.custom<Bytes>(isBytes, 'expected { "text": "..." } or { "base64": "..." }')

/** A record passes over the key __proto__, and a change of all of them is not to be one of some. */
const values = z
  .custom<object>((given) => !isObject(given) || !Object.hasOwn(given, '__proto__'), 'there is no setting "__proto__"')
  .refine((given) => !isObject(given) || Object.keys(given).length <= settingsMax, {
    error: `at most ${settingsMax} settings are changed at a time`,
    abort: true,
  })
  .pipe(z.record(z.string(), z.string().nullable()))

const oneOfBoth = 'one of "handles" and "filter" says which jobs; the filter {} is all of them'

const schemas: {
  readonly [Operation in ControlOperation]: z.ZodType<ControlOperations[Operation]['params']>
} = {
  functions: z.strictObject({ names: z.array(name).max(namesMax).exactOptional() }),
  'function show': z.strictObject({ name }),
  'function set': z.strictObject({ name, values, dryRun: z.boolean().exactOptional() }),
  'function purge': z.strictObject({ name }),
  policies: z.strictObject({}),

  jobs: z.strictObject({ ...jobFilter, after: cursor, limit, order: z.enum(['oldest', 'newest']).exactOptional() }),
  'jobs count': z.strictObject({ filter: z.strictObject(jobFilter) }),
  'jobs counts': z.strictObject({ filter: z.strictObject(jobFilterParts) }),
  'jobs change': z
    .strictObject({
      action: jobAction,
      priority: priority.exactOptional(),
      handles: handles.exactOptional(),
      filter: z.strictObject(jobFilter).exactOptional(),
      dryRun: z.boolean().exactOptional(),
    })
    .refine(isOneOfBoth, { error: oneOfBoth })
    .refine((asked) => (asked.action === 'prioritize') === (asked.priority !== undefined), {
      error: '"priority" goes with "prioritize", and it with a "priority"',
    }),
  'job show': z
    .strictObject({
      handle: handle.exactOptional(),
      unique: wireText.min(1, 'it is not empty').exactOptional(),
      function: name.exactOptional(),
    })
    .refine((asked) => (asked.handle === undefined) !== (asked.unique === undefined), {
      error: 'one of "handle" and "unique" says which job',
    })
    .refine((asked) => asked.handle === undefined || asked.function === undefined, {
      error: '"function" goes with "unique": a handle says which job it is',
    }),
  'job cancel': z.strictObject({ handle }),
  'job run': z.strictObject({ handle }),
  'job delete': z.strictObject({ handle }),
  'job prioritize': z.strictObject({ handle, priority }),

  dead: z.strictObject({ ...deadFilter, before: cursor, limit }),
  'dead retry': z
    .strictObject({
      handles: handles.exactOptional(),
      filter: z.strictObject(deadFilter).exactOptional(),
      workload: bytes.exactOptional(),
    })
    .refine(isOneOfBoth, { error: oneOfBoth })
    .refine((asked) => asked.workload === undefined || asked.handles?.length === 1, {
      error: 'another "workload" is for one job: name its handle',
    }),
  'dead delete': z
    .strictObject({ handles: handles.exactOptional(), filter: z.strictObject(deadFilter).exactOptional() })
    .refine(isOneOfBoth, { error: oneOfBoth }),
  'dead groups': z.strictObject({ ...deadFilter, limit }),

  schedules: z.strictObject({ function: name.exactOptional() }),
  'schedule show': z.strictObject({ name, runs: z.int().min(0).max(runsMax).exactOptional() }),
  // Those who keep schedules look at all of it.
  'schedule put': z.custom<ScheduleDefinition>(),
  'schedule pause': z.strictObject({ name }),
  'schedule resume': z.strictObject({ name }),
  'schedule run': z.strictObject({ name }),
  'schedule remove': z.strictObject({ name }),
  // They look at it as well.
  'schedule preview': z.strictObject({
    cron: z.string().exactOptional(),
    every: z.string().exactOptional(),
    at: z.string().exactOptional(),
    timezone: z.string().exactOptional(),
    runs: z.int().min(1).max(runsMax).exactOptional(),
  }),

  connections: z.strictObject({
    workers: z.boolean().exactOptional(),
    function: name.exactOptional(),
    after: cursor,
    limit,
  }),
  'connection close': z.strictObject({ id: z.int().min(1) }),

  'server show': z.strictObject({}),
}

// Object.keys forgets that the keys are the table's own.
const operations = Object.keys(schemas) as ControlOperation[]

function isOperation(word: string): word is ControlOperation {
  return Object.hasOwn(schemas, word)
}

function isOneOfBoth(asked: { readonly handles?: unknown; readonly filter?: unknown }): boolean {
  return (asked.handles === undefined) !== (asked.filter === undefined)
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

// What is wrong

function complaint(op: ControlOperation, { issues }: z.ZodError): string {
  // A name that is written wrongly is missing, too.
  const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0]
  const where = [op, ...(issue?.path ?? [])].map((key) => quote(String(key))).join(', ')
  if (issue?.code !== 'unrecognized_keys')
    return `${where}: ${lowerFirst(issue?.message.replace(/^Invalid input: /, '') ?? '')}`
  const [unknown = ''] = issue.keys
  const known = issue.path.length === 0 ? parametersOf(op) : []
  return `${where}: there is no parameter ${quote(unknown)}${meant(unknown, known)}`
}

function parametersOf(op: ControlOperation): string[] {
  const schema: unknown = schemas[op]
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : []
}

function meant(word: string, candidates: readonly string[]): string {
  const candidate = nearest(word.slice(0, wordMax), candidates)
  if (candidate !== undefined) return `; did you mean ${quote(candidate)}?`
  return candidates.length === 0 ? '' : `; there are ${candidates.map(quote).join(', ')}`
}

/** More of a word that a client made up is not shown. */
const wordMax = 80

function quote(word: string): string {
  return JSON.stringify(word.length > wordMax ? `${word.slice(0, wordMax)}...` : word)
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}
