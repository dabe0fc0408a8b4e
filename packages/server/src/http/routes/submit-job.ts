import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { toBytes } from '../../control/bytes.ts'
import type { LocalSubmission } from '../../gateway/submission.ts'
import type { HttpContext } from '../context.ts'
import { jobPath, pathPart } from '../job-path.ts'
import { textOfName } from '../names.ts'
import { Problem } from '../problem.ts'
import { type Answer, type Route, type RouteRequest, route } from '../route.ts'
import { functionName } from '../schemas.ts'
import { readSubmitRequest, type SubmitRequest, submitHeaders, submitQuery } from '../submit-request.ts'
import { waitForJob } from '../wait-for-job.ts'

const description = `The body is the workload, byte for byte, whatever its type.

Each option is a parameter of the query or a header: \`?priority=high\` is \`X-Geartrain-Priority: high\`. One that is given in both is refused.

**In the background** (without \`wait\`) the answer comes when the job is kept: 202, and where the job is in \`Location\`.

    curl -i -d 'a@example.com' 'http://127.0.0.1:4731/api/functions/mail/jobs?priority=high&unique=a&attempts=5'

**With \`wait\`** the answer comes when the job has ended: 200 with its result as the body (without the data that its worker has sent before), or a problem such as \`JOB_FAILED\`, \`JOB_EXCEPTION\` (whose \`detail\` and \`exception\` are what the worker said) and \`JOB_TIMEOUT\`. Who leaves before that waits no longer: a job that nobody else waits for, and that no worker has yet, is dropped.

    curl -d 'hello' 'http://127.0.0.1:4731/api/functions/reverse/jobs?wait=30s'

**With \`stream\`** the body is the job's data as they come, and its result last; the answer begins with the first of them. A job that fails after that has its answer broken off. With \`Accept: text/event-stream\` what comes are events: \`created\` (\`handle\`, \`function\`), \`data\` and \`warning\` (\`{ "text" }\` or \`{ "base64" }\`), \`progress\` (\`numerator\`, \`denominator\`), and last \`complete\` (\`result\`) or \`failed\` (a problem document). Who reads slowly is waited for, by the worker as well.

    curl -N -H 'Accept: text/event-stream' -d 'hello' 'http://127.0.0.1:4731/api/functions/reverse/jobs?stream'

**With \`schedule\`** it is a schedule that is made, and not a job: 201, and where it is in \`Location\`.

    curl -i -d 'all' 'http://127.0.0.1:4731/api/functions/report/jobs?schedule=0+3+*+*+*&timezone=Europe/Berlin&schedule-name=nightly'`

const params = z.object({ function: functionName })
const body = { bytes: 'application/octet-stream' } as const

export const submitJob: Route = route({
  method: 'POST',
  path: '/api/functions/{function}/jobs',
  id: 'submitJob',
  tag: 'Jobs',
  summary: 'Submit a job',
  description,
  access: ['submit', 'operate'],
  params,
  query: submitQuery,
  headers: submitHeaders,
  body,
  answers: {
    200: {
      description: 'With `wait`: the result of the job; with `stream` what comes before it, too',
      content: { bytes: 'application/octet-stream' },
      headers: { 'content-location': 'Where the job is' },
    },
    201: {
      description: 'With `schedule`: the schedule is made',
      content: z.object({ name: z.string() }),
      headers: { location: 'Where the schedule is' },
    },
    202: {
      description: 'The job is kept',
      content: z.object({ handle: z.string(), function: z.string() }),
      headers: { location: 'Where the job is' },
    },
  },
  problems: [
    'BODY_TOO_LARGE',
    'CONFLICT',
    'FUNCTION_DRAINING',
    'JOB_EXCEPTION',
    'JOB_FAILED',
    'JOB_TIMEOUT',
    'QUEUE_FULL',
    'STORE_FAILED',
    'TOO_MANY_REQUESTS',
    'UNSUPPORTED_MEDIA_TYPE',
  ],
  async handle(request, context) {
    const asked = readSubmitRequest(request.query, request.rawHeaders)
    if (asked.schedule !== undefined) return putSchedule(request, asked, asked.schedule, context)
    const name = request.params.function
    const { unique, options, trace, waitMs } = asked
    const submission: LocalSubmission = { function: name, unique, workload: request.body, options, trace }
    if (waitMs !== undefined) return waitForJob({ submission, waitMs, isStreamed: asked.stream }, request, context)
    const handle = await context.gateway.submit(submission, request.actor)
    return {
      status: 202,
      json: { handle: textOfName(handle), function: textOfName(name) },
      headers: { location: jobPath(handle) },
    }
  },
})

type Submit = RouteRequest<typeof params, typeof submitQuery, typeof submitHeaders, typeof body>

async function putSchedule(
  { actor, params: { function: name }, body: workload }: Submit,
  { unique, options, timezone, scheduleName }: SubmitRequest,
  schedule: string,
  context: HttpContext,
): Promise<Answer> {
  const { priority, then, ...others } = options
  const [other] = Object.keys(others.policy ?? others)
  if (other !== undefined) throw new Problem('BAD_REQUEST', `"${other}" does not go with "schedule"`)
  const { name: put } = await context.perform(
    'schedule put',
    {
      name: scheduleName ?? `http-${randomBytes(8).toString('hex')}`,
      function: name,
      ...(workload.length === 0 ? {} : { workload: toBytes(workload) }),
      ...(unique === '' ? {} : { unique }),
      ...(priority === undefined ? {} : { priority }),
      ...(then === undefined ? {} : { then }),
      ...(timezone === undefined ? {} : { timezone }),
      ...(/^@|\s/.test(schedule) ? { cron: schedule } : { every: schedule }),
    },
    actor,
  )
  return { status: 201, json: { name: put }, headers: { location: `/api/schedules/${pathPart(put)}` } }
}
