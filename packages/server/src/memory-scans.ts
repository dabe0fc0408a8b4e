import { fits, isPattern } from './policies/function-name.ts'
import { failureMessage } from './store/failure-message.ts'
import type {
  StoreAnswer,
  StoredDescription,
  StoredFilter,
  StoredGroup,
  StoredRow,
  StoredScan,
  StoreRequest,
} from './store/store.ts'
import { mergedGroup } from './store/stored-group.ts'

type Answer<Kind extends StoreAnswer['kind']> = Extract<StoreAnswer, { kind: Kind }>
type Jobs = Iterable<StoredDescription>

// What a store is asked of many jobs, for those that are in memory.

export function scanJobs(jobs: Jobs, request: Extract<StoreRequest, { kind: 'scan' }>): Answer<'scan'> {
  const { isDescending, jobsMax } = request
  // Few are kept of many: as many as are asked for, and one more than that tells that there are others.
  let found: StoredDescription[] = []
  const sort = () => found.sort((one, other) => (isDescending ? other.number - one.number : one.number - other.number))
  for (const job of jobs) {
    if (!isAsked(job, request)) continue
    found.push(job)
    if (found.length > 4 * jobsMax + 100) found = sort().slice(0, jobsMax + 1)
  }
  const page = sort().slice(0, jobsMax)
  return { kind: 'scan', jobs: page.map(toRow), next: found.length > jobsMax ? page.at(-1)?.number : undefined }
}

export function countJobs(jobs: Jobs, scan: StoredScan): Answer<'count'> {
  const counts = new Map<string, number>()
  for (const job of jobs) if (isAsked(job, scan)) counts.set(job.function, (counts.get(job.function) ?? 0) + 1)
  return { kind: 'count', functions: Array.from(counts, ([name, count]) => ({ name, count })), next: undefined }
}

/** The groups that came first: others are left out, and their jobs are not looked at again. */
export function groupDead(jobs: Jobs, request: Extract<StoreRequest, { kind: 'group dead' }>): Answer<'group dead'> {
  const groups = new Map<string, StoredGroup>()
  for (const job of jobs) {
    if (!isAsked(job, request)) continue
    const { number, function: name, reason = 'failed', endedAt: at } = job
    const message = failureMessage(lastError(job))
    const key = `${name}\0${reason}\0${message}`
    const known = groups.get(key)
    if (known === undefined && groups.size >= request.groupsMax) continue
    groups.set(key, mergedGroup(known, { function: name, reason, message, count: 1, firstAt: at, lastAt: at, number }))
  }
  return { kind: 'group dead', groups: [...groups.values()], next: undefined }
}

function isAsked(job: StoredDescription, { filter, isDescending, from }: StoredScan): boolean {
  const { function: name, priority, unique, reason, error, message, submittedFrom, submittedUntil } = filter
  const { submittedAt } = job
  return (
    (isDescending ? job.number < from : job.number > from) &&
    hasState(job, filter) &&
    (name === undefined || (isPattern(name) ? fits(name, job.function) : name === job.function)) &&
    (priority === undefined || job.priority === priority) &&
    (unique === undefined || job.unique === unique) &&
    (reason === undefined || job.reason === reason) &&
    (submittedFrom === undefined || (submittedAt > 0 && submittedAt >= submittedFrom)) &&
    (submittedUntil === undefined || (submittedAt > 0 && submittedAt <= submittedUntil)) &&
    (error === undefined || (job.failures.length > 0 && lastError(job).toLowerCase().includes(error.toLowerCase()))) &&
    (message === undefined || failureMessage(lastError(job)) === message)
  )
}

function hasState(job: StoredDescription, { state }: StoredFilter): boolean {
  return state === 'live' ? job.state === 'ready' || job.state === 'delayed' : job.state === state
}

function lastError({ failures }: StoredDescription): string {
  return failures.at(-1)?.error ?? ''
}

function toRow(job: StoredDescription): StoredRow {
  const { number, function: name, unique, priority, runAt, attempts, state, submittedAt, endedAt, reason } = job
  const error = lastError(job)
  return { number, function: name, unique, priority, runAt, attempts, state, submittedAt, endedAt, reason, error }
}
