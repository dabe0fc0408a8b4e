import type { IncomingHttpHeaders } from 'node:http'
import { readTraceParent, type SubmitOptions } from '@geartrain/protocol'
import { z } from 'zod'
import { jobOptionKeys } from '../policies/job-options.ts'
import { policySettings } from '../policies/policy-settings.ts'
import { duration } from '../settings-values.ts'
import { Problem } from './problem.ts'
import { date, flag, functionName, priority, uniqueName } from './schemas.ts'

/** What a request says of the job that it submits, beside function and workload. */
export interface SubmitRequest {
  /** Undefined: it is not waited for; Infinity: as long as it takes. */
  readonly waitMs: number | undefined
  readonly stream: boolean
  readonly unique: string
  /** Nothing but what was asked for. */
  readonly options: Omit<SubmitOptions, 'background'>
  readonly schedule: string | undefined
  readonly scheduleName: string | undefined
  readonly timezone: string | undefined
  readonly trace: string
}

const day = 86_400_000
const longest = duration(365 * day)
const prefix = 'x-geartrain-'

function time(what: string) {
  return z.string().transform((text, context) => {
    const ms = longest.parse(text)
    if (ms === undefined) context.addIssue({ code: 'custom', message: `${what} must be ${longest.range}` })
    return ms ?? z.NEVER
  })
}

const wait = z
  .string()
  .transform((text, context) => {
    if (text === 'false') return undefined
    if (text === '' || text === 'true') return Number.POSITIVE_INFINITY
    const ms = longest.parse(text)
    if (ms === undefined) context.addIssue({ code: 'custom', message: `it must be empty, or ${longest.range}` })
    return ms ?? z.NEVER
  })
  .meta({
    description:
      'Wait for the job to end, and answer with its result; with a time (`wait=30s`), no longer than that. Without it the job is a background one',
  })

const policyOptions = Object.fromEntries(
  jobOptionKeys.map((key) => [
    key,
    z
      .string()
      .max(1000)
      .meta({ description: `Policy of this job alone: ${policySettings[key].help}` })
      .optional(),
  ]),
)

/** Every option, by its name in the query. A new one is a row here and a line in `toRequest`. */
const options = {
  ...policyOptions,
  wait: wait.optional(),
  stream: flag
    .meta({ description: "With `wait`: answer with the job's data as they come, and the result last" })
    .optional(),
  priority: priority.meta({ description: 'Default: `normal`' }).optional(),
  unique: uniqueName
    .meta({
      description:
        'While a job of the function has this unique, waiting or running, a further submission joins it. `-` stands for the workload',
    })
    .optional(),
  delay: time('delay').meta({ description: 'Not before so long from now: `delay=30s`' }).optional(),
  'run-at': date.meta({ description: 'Not before that date: ISO 8601, or milliseconds since 1970' }).optional(),
  schedule: z
    .string()
    .min(1)
    .max(255)
    .meta({
      description:
        'A schedule in place of a job: a cron expression (`0 3 * * *`, `@daily`), or a time between the jobs (`90s`)',
    })
    .optional(),
  'schedule-name': functionName
    .meta({ description: 'Name of the schedule; one of that name is replaced. Default: a new name' })
    .optional(),
  timezone: z
    .string()
    .min(1)
    .max(100)
    .meta({ description: 'Of the schedule, by its IANA name. Default: UTC' })
    .optional(),
  then: functionName.meta({ description: 'Function that the result is sent on to, as a background job' }).optional(),
  reducer: functionName.meta({ description: 'Function that the worker is to give the parts of the job to' }).optional(),
}

/** In the query. */
export const submitQuery = z.strictObject(options)
/** The same as headers. All of a name's values are looked at with those of the query. */
export const submitHeaders = z.object({
  ...Object.fromEntries(
    Object.keys(options).map((key) => [
      `${prefix}${key}`,
      z
        .string()
        .meta({ description: `As \`${key}\` in the query` })
        .optional(),
    ]),
  ),
  traceparent: z
    .string()
    .meta({ description: 'W3C trace context, which the job is traced with. One that is not well formed is ignored' })
    .optional(),
})

