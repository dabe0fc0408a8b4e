import type { Engine } from '@geartrain/engine'
import type { Handles } from '../handles.ts'
import type { Journal } from '../journal.ts'
import type { StoredSummary, StoreFailure } from '../store/store.ts'
import { storeError } from './control-error.ts'
import type { Inquiry } from './inquiry.ts'

/** Jobs that are listed and ended at a time. */
const pageJobs = 1000
/** Jobs in memory that are looked at before others have their turn. */
const stepJobs = 2000

export interface PurgeContext {
  readonly engine: Engine
  readonly handles: Handles
  readonly inquiry: Inquiry
  /** Undefined: there is no store. */
  readonly journal: Journal | undefined
}

/**
 * Ends the jobs of a function that wait, and says how many. Those that run go on, and those that are submitted
 * from now on stay. Rejects with a ControlError if the store fails.
 */
export async function purge(context: PurgeContext, name: string): Promise<number> {
  const { engine, journal } = context
  const begun = engine.nextNumber
  // Where others use the store as well, numbers do not say what came first: what is submitted meanwhile may go, too.
  const until = journal?.isShared === true ? Number.POSITIVE_INFINITY : begun
  let purged = 0
  if (journal !== undefined) {
    // What is on its way from one list of the store's to another one may be in neither.
    for (let unsettled = 1; unsettled > 0; ) {
      unsettled = 0
      for (const state of ['delayed', 'ready'] as const) {
        for await (const page of pages(context, name, state, until)) {
          const { ended, left } = endPage(engine, journal, context.handles, page)
          purged += ended.length
          unsettled += left
          if (ended.length > 0) await kept(journal, purged)
        }
      }
    }
  }
  return purged + (await purgeMemory(context, name, begun))
}

/** Jobs before that number, which the store has. */
async function* pages(
  { handles, inquiry }: PurgeContext,
  name: string,
  state: 'ready' | 'delayed',
  until: number,
): AsyncGenerator<readonly StoredSummary[], void> {
  for (let after = 0; ; ) {
    const request = { kind: 'list function', function: name, state, after, jobsMax: pageJobs } as const
    const { jobs } = await inquiry.ask(request, 'list')
    yield jobs.filter(({ number }) => handles.numberOf(number) < until)
    const last = jobs.at(-1)
    if (last === undefined || jobs.length < pageJobs || handles.numberOf(last.number) >= until) return
    after = last.number
  }
}

/** The numbers of those that it has ended, and how many have to be looked at once more. */
function endPage(
  engine: Engine,
  journal: Journal,
  handles: Handles,
  page: readonly StoredSummary[],
): { readonly ended: readonly number[]; readonly left: number } {
  const ended: number[] = []
  const onDisk: StoredSummary[] = []
  for (const stored of page) {
    const number = handles.numberOf(stored.number)
    const job = engine.findJob(number)
    if (job === undefined || job.state === 'stored') onDisk.push(stored)
    else if ((job.state === 'ready' || job.state === 'delayed') && engine.cancel(number)) ended.push(number)
  }
  const { ended: endedOnDisk, left } = journal.endListed(onDisk)
  return { ended: [...ended, ...endedOnDisk], left }
}

/** Rejects with a ControlError if it is not kept that they have ended. */
async function kept(journal: Journal, purged: number): Promise<void> {
  const failure = await new Promise<StoreFailure | undefined>((resolve) => journal.whenKept(resolve))
  if (failure === undefined) return
  throw storeError(failure, `the ${purged} jobs that have ended so far go from the disk when it works again`)
}

/** Those that the store has not, or does not know to be there. */
async function purgeMemory({ engine, inquiry }: PurgeContext, name: string, until: number): Promise<number> {
  let purged = 0
  let looked = 0
  for (const job of engine.jobs()) {
    const isAsked = job.function.name === name && job.number < until
    if (isAsked && (job.state === 'ready' || job.state === 'delayed') && engine.cancel(job.number)) purged++
    if (++looked % stepJobs === 0) await inquiry.pass()
  }
  return purged
}
