import type { ServerResponse } from 'node:http'
import { toBytes } from '../control/bytes.ts'
import type { ForegroundEvent, ForegroundJob } from '../gateway/foreground-job.ts'
import type { LocalSubmission } from '../gateway/submission.ts'
import type { HttpContext } from './context.ts'
import { EventStream } from './event-stream.ts'
import { jobPath } from './job-path.ts'
import { textOfName } from './names.ts'
import { Problem } from './problem.ts'
import { type Answer, type RouteRequest, streamed } from './route.ts'
import { securityHeaders } from './security-headers.ts'

interface Wait {
  readonly submission: LocalSubmission
  /** Infinity: as long as it takes. */
  readonly waitMs: number
  readonly isStreamed: boolean
}

type Request = Pick<RouteRequest, 'actor' | 'rawHeaders' | 'signal' | 'response'>

/** Submits a foreground job and answers with what becomes of it. Rejects with a Problem, unless the answer has begun. */
export function waitForJob(wait: Wait, request: Request, { gateway }: Pick<HttpContext, 'gateway'>): Promise<Answer> {
  const { submission, waitMs } = wait
  const { actor, signal, response } = request
  return new Promise((resolve, reject) => {
    const teller = tellerFor(wait, request, resolve, reject)
    const job = gateway.foreground(submission, actor, Number.isFinite(waitMs) ? waitMs : undefined, (event) => {
      teller(event)
      if (response.writableNeedDrain) holdBack(job, response)
    })
    signal.addEventListener('abort', () => {
      job.leave()
      resolve(streamed)
    })
    if (signal.aborted) resolve(streamed)
    else job.submit()
  })
}

/** The job's worker is to wait for whoever reads the answer. */
function holdBack(job: ForegroundJob, response: ServerResponse): void {
  job.holdBack()
  response.once('drain', () => job.goOn())
}

type Teller = (event: ForegroundEvent) => void
type Resolve = (answer: Answer) => void
type Reject = (problem: Problem) => void

function tellerFor(
  { submission, isStreamed }: Wait,
  { rawHeaders, response }: Request,
  resolve: Resolve,
  reject: Reject,
): Teller {
  if (rawHeaders.accept?.includes('text/event-stream') === true)
    return tellEvents(submission, response, resolve, reject)
  return isStreamed ? tellData(submission, response, resolve, reject) : tellResult(submission, resolve, reject)
}

/** The result alone. */
function tellResult(submission: LocalSubmission, resolve: Resolve, reject: Reject): Teller {
  let handle = ''
  return (event) => {
    if (event.kind === 'created') handle = event.handle
    else if (event.kind === 'complete') resolve({ status: 200, bytes: event.result, headers: headersOf(handle) })
    else if (event.kind === 'failed') reject(problemOf(event, handle, submission))
  }
}

/** The data as they come, and the result. The answer begins with the first of them, so that what fails before that has its status. */
function tellData(submission: LocalSubmission, response: ServerResponse, resolve: Resolve, reject: Reject): Teller {
  let handle = ''
  const begin = () => {
    if (response.headersSent) return
    response.writeHead(200, { ...securityHeaders, ...headersOf(handle), 'x-accel-buffering': 'no' })
    resolve(streamed)
  }
  return (event) => {
    if (event.kind === 'created') handle = event.handle
    else if (event.kind === 'data') {
      begin()
      response.write(event.data)
    } else if (event.kind === 'complete') {
      begin()
      response.end(event.result)
    } else if (event.kind === 'failed') {
      if (response.headersSent) breakOff(response)
      else reject(problemOf(event, handle, submission))
    }
  }
}

function tellEvents(submission: LocalSubmission, response: ServerResponse, resolve: Resolve, reject: Reject): Teller {
  let handle = ''
  let stream: EventStream | undefined
  return (event) => {
    if (event.kind === 'created') {
      handle = event.handle
      stream = new EventStream(response, () => {})
      stream.send('created', { handle: textOfName(handle), function: textOfName(submission.function) })
      resolve(streamed)
    } else if (event.kind === 'progress') {
      stream?.send('progress', { numerator: event.numerator, denominator: event.denominator })
    } else if (event.kind === 'complete') {
      stream?.send('complete', { result: toBytes(event.result) })
      stream?.end()
    } else if (event.kind === 'failed') {
      const problem = problemOf(event, handle, submission)
      if (stream === undefined) return reject(problem)
      stream.send('failed', problem)
      stream.end()
    } else stream?.send(event.kind, toBytes(event.data))
  }
}

/** What was written still goes; that there is no end to it is all that HTTP has for a failure. */
function breakOff(response: ServerResponse): void {
  if (response.socket === null) response.destroy()
  else response.socket.destroySoon()
}

function headersOf(handle: string): Record<string, string> {
  return { 'content-type': 'application/octet-stream', 'content-location': jobPath(handle) }
}

/** With what is known of the job, unless it was refused. */
function problemOf(
  { problem, exception }: ForegroundEvent & { readonly kind: 'failed' },
  handle: string,
  submission: LocalSubmission,
): Problem {
  if (handle === '') return problem
  return new Problem(problem.code, problem.message, {
    handle: textOfName(handle),
    function: textOfName(submission.function),
    ...(exception === undefined ? {} : { exception: toBytes(exception) }),
  })
}
