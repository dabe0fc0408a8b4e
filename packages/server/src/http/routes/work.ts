import { z } from 'zod'
import { deniedSentence } from '../../access/denied.ts'
import { toBytes } from '../../control/bytes.ts'
import type { TakenJob } from '../../gateway/http-worker.ts'
import type { Lease } from '../../gateway/http-worker-leases.ts'
import { duration } from '../../settings-values.ts'
import { payload } from '../job-schemas.ts'
import { nameOfText, textOfName } from '../names.ts'
import { Problem } from '../problem.ts'
import { type AnswerRow, type Route, route } from '../route.ts'
import { functionName } from '../schemas.ts'

// Jobs done by programs that have nothing but HTTP.

const functionsMax = 1000
const waitMsMax = 300_000
const leaseMsMin = 1000
const leaseMsMax = 3_600_000
const timeoutMsMax = 86_400_000
const clientIdMax = 127
const countMax = 2 ** 32 - 1

const lease = time(leaseMsMin, leaseMsMax).meta({
  description: 'So long after each request the next one is to come, or the job is for another worker: 1s to 1h',
})

const takeBody = z.object({
  functions: z
    .array(
      z.union([
        functionName,
        z.object({
          name: functionName,
          timeout: time(leaseMsMin, timeoutMsMax).meta({ description: 'Time for a job, however often it is heard of' }),
        }),
      ]),
    )
    .min(1)
    .max(functionsMax)
    .meta({ description: 'Names, or `{ name, timeout }`' }),
  wait: time(0, waitMsMax)
    .default(30_000)
    .meta({ description: 'How long a job is waited for: 0 to 5m; 30s if it is not said' }),
  lease: lease.default(60_000),
  worker: z
    .string()
    .max(clientIdMax)
    .transform(nameOfText)
    .refine((id) => id.length <= clientIdMax && !id.includes('\0'), {
      error: `a client id has at most ${clientIdMax} bytes`,
    })
    .default('')
    .meta({ description: 'What the worker is called where workers are listed' }),
})

const takenJob = z.object({
  lease: z.string().meta({ description: 'Who knows it may speak of the job: it is a secret' }),
  leaseUntil: z.number(),
  handle: z.string(),
  function: z.string(),
  unique: z.string(),
  workload: payload,
  reducer: z.string().optional(),
  trace: z.string().optional().meta({ description: 'A traceparent as W3C Trace Context has it' }),
})

const leaseParams = z.object({ lease: z.string().max(100).meta({ description: 'What `takeJob` gave as lease' }) })
const renewed = z.object({ leaseUntil: z.number().meta({ description: 'When the next request is to be here' }) })
const renewedAnswer: AnswerRow = { description: 'The server has it, and the lease is renewed', content: renewed }
const lastAnswer: AnswerRow = { description: 'The server has it; said once more, it gets the same answer' }
const bytes = { bytes: 'application/octet-stream' } as const

/** Of every request about a job in hand. */
const common = { tag: 'Workers', access: ['work'], params: leaseParams, problems: ['JOB_NOT_YOURS'] } as const
const commonOfBytes = {
  ...common,
  body: bytes,
  problems: ['JOB_NOT_YOURS', 'BODY_TOO_LARGE', 'TOO_MANY_REQUESTS'],
} as const

