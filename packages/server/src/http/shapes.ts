import { z } from 'zod'
import { ageMsMax, deadReason, jobState, pageDefault, pageMax } from '../control/requests.ts'
import { duration } from '../settings-values.ts'
import { nameOfText } from './names.ts'
import { count, functionName, handle, priority, uniqueName } from './schemas.ts'

// What operations of administration take and give alike.

const text = z.string()
const whole = z.int().min(0)
export const time = z.int().meta({ description: 'Milliseconds since 1970' })

const age = text
  .transform((said) => duration(ageMsMax).parse(said) ?? -1)
  .refine((ms) => ms >= 0, { error: 'it is a time with its unit, such as 90s, 5m or 1d' })
  .meta({ description: 'A time such as 90s, 5m or 1d' })
const part = text.min(1).max(1000)

/** What must be so of jobs, as queries and bodies say it alike: all of it is text. */
const parts = {
  function: functionName.meta({ description: 'Its function, or a pattern such as mail.*' }).exactOptional(),
  priority: priority.exactOptional(),
  unique: uniqueName.refine((name) => name !== '', { error: 'it is not empty' }).exactOptional(),
  worker: part
    .transform(nameOfText)
    .meta({ description: 'A part of client id and address of the worker that has it: it is running' })
    .exactOptional(),
  error: part.meta({ description: 'A part of its last error, in capital or small letters' }).exactOptional(),
  reason: deadReason.meta({ description: 'Why it is dead' }).exactOptional(),
  message: text
    .max(1000)
    .meta({ description: 'The message of its group among the dead, see listDeadGroups' })
    .exactOptional(),
}
const state = { state: jobState.meta({ description: 'Without it: those that have not ended' }).exactOptional() }

/** In a query, without their state. */
export const filterParts = { ...parts, 'older-than': age.exactOptional(), 'younger-than': age.exactOptional() }
/** In a query. */
export const filter = { ...filterParts, ...state }
/** In a body; as the operations of Control have it. */
export const bodyFilter = z
  .strictObject({ ...parts, ...state, olderThan: age.exactOptional(), youngerThan: age.exactOptional() })
  .transform(({ olderThan, youngerThan, ...rest }) => ({ ...rest, ...agesOf(olderThan, youngerThan) }))

/** A query as the operations of Control have it. */
export function toFilter<Query extends { readonly 'older-than'?: number; readonly 'younger-than'?: number }>({
  'older-than': olderThan,
  'younger-than': youngerThan,
  ...rest
}: Query): Omit<Query, 'older-than' | 'younger-than'> & Ages {
  return { ...rest, ...agesOf(olderThan, youngerThan) }
}

interface Ages {
  readonly olderThanMs?: number
  readonly youngerThanMs?: number
}

function agesOf(olderThanMs: number | undefined, youngerThanMs: number | undefined): Ages {
  return {
    ...(olderThanMs === undefined ? {} : { olderThanMs }),
    ...(youngerThanMs === undefined ? {} : { youngerThanMs }),
  }
}

export const limit = count(1, pageMax)
  .meta({ description: `Entries of a page, at most ${pageMax}; default ${pageDefault}` })
  .exactOptional()
export const cursor = text
  .regex(/^\d{1,16}$/, 'pass what the page before gave as next')
  .meta({ description: 'What the page before gave as next' })
  .exactOptional()
export const next = text.optional().meta({
  description: 'Where the next page begins; without it, this is the last one. A page may be short all the same',
})

export const jobCount = z.object({
  count: whole,
  isExact: z.boolean().meta({ description: 'False: there may be more' }),
})

export const jobSummary = z.object({
  handle: text,
  function: text,
  unique: text,
  priority,
  state: z.enum(['pending', ...jobState.options]),
  attempts: whole.meta({ description: 'Those that have ended' }),
  background: z.boolean(),
  runAt: time.optional(),
  submittedAt: time.optional(),
  startedAt: time.optional(),
  endedAt: time.optional(),
  worker: text.optional().meta({ description: 'Client id and address of the worker that has it' }),
  server: text
    .optional()
    .meta({ description: 'In a cluster, the other server that has it; the state is then what is likely' }),
  connection: z.int().optional().meta({ description: 'The id of its connection' }),
  numerator: whole.optional(),
  denominator: whole.optional(),
  reason: deadReason.optional(),
  error: text.optional().meta({ description: 'What the worker of the last attempt has said' }),
})

