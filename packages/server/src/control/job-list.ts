import type { ControlOperations, JobSummary } from '@geartrain/protocol'
import type { Actor } from '../access/actor.ts'
import { jobElsewhere } from '../cluster/elsewhere.ts'
import type { StoredRow } from '../store/store.ts'
import { maySeeOf, searchJobs } from './job-search.ts'
import { type JobsContext, summarize } from './jobs.ts'
import { priorityNames } from './priority-names.ts'
import { pageDefault } from './requests.ts'

type Params = ControlOperations['jobs']['params']
type Answer = ControlOperations['jobs']['answer']

/** A page of the jobs that a filter lets through and the actor may see, see `jobs` in the protocol. */
export async function listJobs(context: JobsContext, params: Params, actor: Actor): Promise<Answer> {
  const { handles } = context
  const { after, limit = pageDefault, order = 'oldest', ...filter } = params
  const { jobs, next } = await searchJobs(context, filter, {
    after: after === undefined ? undefined : handles.numberOf(Number(after)),
    limit,
    isDescending: order === 'newest',
    maySee: maySeeOf(actor),
  })
  const rows = jobs.flatMap(({ job, row }) => {
    if (job !== undefined) return [{ ...summarize(context, job), ...(row === undefined ? {} : history(row)) }]
    return row === undefined ? [] : [summarizeStored(context, row)]
  })
  return next === undefined ? { jobs: rows } : { jobs: rows, next: String(Math.max(0, handles.total(next))) }
}

function summarizeStored({ handles, members }: JobsContext, row: StoredRow): JobSummary {
  const elsewhere = jobElsewhere(members, row)
  const { number, function: name, unique, priority, runAt, attempts, state, endedAt, reason } = row
  return {
    handle: handles.text(handles.numberOf(number)),
    function: name,
    unique,
    priority: priorityNames[priority],
    state: elsewhere?.isRunning === true ? 'running' : state,
    ...(elsewhere === undefined ? {} : { server: elsewhere.server }),
    attempts,
    ...(runAt > 0 ? { runAt } : {}),
    background: true,
    ...history(row),
    ...(endedAt > 0 ? { endedAt } : {}),
    ...(reason === undefined ? {} : { reason }),
  }
}

/** What the engine does not know. */
function history({ submittedAt, error }: StoredRow): Pick<JobSummary, 'submittedAt' | 'error'> {
  return { ...(submittedAt > 0 ? { submittedAt } : {}), ...(error === '' ? {} : { error }) }
}
