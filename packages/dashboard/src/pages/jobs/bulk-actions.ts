import type { JobAction, JobStateName, JobSummary, PriorityName } from '@geartrain/protocol'
import { stateOf, toBody } from '../../filter/filter.ts'
import type { Filter } from '../../filter/filter-keys.ts'
import { counted } from '../../text/numbers.ts'

/** What can be done to many jobs at once. */
export interface BulkAction {
  readonly action: JobAction
  /** On its button. */
  readonly title: string
  /** While it is under way, and when it is done. */
  readonly doing: string
  readonly done: string
  /** What becomes of the jobs. */
  readonly effect: string
  readonly isDestructive: boolean
  /** Where they stand then; left out: nowhere, or where they did. */
  readonly leadsTo?: JobStateName
  /** Of jobs that stand there it makes sense. */
  readonly states: readonly JobSummary['state'][]
}

const waiting = ['ready', 'delayed'] as const satisfies readonly JobStateName[]
const kept = ['complete', 'failed', 'exception'] as const satisfies readonly JobStateName[]

export const bulkActions: readonly BulkAction[] = [
  {
    action: 'retry',
    title: 'Retry',
    doing: 'Retrying',
    done: 'Retried',
    effect: 'They wait for a worker again, with all of their attempts.',
    isDestructive: false,
    leadsTo: 'ready',
    states: ['dead'],
  },
  {
    action: 'run',
    title: 'Run now',
    doing: 'Letting begin',
    done: 'Ready now',
    effect: 'They do not wait for their time any longer: workers get them next.',
    isDestructive: false,
    leadsTo: 'ready',
    states: ['delayed'],
  },
  {
    action: 'prioritize',
    title: 'Reprioritise',
    doing: 'Reprioritising',
    done: 'Reprioritised',
    effect: 'They go to the end of the line of that priority.',
    isDestructive: false,
    states: waiting,
  },
  {
    action: 'cancel',
    title: 'Cancel',
    doing: 'Cancelling',
    done: 'Cancelled',
    effect: 'They end, and nothing of them is kept. Of one that runs, what its worker gives is thrown away.',
    isDestructive: true,
    states: [...waiting, 'pending', 'running'],
  },
  {
    action: 'delete',
    title: 'Delete',
    doing: 'Deleting',
    done: 'Deleted',
    effect: 'Nothing of them is kept. It can’t be taken back.',
    isDestructive: true,
    states: ['dead', ...kept],
  },
]

/** Those which make sense of all jobs that the filter lets through, or of some of those that have not ended. */
export function actionsOf(filter: Filter): readonly BulkAction[] {
  const state = stateOf(filter)
  return bulkActions.filter(({ states }) =>
    state === undefined ? states.some((each) => each !== 'dead' && !isKept(each)) : states.includes(state),
  )
}

function isKept(state: JobSummary['state']): boolean {
  return kept.some((each) => each === state)
}

/** Those for which it is. */
export function fitting({ states }: BulkAction, jobs: readonly JobSummary[]): readonly JobSummary[] {
  return jobs.filter(({ state }) => states.includes(state))
}

/** Which jobs are to be changed. */
export type BulkScope =
  | { readonly kind: 'named'; readonly handles: readonly string[] }
  | { readonly kind: 'all'; readonly filter: Filter }

/** What /api/jobs/bulk takes. Of all that match, those that are delayed can run now, whatever else is among them. */
export function bulkBody({ action }: BulkAction, scope: BulkScope, priority: PriorityName | undefined): object {
  const named = scope.kind === 'named' ? { handles: scope.handles } : { filter: stateNamed(action, scope.filter) }
  return { action, ...named, ...(priority === undefined ? {} : { priority }) }
}

/** The state is said, so that what is counted, shown and changed is the same. */
function stateNamed(action: JobAction, filter: Filter): object {
  const state = stateOf(filter) ?? (action === 'run' ? 'delayed' : undefined)
  return { ...toBody(filter), ...(state === undefined ? {} : { state }) }
}

/** `12 jobs`; `at least 10,000 jobs` if there may be more. */
export function jobsCounted(count: number, isExact: boolean): string {
  return `${isExact ? '' : 'at least '}${counted(count, 'job')}`
}

/** Where all those are that have matched; undefined: that can't be asked for. What went wrong is forgotten. */
export function filterAfter({ leadsTo }: BulkAction, scope: BulkScope): Filter | undefined {
  if (leadsTo === undefined || scope.kind === 'named') return undefined
  const { reason: _, message: _message, error: _error, ...rest } = scope.filter
  return { ...rest, state: leadsTo }
}
