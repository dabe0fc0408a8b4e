import type { ControlOperations, JobFilter, JobsChanged, PriorityName } from '@geartrain/protocol'
import type { Actor } from '../access/actor.ts'
import { badRequest, ControlError, isControlError } from './control-error.ts'
import type { DeadControl } from './dead.ts'
import { countJobs } from './job-counts.ts'
import { searchJobs } from './job-search.ts'
import type { JobControl, JobsContext } from './jobs.ts'

type Params = ControlOperations['jobs change']['params']

/** Jobs that are changed before others have their turn. */
const pageJobs = 500
/** So many refusals are told; whoever changes a million jobs does not want more. */
const refusalsMax = 1000

/** Changes that are one for many jobs. */
export class JobChanges {
  readonly #context: JobsContext
  readonly #jobs: JobControl
  readonly #dead: DeadControl

  constructor(context: JobsContext, jobs: JobControl, dead: DeadControl) {
    this.#context = context
    this.#jobs = jobs
    this.#dead = dead
  }

  /** Rejects with a ControlError if the store fails; what was done before that stays. */
  async change(params: Params, actor: Actor): Promise<JobsChanged> {
    const { action, handles, dryRun = false } = params
    const filter = params.filter && withState(action, params.filter)
    if (action === 'prioritize' && params.priority === undefined) throw badRequest('prioritize needs a "priority"')
    if (dryRun) return await this.#preview(handles, filter, actor)
    const tally = { matched: 0, changed: 0, refused: 0, refusals: [] as JobsChanged['refusals'][number][] }
    const pages = handles === undefined ? this.#pages(filter ?? {}) : cut([...new Set(handles)])
    for await (const page of pages) {
      tally.matched += page.length
      try {
        for (const { handle, why } of await this.#changePage(params, page)) {
          tally.refused++
          if (tally.refusals.length < refusalsMax) tally.refusals.push({ handle, why })
        }
      } catch (error) {
        if (!isControlError(error)) throw error
        throw new ControlError(error.code, `${error.message}; ${tally.changed} jobs had been changed before that`)
      }
      tally.changed = tally.matched - tally.refused
      await this.#context.inquiry.pass()
    }
    return { ...tally, isExact: true }
  }

  async #preview(
    handles: readonly string[] | undefined,
    filter: JobFilter | undefined,
    actor: Actor,
  ): Promise<JobsChanged> {
    const nothing = { changed: 0, refused: 0, refusals: [] }
    if (handles !== undefined) return { ...nothing, matched: new Set(handles).size, isExact: true }
    const { count, isExact } = await countJobs(this.#context, actor, filter ?? {})
    return { ...nothing, matched: count, isExact }
  }

  /** Handles of jobs that are there now, the oldest first. */
  async *#pages(filter: JobFilter): AsyncGenerator<readonly string[], void> {
    const { engine, handles, journal } = this.#context
    // Where others use the store as well, numbers do not say what came first: what is submitted meanwhile may be among them.
    const end = journal?.isShared === true ? Number.POSITIVE_INFINITY : engine.nextNumber
    let after: number | undefined
    do {
      const { jobs, next } = await searchJobs(this.#context, filter, { after, limit: pageJobs, isDescending: false })
      const page = jobs.filter(({ number }) => number < end).map(({ number }) => handles.text(number))
      if (page.length > 0) yield page
      after = next
    } while (after !== undefined && after < end)
  }

  /** Those that were refused. Rejects with a ControlError if that is not for what they are. */
  async #changePage(
    { action, priority = 'normal' }: Params,
    page: readonly string[],
  ): Promise<JobsChanged['refusals']> {
    if (action === 'retry') return (await this.#dead.retry({ handles: page })).refused
    const outcomes = await Promise.allSettled(this.#start(action, priority, page))
    return outcomes.flatMap((outcome, index) => {
      if (outcome.status === 'fulfilled') return []
      const reason: unknown = outcome.reason
      const isOfJob = isControlError(reason) && (reason.code === 'NOT_FOUND' || reason.code === 'CONFLICT')
      if (!isOfJob) throw reason
      return [{ handle: page[index] ?? '', why: reason.message }]
    })
  }

  #start(
    action: Exclude<Params['action'], 'retry'>,
    priority: PriorityName,
    page: readonly string[],
  ): readonly Promise<unknown>[] {
    switch (action) {
      case 'cancel':
        return page.map((handle) => this.#jobs.cancel({ handle }))
      case 'delete':
        return page.map((handle) => this.#jobs.delete({ handle }))
      case 'run':
        return page.map((handle) => this.#jobs.run({ handle }))
      case 'prioritize':
        return this.#jobs.prioritizeAll(page, priority)
    }
  }
}

/** Those that an action is for. */
function withState(action: Params['action'], filter: JobFilter): JobFilter {
  if (filter.state !== undefined) return filter
  if (action === 'retry') return { ...filter, state: 'dead' }
  if (action === 'run') return { ...filter, state: 'delayed' }
  if (action === 'delete' && filter.reason === undefined) {
    throw badRequest('delete needs a "state" in its filter, such as "dead", "complete" or "ready"')
  }
  return filter
}

function* cut(handles: readonly string[]): Generator<readonly string[], void> {
  for (let start = 0; start < handles.length; start += pageJobs) yield handles.slice(start, start + pageJobs)
}
