import { z } from 'zod'
import { jobAction, jobState } from '../../control/requests.ts'
import { type Route, route } from '../route.ts'
import { handle, priority } from '../schemas.ts'
import * as shapes from '../shapes.ts'

const listJobs = route({
  method: 'GET',
  path: '/api/jobs',
  id: 'listJobs',
  tag: 'Jobs',
  summary: 'Jobs that a filter lets through, page by page',
  description:
    'Without `state`, those that have not ended. Of `complete`, `failed` and `exception` there are those whose results are kept. A job is listed if it meets all that the query asks. Age and errors are known only of jobs that are kept. In a cluster, `running` lists only those that the asked server has; counts of it are of all servers.',
  access: ['view'],
  query: z.strictObject({
    ...shapes.filter,
    order: z.enum(['oldest', 'newest']).meta({ description: 'Default: `oldest` first' }).exactOptional(),
    after: shapes.cursor,
    limit: shapes.limit,
  }),
  answers: {
    200: { description: 'A page', content: z.object({ jobs: z.array(shapes.jobSummary), next: shapes.next }) },
  },
  problems: ['STORE_FAILED'],
  async handle({ actor, query }, { perform }) {
    return { status: 200, json: await perform('jobs', shapes.toFilter(query), actor) }
  },
})

const countJobs = route({
  method: 'GET',
  path: '/api/jobs/count',
  id: 'countJobs',
  tag: 'Jobs',
  summary: 'How many jobs a filter lets through',
  access: ['view'],
  query: z.strictObject(shapes.filter),
  answers: { 200: { description: 'How many', content: shapes.jobCount } },
  problems: ['STORE_FAILED'],
  async handle({ actor, query }, { perform }) {
    return { status: 200, json: await perform('jobs count', { filter: shapes.toFilter(query) }, actor) }
  },
})

const countByState = route({
  method: 'GET',
  path: '/api/jobs/counts',
  id: 'countJobsByState',
  tag: 'Jobs',
  summary: 'How many jobs in each state a filter lets through',
  description: 'Quick rather than exact: where `isExact` is false there may be more.',
  access: ['view'],
  query: z.strictObject(shapes.filterParts),
  answers: {
    200: {
      description: 'How many in each state',
      content: z.object({ states: z.record(jobState, shapes.jobCount) }),
    },
  },
  problems: ['STORE_FAILED'],
  async handle({ actor, query }, { perform }) {
    return { status: 200, json: await perform('jobs counts', { filter: shapes.toFilter(query) }, actor) }
  },
})

const changeJobs = route({
  method: 'POST',
  path: '/api/jobs/bulk',
  id: 'changeJobs',
  tag: 'Jobs',
  summary: 'Change many jobs: those named, or all that a filter lets through',
  description:
    'Without a state in its filter, `retry` is for dead jobs, `run` for delayed ones, and `delete` is refused. Only jobs that are there when it begins are changed. With `dryRun` the answer says how many there are, and nothing changes.',
  access: ['operate'],
  body: z
    .strictObject({
      action: jobAction,
      priority: priority.meta({ description: 'For `prioritize`' }).exactOptional(),
      handles: shapes.handles.meta({ description: 'At most 10,000' }).exactOptional(),
      filter: shapes.bodyFilter
        .meta({ description: 'As the query of `listJobs`, with `olderThan` and `youngerThan`' })
        .exactOptional(),
      dryRun: z.boolean().meta({ description: 'Only count' }).exactOptional(),
    })
    .meta({ description: 'One of handles and filter' }),
  answers: { 200: { description: 'What has become of them', content: shapes.jobsChanged } },
  problems: ['STORE_FAILED', 'CROSS_SITE', 'UNSUPPORTED_MEDIA_TYPE', 'BODY_TOO_LARGE'],
  async handle({ actor, body }, { perform }) {
    return { status: 200, json: await perform('jobs change', body, actor) }
  },
})

const runJob = route({
  method: 'POST',
  path: '/api/jobs/{handle}/run',
  id: 'runJob',
  tag: 'Jobs',
  summary: 'Let a delayed job begin now',
  access: ['operate'],
  params: z.object({ handle }),
  answers: { 204: { description: 'It is ready' } },
  problems: ['NOT_FOUND', 'CONFLICT', 'STORE_FAILED', 'CROSS_SITE'],
  async handle({ actor, params }, { perform }) {
    await perform('job run', params, actor)
    return { status: 204 }
  },
})

const deleteJob = route({
  method: 'DELETE',
  path: '/api/jobs/{handle}',
  id: 'deleteJob',
  tag: 'Jobs',
  summary: 'Delete a job that is dead, or what is kept of one that has ended; one that waits is cancelled',
  access: ['operate'],
  params: z.object({ handle }),
  answers: { 204: { description: 'It is gone' } },
  problems: ['NOT_FOUND', 'CONFLICT', 'STORE_FAILED', 'CROSS_SITE'],
  async handle({ actor, params }, { perform }) {
    await perform('job delete', params, actor)
    return { status: 204 }
  },
})

/** Many jobs, and what is done to one as to many. */
export const jobListRoutes: readonly Route[] = [listJobs, countJobs, countByState, changeJobs, runJob, deleteJob]
