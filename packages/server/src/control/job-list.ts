import type { Job } from '@geartrain/engine'
import type { ControlOperations, JobSummary } from '@geartrain/protocol'
import type { StoredSummary, StoreRequest } from '../store/store.ts'
import { type JobsContext, summarize } from './jobs.ts'
import { priorityNames } from './priority-names.ts'

type Params = ControlOperations['jobs']['params']
type Answer = ControlOperations['jobs']['answer']

const defaultLimit = 100
/** Jobs in memory that are looked at before others have their turn. */
const stepJobs = 10_000
/** Of a store with none of those that are asked for, so much is read for a page. */
const storePages = 20
const storePageJobs = 1000

/** Some of the jobs with the lowest numbers, and up to which number these are all. */
interface Found<Entry> {
  readonly jobs: readonly Entry[]
  readonly until: number
}

/**
 * A page of the jobs that have not ended, in the order of their numbers: of those in memory and those in the store,
 * many of which are the same. It may have fewer than were asked for; only without `next` is it the last one.
 */
export async function listJobs(context: JobsContext, params: Params): Promise<Answer> {
  const { engine, handles } = context
  const { after: cursor, limit = defaultLimit } = params
  const after = cursor === undefined ? Number.NEGATIVE_INFINITY : handles.numberOf(Number(cursor))
  const live = await findLive(context, params, after, limit)
  const stored = await findStored(context, params, after, limit)
  const until = Math.min(live.until, stored.until)
  const rows = new Map<number, JobSummary>()
  for (const job of live.jobs) {
    // Others had their turn meanwhile.
    if (job.number <= until && isAsked(job, params)) rows.set(job.number, summarize(context, job))
  }
  for (const row of stored.jobs) {
    const number = handles.numberOf(row.number)
    if (number > until || rows.has(number)) continue
    const job = engine.findJob(number)
    if (job === undefined || job.state === 'stored') rows.set(number, summarizeStored(context, row))
    else if (isAsked(job, params)) rows.set(number, summarize(context, job))
  }
  const numbers = [...rows.keys()].sort((one, other) => one - other).slice(0, limit)
  const jobs = numbers.flatMap((number) => rows.get(number) ?? [])
  const end = jobs.length < rows.size ? (numbers.at(-1) ?? until) : until
  return end === Number.POSITIVE_INFINITY ? { jobs } : { jobs, next: String(handles.total(end)) }
}

async function findLive(
  { engine, inquiry }: JobsContext,
  params: Params,
  after: number,
  limit: number,
): Promise<Found<Job>> {
  let found: Job[] = []
  let until = Number.POSITIVE_INFINITY
  let looked = 0
  const shrink = () => {
    if (found.length <= limit) return
    found = found.sort((one, other) => one.number - other.number).slice(0, limit)
    until = found.at(-1)?.number ?? until
  }
  if (params.state === 'running') {
    for (const { running } of engine.sessions()) {
      for (const job of running) if (job.number > after && isAsked(job, params)) found.push(job)
    }
  } else {
    for (const job of engine.jobs()) {
      if (job.number > after && job.number < until && isAsked(job, params)) found.push(job)
      if (found.length >= 2 * limit) shrink()
      if (++looked % stepJobs === 0) await inquiry.pass()
    }
  }
  shrink()
  return { jobs: found, until }
}

function isAsked(job: Job, { function: name, state }: Params): boolean {
  if (name !== undefined && job.function.name !== name) return false
  if (state !== undefined) return job.state === state
  return job.state === 'ready' || job.state === 'delayed' || job.state === 'running' || job.state === 'pending'
}

/** Also those that are in memory as well. */
async function findStored(
  context: JobsContext,
  { function: name, state }: Params,
  after: number,
  limit: number,
): Promise<Found<StoredSummary>> {
  if (context.journal === undefined || state === 'running') return { jobs: [], until: Number.POSITIVE_INFINITY }
  const first = Math.max(0, context.handles.total(after))
  if (name === undefined) return await findInAllFunctions(context, state, first, limit)
  const jobs: StoredSummary[] = []
  let until = Number.POSITIVE_INFINITY
  for (const each of state === undefined ? (['ready', 'delayed'] as const) : [state]) {
    const request = { kind: 'list function', function: name, state: each, after: first, jobsMax: limit } as const
    const page = await readPage(context, request)
    jobs.push(...page.jobs)
    until = Math.min(until, page.until)
  }
  return { jobs, until }
}

/** The store does not list them by what they wait for. */
async function findInAllFunctions(
  context: JobsContext,
  state: 'ready' | 'delayed' | undefined,
  first: number,
  limit: number,
): Promise<Found<StoredSummary>> {
  const jobsMax = state === undefined ? limit : storePageJobs
  const jobs: StoredSummary[] = []
  let after = first
  for (let pages = 1; ; pages++) {
    const page = await readPage(context, { kind: 'list', after, jobsMax })
    for (const job of page.jobs) if (state === undefined || job.runAt > 0 === (state === 'delayed')) jobs.push(job)
    if (page.until === Number.POSITIVE_INFINITY || jobs.length >= limit || pages === storePages) {
      return { jobs, until: page.until }
    }
    after = page.jobs.at(-1)?.number ?? after
  }
}

async function readPage(
  { handles, inquiry }: JobsContext,
  request: Extract<StoreRequest, { kind: 'list' | 'list function' }>,
): Promise<Found<StoredSummary>> {
  const { jobs } = await inquiry.ask(request, 'list')
  const last = jobs.at(-1)
  const isLast = last === undefined || jobs.length < request.jobsMax
  return { jobs, until: isLast ? Number.POSITIVE_INFINITY : handles.numberOf(last.number) }
}

function summarizeStored({ handles }: JobsContext, row: StoredSummary): JobSummary {
  const { number, function: name, unique, priority, runAt, attempts } = row
  return {
    handle: handles.text(handles.numberOf(number)),
    function: name,
    unique,
    priority: priorityNames[priority],
    state: runAt > 0 ? 'delayed' : 'ready',
    attempts,
    ...(runAt > 0 ? { runAt } : {}),
    background: true,
  }
}
