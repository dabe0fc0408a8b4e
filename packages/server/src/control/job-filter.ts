import { type Job, priorities } from '@geartrain/engine'
import type { JobFilter } from '@geartrain/protocol'
import type { Connections } from '../connections.ts'
import { fits, isPattern } from '../policies/function-name.ts'
import type { StoredFilter } from '../store/store.ts'
import { workerText } from './worker-text.ts'

/** Where jobs are looked for that a filter may let through. */
export interface AskedJobs {
  readonly filter: JobFilter
  /** What the archive is asked for; undefined: nothing. */
  readonly stored: StoredFilter | undefined
  /** Those in memory alone are asked for as well. Of these, nobody knows when they came, nor what went wrong. */
  readonly areInMemory: boolean
  /** One that has not ended, as far as the engine knows it. */
  isAsked(job: Job): boolean
}

const endStates = { dead: 'dead', complete: 'complete', failed: 'failed', exception: 'exception' } as const

/** `now`: the date. */
export function readFilter(filter: JobFilter, now: number, connections: Connections): AskedJobs {
  const { function: name, unique, priority: priorityName, worker, error, message, reason } = filter
  const priority = priorityName && priorities[priorityName]
  const state = filter.state ?? (worker !== undefined ? 'running' : reason !== undefined ? 'dead' : undefined)
  const isEnded = state !== undefined && state in endStates
  const isArchived =
    error !== undefined ||
    message !== undefined ||
    filter.olderThanMs !== undefined ||
    filter.youngerThanMs !== undefined
  // No job is of both kinds.
  const isNone = (worker !== undefined && state !== 'running') || (reason !== undefined && state !== 'dead')
  const isStoredAsked = !isNone && (state !== 'running' || isArchived)
  const stored: StoredFilter = {
    // To the store, one that runs is one that waits.
    state: state === undefined || state === 'running' ? 'live' : state,
    function: name,
    priority,
    unique,
    submittedFrom: filter.youngerThanMs === undefined ? undefined : now - filter.youngerThanMs,
    submittedUntil: filter.olderThanMs === undefined ? undefined : now - filter.olderThanMs,
    error,
    message,
    reason,
  }
  const hasFunction = matcher(name)
  const part = worker?.toLowerCase()
  return {
    filter,
    stored: isStoredAsked ? stored : undefined,
    areInMemory: !isNone && !isEnded && !isArchived,
    isAsked(job) {
      if (state === undefined ? !isLive(job) : job.state !== state) return false
      if (priority !== undefined && job.priority !== priority) return false
      if (unique !== undefined && job.unique !== unique) return false
      if (!hasFunction(job.function.name)) return false
      return part === undefined || workerText(connections, job).toLowerCase().includes(part)
    },
  }
}

/** Whether a name is the one asked for, or fits the pattern. */
export function matcher(nameOrPattern: string | undefined): (name: string) => boolean {
  if (nameOrPattern === undefined) return () => true
  return isPattern(nameOrPattern) ? (name) => fits(nameOrPattern, name) : (name) => name === nameOrPattern
}

function isLive({ state }: Job): boolean {
  return state === 'ready' || state === 'delayed' || state === 'running' || state === 'pending'
}