const keys: ReadonlySet<string> = new Set(Object.keys(options))
type Query = z.output<typeof submitQuery>

/** Throws a Problem. */
export function readSubmitRequest(query: Query, headers: IncomingHttpHeaders): SubmitRequest {
  const given = optionsOf(headers)
  if (given === undefined) return toRequest(query, headers)
  for (const key of Object.keys(given)) {
    if (query[key as keyof Query] !== undefined) {
      throw new Problem('BAD_REQUEST', `"${key}" is in the query and in the header ${prefix}${key}: give it once`)
    }
  }
  const read = submitQuery.safeParse(given)
  if (!read.success) {
    const [issue] = read.error.issues
    const name = String(issue?.path[0] ?? '')
    throw new Problem('BAD_REQUEST', `"${prefix}${name}" in the headers: ${issue?.message ?? 'it is wrong'}`)
  }
  return toRequest({ ...query, ...read.data }, headers)
}

/** Undefined: there is none. */
function optionsOf(headers: IncomingHttpHeaders): Record<string, string> | undefined {
  let found: Record<string, string> | undefined
  for (const header in headers) {
    if (!header.startsWith(prefix)) continue
    const key = header.slice(prefix.length)
    if (!keys.has(key))
      throw new Problem('BAD_REQUEST', `there is no header ${header}: options are ${[...keys].join(', ')}`)
    found ??= {}
    found[key] = textOf(header, headers[header])
  }
  return found
}

/** Node gives each byte of a header as a character. */
function textOf(header: string, value: string | readonly string[] | undefined): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(String(value), 'latin1'))
  } catch {
    throw new Problem('BAD_REQUEST', `the header ${header} is no UTF-8: give it in the query`)
  }
}

function toRequest(query: Query, { traceparent: text }: IncomingHttpHeaders): SubmitRequest {
  const trace = typeof text === 'string' && readTraceParent(text) !== undefined ? text : ''
  if (isEmpty(query)) return trace === '' ? plain : { ...plain, trace }
  const { wait, stream = false, unique = '', schedule, timezone, delay, 'run-at': runAt } = query
  const scheduleName = query['schedule-name']
  const waitMs = stream ? (wait ?? Number.POSITIVE_INFINITY) : wait
  refuseTogether({ wait: waitMs, delay, 'run-at': runAt, schedule })
  if (schedule === undefined && (timezone ?? scheduleName) !== undefined) {
    throw new Problem('BAD_REQUEST', '"schedule-name" and "timezone" go with "schedule"')
  }
  return { waitMs, stream, unique, options: jobOptions(query), schedule, scheduleName, timezone, trace }
}

const plain: SubmitRequest = {
  waitMs: undefined,
  stream: false,
  unique: '',
  options: {},
  schedule: undefined,
  scheduleName: undefined,
  timezone: undefined,
  trace: '',
}

function isEmpty(object: object): boolean {
  for (const _ in object) return false
  return true
}

function jobOptions({ priority, delay, then, reducer, ...query }: Query): SubmitRequest['options'] {
  const runAt = query['run-at']
  const policy = policyOf(query)
  return {
    ...(priority === undefined ? {} : { priority }),
    ...(delay === undefined ? {} : { delayMs: delay }),
    ...(runAt === undefined ? {} : { runAt }),
    ...(then === undefined ? {} : { then }),
    ...(reducer === undefined ? {} : { reducer }),
    ...(policy === undefined ? {} : { policy }),
  }
}

/** Throws a Problem if more than one of them is given. */
function refuseTogether(given: Readonly<Record<string, unknown>>): void {
  const [first, second] = Object.keys(given).filter((key) => given[key] !== undefined)
  if (second !== undefined) throw new Problem('BAD_REQUEST', `"${first}" and "${second}" do not go together`)
}

function policyOf(query: Partial<Query>): Record<string, string> | undefined {
  let found: Record<string, string> | undefined
  for (const key of jobOptionKeys) {
    const value = query[key as keyof Query]
    if (typeof value !== 'string') continue
    found ??= {}
    found[key] = value
  }
  return found
}
