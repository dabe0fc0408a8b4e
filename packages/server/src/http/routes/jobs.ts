import type { Bytes, JobDescription } from '@geartrain/protocol'
import { z } from 'zod'
import { fromBytes, toBytes } from '../../control/bytes.ts'
import { hidesPayloads, jobDescription } from '../job-schemas.ts'
import { Problem } from '../problem.ts'
import { type Answer, type Route, route } from '../route.ts'
import { handle, priority } from '../schemas.ts'
import { jobEvents } from './job-events.ts'
import { submitJob } from './submit-job.ts'

const params = z.object({ handle })
const done = { 204: { description: 'It is done' } }
const noAnswer: Answer = { status: 204 }

const getJob = route({
  method: 'GET',
  path: '/api/jobs/{handle}',
  id: 'getJob',
  tag: 'Jobs',
  summary: 'One job: its state, attempts, progress, errors and times',
  description:
    'A job can be asked for while it waits or runs, while it is dead, and while its result is kept. Nothing is known of others.',
  access: ['view', 'submit'],
  params,
  answers: { 200: { description: 'The job', content: jobDescription } },
  problems: ['NOT_FOUND', 'STORE_FAILED'],
  async handle({ actor, params: { handle: asked } }, { perform }) {
    return { status: 200, json: await perform('job show', { handle: asked }, actor) }
  },
})

const getWorkload = route({
  method: 'GET',
  path: '/api/jobs/{handle}/workload',
  id: 'getJobWorkload',
  tag: 'Jobs',
  summary: 'The workload of a job, byte for byte',
  access: ['view', 'submit'],
  params,
  answers: { 200: { description: 'The workload', content: { bytes: 'application/octet-stream' } } },
  problems: ['NOT_FOUND', 'STORE_FAILED'],
  async handle({ actor, params: { handle: asked } }, { perform }) {
    const job = await perform('job show', { handle: asked }, actor)
    if (job.workload === undefined) throw new Problem('NOT_FOUND', whyNot(job, 'workload'))
    return bytesOf(job.workload)
  },
})

const getResult = route({
  method: 'GET',
  path: '/api/jobs/{handle}/result',
  id: 'getJobResult',
  tag: 'Jobs',
  summary: 'The result of a job that has ended, byte for byte',
  description:
    'Kept are results of background jobs whose policy has `keep-results`: of their function, or their own. A job that has failed is answered with the problem that a client would have got that waited for it.',
  access: ['view', 'submit'],
  params,
  answers: { 200: { description: 'The result', content: { bytes: 'application/octet-stream' } } },
  problems: ['NOT_FOUND', 'CONFLICT', 'JOB_FAILED', 'JOB_EXCEPTION', 'STORE_FAILED'],
  async handle({ actor, params: { handle: asked } }, { perform }) {
    return bytesOf(resultOf(await perform('job show', { handle: asked }, actor)))
  },
})

const cancelJob = route({
  method: 'POST',
  path: '/api/jobs/{handle}/cancel',
  id: 'cancelJob',
  tag: 'Jobs',
  summary: 'End a job that waits or runs',
  description: 'Whoever waits for it sees it fail. A worker that has it is told, if it asked for that.',
  access: ['operate'],
  params,
  answers: done,
  problems: ['NOT_FOUND', 'STORE_FAILED'],
  async handle({ actor, params: { handle: asked } }, { perform }) {
    await perform('job cancel', { handle: asked }, actor)
    return noAnswer
  },
})

const retryJob = route({
  method: 'POST',
  path: '/api/jobs/{handle}/retry',
  id: 'retryJob',
  tag: 'Jobs',
  summary: 'Put a dead job in line again',
  description:
    'With all of its attempts. A body that is not empty is its new workload, byte for byte. A server whose jobs are in memory alone gives it another handle.',
  access: ['operate'],
  params,
  body: { bytes: 'application/octet-stream' },
  answers: done,
  problems: ['NOT_FOUND', 'CONFLICT', 'STORE_FAILED', 'BODY_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE'],
  async handle({ actor, params: { handle: asked }, body }, { perform }) {
    const workload = body.length === 0 ? {} : { workload: toBytes(body) }
    const { refused } = await perform('dead retry', { handles: [asked], ...workload }, actor)
    const [one] = refused
    if (one === undefined) return noAnswer
    // If there is none, this says so.
    const { state } = await perform('job show', { handle: asked }, actor)
    throw new Problem('CONFLICT', state === 'dead' ? one.why : `the job is not dead: it is ${state}`)
  },
})

const prioritizeJob = route({
  method: 'POST',
  path: '/api/jobs/{handle}/priority',
  id: 'prioritizeJob',
  tag: 'Jobs',
  summary: 'Put a job that waits at the end of another line',
  access: ['operate'],
  params,
  body: z.strictObject({ priority }),
  answers: done,
  problems: ['NOT_FOUND', 'CONFLICT', 'STORE_FAILED', 'UNSUPPORTED_MEDIA_TYPE', 'BODY_TOO_LARGE'],
  async handle({ actor, params: { handle: asked }, body }, { perform }) {
    await perform('job prioritize', { handle: asked, priority: body.priority }, actor)
    return noAnswer
  },
})

/** Jobs, one at a time. */
export const jobRoutes: readonly Route[] = [
  submitJob,
  getJob,
  getWorkload,
  getResult,
  jobEvents,
  cancelJob,
  retryJob,
  prioritizeJob,
]

function bytesOf(payload: Bytes): Answer {
  return { status: 200, bytes: fromBytes(payload), headers: { 'content-type': 'application/octet-stream' } }
}

/** Throws a Problem if there is none. */
function resultOf(job: JobDescription): Bytes {
  const { state, result, reason, handle: name, failures } = job
  switch (state) {
    case 'complete':
      if (result === undefined) throw new Problem('NOT_FOUND', whyNot(job, 'result'))
      return result
    case 'exception':
      throw new Problem('JOB_EXCEPTION', 'the job has failed with an exception', {
        handle: name,
        ...(result === undefined ? {} : { exception: result }),
      })
    case 'failed':
      throw new Problem('JOB_FAILED', 'the job has failed', { handle: name })
    case 'dead':
      throw new Problem('JOB_FAILED', `the job is dead: ${reason ?? 'failed'}`, { handle: name, failures })
    case 'pending':
    case 'ready':
    case 'delayed':
    case 'running':
      throw new Problem('CONFLICT', `the job has not ended: it is ${state}`)
  }
}

function whyNot(job: JobDescription, what: 'workload' | 'result'): string {
  return hidesPayloads(job)
    ? `the policy of its function hides the ${what}: hide-payloads`
    : `the ${what} of the job is not kept: it has ended`
}
