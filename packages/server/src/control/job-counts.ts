import { type Priority, priorities } from '@geartrain/engine'
import type { ControlOperations, JobCount, JobFilter, JobStateName } from '@geartrain/protocol'
import type { Actor } from '../access/actor.ts'
import { functionTotals } from '../cluster/totals.ts'
import { matcher, readFilter } from './job-filter.ts'
import { searchJobs } from './job-search.ts'
import type { JobsContext } from './jobs.ts'

type Counts = ControlOperations['jobs counts']['answer']

/** Those that are counted one by one: in memory, so many; in the store, what it sees of them in so many looks. */
const countMax = 10_000
const pageJobs = 1000
const pagesMax = 50
const stepsMax = 200
/** The same for each of several states. */
const quickPagesMax = 5
const quickStepsMax = 10

const allPriorities: readonly Priority[] = [0, 1, 2]
const states: readonly JobStateName[] = ['ready', 'delayed', 'running', 'dead', 'complete', 'failed', 'exception']

/** How many jobs a filter lets through, of functions that the actor may see. */
export function countJobs(context: JobsContext, actor: Actor, filter: JobFilter): Promise<JobCount> {
  return count(context, actor, filter, pagesMax, stepsMax)
}

export async function countByState(
  context: JobsContext,
  actor: Actor,
  filter: Omit<JobFilter, 'state'>,
): Promise<Counts> {
  const counts: Partial<Record<JobStateName, JobCount>> = {}
  for (const state of states) {
    counts[state] = await count(context, actor, { ...filter, state }, quickPagesMax, quickStepsMax)
  }
  // Every state is there now.
  return { states: counts as Record<JobStateName, JobCount> }
}

async function count(
  context: JobsContext,
  actor: Actor,
  filter: JobFilter,
  pages: number,
  steps: number,
): Promise<JobCount> {
  const { function: name, state, reason, priority, ...rest } = filter
  // Those that are ready are counted by priority.
  const isCounted =
    Object.keys(rest).length === 0 && reason === undefined && (priority === undefined || state === 'ready')
  const mayView = (functionName: string) => actor.may('view', functionName)
  const isAsked = matcher(name)
  if (isCounted && isLiveState(state)) {
    const isCountedFunction = (each: string) => isAsked(each) && mayView(each)
    const lines = priority === undefined ? allPriorities : [priorities[priority]]
    return { count: countLive(context, state, lines, isCountedFunction), isExact: true }
  }
  if (isCounted && state === 'dead') {
    const { functions } = await context.inquiry.ask({ kind: 'count dead' }, 'count dead')
    const asked = functions.filter((each) => isAsked(each.name) && mayView(each.name))
    return { count: asked.reduce((sum, each) => sum + each.count, 0), isExact: true }
  }
  const isEnded = !isLiveState(state) || (state === undefined && reason !== undefined)
  return isEnded ? countEnded(context, mayView, filter, steps) : countSearched(context, mayView, filter, pages)
}

function isLiveState(state: JobStateName | undefined): state is 'ready' | 'delayed' | 'running' | undefined {
  return state === undefined || state === 'ready' || state === 'delayed' || state === 'running'
}

/** By the engine's own counts. */
function countLive(
  { engine }: JobsContext,
  state: 'ready' | 'delayed' | 'running' | undefined,
  lines: readonly Priority[],
  isAsked: (name: string) => boolean,
): number {
  let sum = 0
  for (const jobFunction of engine.functions()) {
    if (!isAsked(jobFunction.name)) continue
    const { ready, delayed, running } = functionTotals(jobFunction)
    if (state === undefined || state === 'ready') for (const priority of lines) sum += ready[priority]
    if (state === undefined || state === 'delayed') sum += delayed
    if (state === undefined || state === 'running') sum += running
  }
  return sum
}

async function countEnded(
  { inquiry, wallTime, connections }: JobsContext,
  mayView: (name: string) => boolean,
  asked: JobFilter,
  stepsMost: number,
): Promise<JobCount> {
  const { stored: filter } = readFilter(asked, wallTime.now, connections)
  let sum = 0
  let from: number | undefined = filter === undefined ? undefined : -1
  for (let step = 0; filter !== undefined && from !== undefined && step < stepsMost; step++) {
    const answer: { functions: readonly { name: string; count: number }[]; next: number | undefined } =
      await inquiry.ask({ kind: 'count', filter, isDescending: false, from }, 'count')
    for (const { name, count: found } of answer.functions) if (mayView(name)) sum += found
    from = answer.next
  }
  return { count: sum, isExact: from === undefined }
}

async function countSearched(
  context: JobsContext,
  mayView: (name: string) => boolean,
  filter: JobFilter,
  pagesMost: number,
): Promise<JobCount> {
  let sum = 0
  let after: number | undefined
  for (let page = 0; page < pagesMost && sum < countMax; page++) {
    const found = await searchJobs(context, filter, { after, limit: pageJobs, isDescending: false })
    for (const { job, row } of found.jobs) if (mayView(job?.function.name ?? row?.function ?? '')) sum++
    if (found.next === undefined) return { count: sum, isExact: true }
    after = found.next
    await context.inquiry.pass()
  }
  return { count: sum, isExact: false }
}