export const workRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/api/work/take',
    id: 'takeJob',
    tag: 'Workers',
    summary: 'Take a job, to do it',
    description: `For workers in languages that have no Gearman library. The answer comes when there is a job; it is 204 if none has come when the time to wait is over. Who hangs up before the answer gets no job.

The job is the worker's as long as the server hears of it: each request about the job renews its lease. When the lease is over, the job is another worker's, the attempt counts as lost, and requests are answered with 409 \`JOB_NOT_YOURS\`, whose \`reason\` says why: \`expired\`, \`cancelled\` (somebody has cancelled the job), \`timeout\` (it took longer than it may), \`disconnected\`, or what was said last of it: \`complete\` or \`fail\`.

With \`Accept: application/octet-stream\` the body is the workload, and all else is in headers, percent-encoded. With curl alone:

    curl -s -D headers -o workload -H 'Content-Type: application/json' -H 'Accept: application/octet-stream' \\
      -d '{"functions":["reverse"]}' http://127.0.0.1:4731/api/work/take
    lease=$(sed -n 's/^x-gearman-lease: *//ip' headers | tr -d '\\r')
    rev < workload | curl -s --data-binary @- http://127.0.0.1:4731/api/work/$lease/complete`,
    access: ['work'],
    body: takeBody,
    answers: {
      200: {
        description: 'A job; with `Accept: application/octet-stream` its workload alone, and all else in headers',
        content: takenJob,
        orContent: bytes,
        headers: {
          'X-Gearman-Lease': 'As in the body',
          'X-Gearman-Lease-Until': 'Milliseconds since 1970',
          'X-Gearman-Job-Handle': 'Percent-encoded, but for colons and slashes; the next three as well',
          'X-Gearman-Function': 'Function of the job',
          'X-Gearman-Unique': 'Not there if there is none',
          'X-Gearman-Reducer': 'Not there if there is none',
          traceparent: 'Not there if there is none',
        },
      },
      204: { description: 'No job came' },
    },
    problems: ['TOO_MANY_REQUESTS', 'UNSUPPORTED_MEDIA_TYPE', 'BODY_TOO_LARGE'],
    async handle({ body, actor, rawHeaders, signal }, { leases }) {
      const functions = body.functions.map((each) =>
        typeof each === 'string' ? { name: each, timeoutMs: 0 } : { name: each.name, timeoutMs: each.timeout },
      )
      for (const { name } of functions) {
        if (!actor.may('work', name)) {
          throw new Problem('ACCESS_DENIED', deniedSentence(['work'], JSON.stringify(textOfName(name))))
        }
      }
      const { wait: waitMs, lease: leaseMs, worker } = body
      const taken = await leases.take({ functions, waitMs, worker }, leaseMs, actor, signal)
      if (taken === undefined) return { status: 204 }
      if (!/application\/octet-stream/i.test(rawHeaders.accept ?? '')) return { status: 200, json: show(taken) }
      return { status: 200, bytes: taken.job.workload, headers: headersOf(taken) }
    },
  }),
  route({
    ...common,
    method: 'POST',
    path: '/api/work/{lease}/progress',
    id: 'sendProgress',
    summary: 'Say how far the job is',
    body: z.object({
      numerator: z.int().min(0).max(countMax).meta({ description: 'Parts that are done' }),
      denominator: z.int().min(0).max(countMax).meta({ description: 'Of so many' }),
    }),
    answers: { 200: renewedAnswer },
    problems: ['JOB_NOT_YOURS', 'TOO_MANY_REQUESTS', 'UNSUPPORTED_MEDIA_TYPE'],
    async handle({ params, actor, body: { numerator, denominator } }, { leases }) {
      const counts = [String(numerator), String(denominator)]
      return renewal(await leases.say(params.lease, actor, 'WORK_STATUS', counts))
    },
  }),
  messageRoute('data', 'sendData', 'WORK_DATA', 'a part of the result'),
  messageRoute('warning', 'sendWarning', 'WORK_WARNING', 'a warning'),
  route({
    ...common,
    method: 'POST',
    path: '/api/work/{lease}/extend',
    id: 'extendLease',
    summary: 'Say that the job is still being done',
    description: 'With `lease` for so long, now and after each further request.',
    body: z.object({ lease: lease.optional() }),
    answers: { 200: renewedAnswer },
    problems: ['JOB_NOT_YOURS', 'UNSUPPORTED_MEDIA_TYPE'],
    handle: ({ params, actor, body }, { leases }) => renewal(leases.extend(params.lease, actor, body.lease)),
  }),
  route({
    ...commonOfBytes,
    method: 'POST',
    path: '/api/work/{lease}/complete',
    id: 'completeJob',
    summary: 'The job is done: the body is its result',
    answers: { 204: lastAnswer },
    async handle({ params, actor, body }, { leases }) {
      await leases.finish(params.lease, actor, 'complete', 'WORK_COMPLETE', body)
      return { status: 204 }
    },
  }),
  route({
    ...commonOfBytes,
    method: 'POST',
    path: '/api/work/{lease}/fail',
    id: 'failJob',
    summary: 'The job has failed: the body, if there is one, says why',
    answers: { 204: lastAnswer },
    async handle({ params, actor, body }, { leases }) {
      if (body.length === 0) await leases.finish(params.lease, actor, 'fail', 'WORK_FAIL')
      else await leases.finish(params.lease, actor, 'fail', 'WORK_EXCEPTION', body)
      return { status: 204 }
    },
  }),
]

/** What is sent on as it is. */
function messageRoute(last: string, id: string, packet: 'WORK_DATA' | 'WORK_WARNING', what: string): Route {
  return route({
    ...commonOfBytes,
    method: 'POST',
    path: `/api/work/{lease}/${last}`,
    id,
    summary: `Send ${what} to those who wait for the job`,
    answers: { 200: renewedAnswer },
    async handle({ params, actor, body }, { leases }) {
      return renewal(await leases.say(params.lease, actor, packet, [], body))
    },
  })
}

function renewal(leaseUntil: number) {
  return { status: 200, json: { leaseUntil } }
}

function show({ id, until, job }: Lease): z.output<typeof takenJob> {
  return {
    lease: id,
    leaseUntil: until,
    handle: textOfName(job.handle),
    function: textOfName(job.function),
    unique: textOfName(job.unique),
    workload: toBytes(job.workload),
    ...(job.reducer === '' ? {} : { reducer: textOfName(job.reducer) }),
    ...(job.trace === '' ? {} : { trace: job.trace }),
  }
}

function headersOf({ id, until, job }: Lease): Record<string, string> {
  const headers: Record<string, string> = {
    'content-type': 'application/octet-stream',
    'x-gearman-lease': id,
    'x-gearman-lease-until': String(until),
  }
  for (const [name, part] of namedHeaders) if (job[part] !== '') headers[name] = inHeader(job[part])
  return headers
}

const namedHeaders = [
  ['x-gearman-job-handle', 'handle'],
  ['x-gearman-function', 'function'],
  ['x-gearman-unique', 'unique'],
  ['x-gearman-reducer', 'reducer'],
  ['traceparent', 'trace'],
] as const satisfies readonly (readonly [string, keyof TakenJob])[]

function inHeader(name: string): string {
  return encodeURIComponent(textOfName(name)).replaceAll('%3A', ':').replaceAll('%2F', '/')
}

/** `30s`, in milliseconds. */
function time(minMs: number, maxMs: number) {
  const type = duration(maxMs)
  return z
    .string()
    .refine((text) => (type.parse(text) ?? -1) >= minMs, {
      error: `it is a time with its unit, such as 30s, from ${type.show(minMs)} to ${type.show(maxMs)}`,
    })
    .transform((text) => type.parse(text) ?? minMs)
}