export const jobsChanged = z.object({
  matched: whole.meta({ description: 'Those named, or those that the filter has let through' }),
  changed: whole,
  refused: whole,
  refusals: z
    .array(z.object({ handle: text, why: text }))
    .meta({ description: 'The first 1000 of them: their state does not allow it' }),
  isExact: z.boolean().meta({ description: 'False, of a dry run: there may be more' }),
})

export const handles = z.array(handle).min(1).max(10_000)

export const deadGroup = z.object({
  function: text,
  reason: deadReason,
  message: text.meta({ description: 'The first line of the last error, with # for what differs from job to job' }),
  count: whole,
  firstAt: time,
  lastAt: time,
  handle: text.meta({ description: 'The latest of them' }),
})
export const deadFilter = { function: filterParts.function, reason: filterParts.reason }

export const functionState = z.object({
  name: text,
  ready: z.object({ high: whole, normal: whole, low: whole }),
  delayed: whole,
  running: whole,
  dead: whole,
  workers: whole,
  oldestWaitMs: z
    .number()
    .nullable()
    .meta({ description: 'How long the first in line could have been begun; null: not known' }),
  paused: z.boolean(),
  draining: z.boolean(),
})

export const functionPolicy = z.object({
  name: text,
  settings: z.array(
    z.object({
      key: text,
      value: text.meta({ description: 'As it would be written' }),
      source: text.meta({ description: 'Where it comes from' }),
      isDefault: z.boolean(),
    }),
  ),
})

export const connectionState = z.object({
  id: z.int().meta({ description: 'Never given to another one while the server runs' }),
  number: z.int().meta({ description: 'What the text command workers shows: it is used again' }),
  kind: z.enum(['tcp', 'tls', 'http']),
  address: text,
  clientId: text,
  actor: text.meta({ description: 'Who it is by the rules of access' }),
  functions: z.array(text).meta({ description: 'What it can do, the first 100' }),
  isSleeping: z.boolean(),
  jobs: z
    .array(z.object({ handle: text, function: text, startedAt: time }))
    .meta({ description: 'Those that it does, the first 100' }),
  waiting: whole.meta({ description: 'Jobs that it waits for' }),
  bytesIn: whole,
  bytesOut: whole,
  outputBytes: whole.meta({ description: 'That wait for it to read' }),
  openedAt: time,
  lastInputAt: time,
})

export const serverState = z.object({
  version: text,
  node: text,
  pid: z.int(),
  host: text,
  startedAt: time,
  now: time,
  addresses: z.array(z.object({ kind: z.enum(['gearman', 'http']), address: text, port: z.int() })),
  store: z.object({
    name: text.meta({ description: 'memory, or its kind and where it is' }),
    failure: z
      .object({ since: time, code: text, message: text })
      .nullable()
      .meta({ description: 'Why it does not work; null: it does' }),
    batches: whole.meta({ description: 'That were kept' }),
    waiting: whole.meta({ description: 'Jobs that are not kept yet' }),
  }),
  limits: z.record(text, z.number().nullable()).meta({ description: 'null: there is none' }),
  memory: z.object({ rssBytes: whole, heapUsedBytes: whole, heapTotalBytes: whole }),
  functions: whole,
  connections: whole,
  workers: whole,
  jobs: z.object({ ready: whole, delayed: whole, running: whole, dead: whole }),
  schedules: whole,
  isDraining: z.boolean(),
  isOpen: z.boolean().meta({ description: 'There are no rules of access' }),
  features: z.array(text),
  cluster: z
    .object({
      leaseMs: whole.meta({ description: "What a server has is the others' when it was not heard of for so long" }),
      servers: z.array(
        z.object({
          id: z.int(),
          name: text,
          isThis: z.boolean(),
          isLeader: z.boolean().meta({ description: 'It fires schedules and does all else that one does for all' }),
          seenAt: time,
          version: text.optional(),
          startedAt: time.optional(),
          address: text.optional().meta({ description: 'Where the others reach it' }),
          running: whole.meta({ description: 'Jobs that run there' }),
        }),
      ),
    })
    .optional()
    .meta({ description: 'All servers that use the same store; left out: this one has it alone' }),
})
