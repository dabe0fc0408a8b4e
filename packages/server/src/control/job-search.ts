import type { Job } from '@geartrain/engine'
import type { JobFilter } from '@geartrain/protocol'
import type { Actor } from '../access/actor.ts'
import { jobElsewhere } from '../cluster/elsewhere.ts'
import type { StoreAnswer, StoredRow } from '../store/store.ts'
import { type AskedJobs, readFilter } from './job-filter.ts'
import type { JobsContext } from './jobs.ts'

/** Jobs in memory that are looked at before others have their turn, and for one page. */
const stepJobs = 5000
const looksMax = 250_000
/** So often, and so long, is the store asked for one page, each time for a few milliseconds of its own. */
const stepsMax = 100
const searchMs = 200
/** Jobs that are asked for at a time where some are not for whoever asks: where a page ends is not to tell of those. */
const mixedJobs = 1000

interface FoundJob {
  readonly number: number
  /** If it is in memory. */
  readonly job: Job | undefined
  /** If the archive has it, and was asked. */
  readonly row: StoredRow | undefined
}

export interface JobPage {
  readonly jobs: readonly FoundJob[]
  /** Go on behind that number; undefined: those were the last. */
  readonly next: number | undefined
}

export interface PageAsked {
  /** Undefined: from the beginning. */
  readonly after: number | undefined
  readonly limit: number
  readonly isDescending: boolean
  /** Functions of which jobs are shown; undefined: all. */
  readonly maySee?: MaySee | undefined
}

export type MaySee = (functionName: string) => boolean

export function maySeeOf(actor: Actor): MaySee | undefined {
  return actor.mayEverywhere('view') ? undefined : (name) => actor.may('view', name)
}

type Scanned = Extract<StoreAnswer, { kind: 'scan' }>

/** Some of the jobs, the first ones, and up to which place these are all; places go up, whatever the order. */
interface Found<Entry> {
  readonly entries: readonly Entry[]
  readonly until: number
}

/**
 * A page of the jobs that a filter lets through, by number: of those in memory and those in the archive, many of which
 * are the same. It may have fewer than were asked for, or none, and not be the last one.
 */
export async function searchJobs(context: JobsContext, filter: JobFilter, asked: PageAsked): Promise<JobPage> {
  const { engine, handles, wallTime, connections } = context
  const { limit, isDescending, maySee } = asked
  const wanted = only(maySee, readFilter(filter, wallTime.now, connections))
  const place = (number: number) => (isDescending ? -number : number)
  const live = await findLive(context, wanted, asked)
  const stored = await findStored(context, wanted, asked)
  const until = Math.min(live.until, stored.until)
  const found = new Map<number, FoundJob>()
  const add = (number: number, job: Job | undefined, row: StoredRow | undefined) => {
    if (place(number) <= until) found.set(number, { number, job, row })
  }
  // Others had their turn meanwhile.
  for (const job of live.entries) if (wanted.isAsked(job)) add(job.number, job, undefined)
  for (const row of stored.entries) {
    const number = handles.numberOf(row.number)
    const job = engine.findJob(number)
    const isHere = job !== undefined && job.state !== 'stored'
    if (isHere ? wanted.isAsked(job) : isElsewhereAsked(context, row, filter))
      add(number, isHere ? job : undefined, row)
  }
  const jobs = [...found.values()].sort((one, other) => place(one.number) - place(other.number))
  const page = jobs.slice(0, limit)
  const end = page.length < jobs.length ? place(page.at(-1)?.number ?? 0) : until
  return { jobs: page, next: end === Number.POSITIVE_INFINITY ? undefined : place(end) }
}

function only(maySee: MaySee | undefined, wanted: AskedJobs): AskedJobs {
  if (maySee === undefined) return wanted
  return { ...wanted, isAsked: (job) => maySee(job.function.name) && wanted.isAsked(job) }
}

/** One that only the store knows does not run, unless another server has it. */
function isElsewhereAsked({ members }: JobsContext, row: StoredRow, filter: JobFilter): boolean {
  if (row.state !== 'ready' && row.state !== 'delayed') return true
  if (filter.worker !== undefined) return false
  const isRunning = jobElsewhere(members, row)?.isRunning === true
  return isRunning ? filter.state === undefined || filter.state === 'running' : filter.state !== 'running'
}

async function findLive(
  { engine, inquiry }: JobsContext,
  wanted: AskedJobs,
  { after, limit, isDescending }: PageAsked,
): Promise<Found<Job>> {
  const entries: Job[] = []
  const place = (number: number) => (isDescending ? -number : number)
  const start = after === undefined ? Number.NEGATIVE_INFINITY : place(after)
  if (!wanted.areInMemory) return { entries, until: Number.POSITIVE_INFINITY }
  if (wanted.filter.state === 'running' || wanted.filter.worker !== undefined) {
    for (const { running } of engine.sessions()) {
      for (const job of running) if (place(job.number) > start && wanted.isAsked(job)) entries.push(job)
    }
    entries.sort((one, other) => place(one.number) - place(other.number))
    const page = entries.slice(0, limit)
    const last = page.length < entries.length ? page.at(-1) : undefined
    return { entries: page, until: last === undefined ? Number.POSITIVE_INFINITY : place(last.number) }
  }
  let looked = 0
  for (const job of engine.jobsFrom(after, isDescending)) {
    if (wanted.isAsked(job)) entries.push(job)
    if (++looked % stepJobs === 0) await inquiry.pass()
    if (entries.length >= limit || looked >= looksMax) return { entries, until: place(job.number) }
  }
  return { entries, until: Number.POSITIVE_INFINITY }
}

/** Also those that are in memory as well. */
async function findStored(
  { handles, inquiry, journal, wallTime }: JobsContext,
  { stored: filter, areInMemory }: AskedJobs,
  { after, limit, isDescending, maySee }: PageAsked,
): Promise<Found<StoredRow>> {
  const entries: StoredRow[] = []
  // Without a store, the archive has nothing of those that have not ended but what went wrong.
  if (filter === undefined || (journal === undefined && areInMemory)) {
    return { entries, until: Number.POSITIVE_INFINITY }
  }
  const start = isDescending ? Number.MAX_SAFE_INTEGER : -1
  let next: number | undefined = after === undefined ? start : handles.total(after)
  const end = wallTime.now + searchMs
  for (let step = 0; next !== undefined && entries.length < limit && step < stepsMax; step++) {
    if (wallTime.now > end) break
    const answer: Scanned = await inquiry.ask(
      { kind: 'scan', filter, isDescending, from: next, jobsMax: maySee ? mixedJobs : limit - entries.length },
      'scan',
    )
    for (const row of answer.jobs) if (maySee === undefined || maySee(row.function)) entries.push(row)
    next = answer.next
  }
  if (next === undefined) return { entries, until: Number.POSITIVE_INFINITY }
  return { entries, until: isDescending ? -handles.numberOf(next) : handles.numberOf(next) }
}
