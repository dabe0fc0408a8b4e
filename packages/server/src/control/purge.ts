import type { Engine } from '@geartrain/engine'
import type { Links } from '../cluster/links/links.ts'
import type { Members } from '../cluster/members.ts'
import type { Handles } from '../handles.ts'
import type { Journal, ListedEnds } from '../journal.ts'
import type { ClusterServer } from '../store/cluster.ts'
import type { StoredSummary, StoreFailure } from '../store/store.ts'
import { type ControlError, storeError } from './control-error.ts'
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
  /** Undefined: this server has its store alone. */
  readonly members: Members | undefined
  readonly links: Links
}

export interface Purged {
  /** How many have ended. */
  readonly count: number
  /** Other servers that may have jobs that wait, and could not be told to end them. */
  readonly left: readonly PurgeLeft[]
}

interface PurgeLeft {
  readonly server: string
  readonly count: number
  readonly why: string
}

/**
 * Ends the jobs of a function that wait, at whichever server. Those that run go on, and those that are submitted from
 * now on stay. Rejects with a ControlError if the store fails.
 */
export async function purge(context: PurgeContext, name: string): Promise<Purged> {
  const { engine, journal, members } = context
  const begun = engine.nextNumber
  // Where others use the store as well, numbers do not say what came first: what is submitted meanwhile may go, too.
  const until = journal?.isShared === true ? Number.POSITIVE_INFINITY : begun
  const tally: Tally = { purged: 0, claimed: new Map() }
  if (journal !== undefined) await purgeStore(context, journal, name, until, tally)
  tally.purged += await purgeMemory(context, name, (number) => number < begun)
  const others = members?.others ?? []
  if (journal === undefined || others.length === 0) return { count: tally.purged, left: [] }
  // After the store: with nothing left there, they claim no more of it.
  const answers = await Promise.all(
    others.map(async (server) => ({ server, answer: await context.links.purgeAt(server.id, name) })),
  )
  for (const { answer } of answers) if (typeof answer === 'number') tally.purged += answer
  // What one of them let go in between is in the store again, and was not seen there.
  await purgeStore(context, journal, name, until, tally)
  const left = answers.flatMap(({ server, answer }): PurgeLeft[] => {
    const count = typeof answer === 'number' ? 0 : waitingAt(server, name, tally.claimed.get(server.id) ?? 0)
    return count === 0 ? [] : [{ server: server.name, count, why: String(answer) }]
  })
  return { count: tally.purged, left }
}

/** Ends those that wait in this server's memory, which another server asks for, and says how many. Rejects as above. */
export async function purgeHere(context: PurgeContext, name: string): Promise<number> {
  const { engine, journal } = context
  const begun = engine.nextNumber
  // What the store has given to this server by now is to be in its memory.
  if (journal !== undefined) await kept(journal, 0)
  const purged = await purgeMemory(context, name, (number, isStored) => isStored || number < begun)
  if (journal !== undefined && purged > 0) await kept(journal, purged)
  return purged
}

interface Tally {
  purged: number
  /** Ready jobs that other servers had when the store was looked at last, by the id of the server: some of them run. */
  readonly claimed: Map<number, number>
}

/** Those that the store has, but what other servers have claimed, which they may have begun. */
async function purgeStore(
  context: PurgeContext,
  journal: Journal,
  name: string,
  until: number,
  tally: Tally,
): Promise<void> {
  // What is on its way from one list of the store's to another one may be in neither.
  for (let unsettled = 1; unsettled > 0; ) {
    unsettled = 0
    tally.claimed.clear()
    for (const state of ['delayed', 'ready'] as const) {
      for await (const page of pages(context, name, state, until)) {
        const { ended, left, failure } = await endPage(context.engine, journal, context.handles, page)
        for (const { claimedBy } of page) {
          if (claimedBy !== undefined) tally.claimed.set(claimedBy, (tally.claimed.get(claimedBy) ?? 0) + 1)
        }
        tally.purged += ended
        unsettled += left
        if (failure !== undefined) throw notEnded(failure, tally.purged)
        if (ended > 0) await kept(journal, tally.purged)
      }
    }
  }
}

/** As far as the server has said: what it has claimed and does not run, and foreground jobs, which only it knows. */
function waitingAt({ report }: ClusterServer, name: string, claimed: number): number {
  const { runningStored, waiting } = report?.functions.find((each) => each.name === name) ?? nothing
  return Math.max(0, claimed - runningStored[0] - runningStored[1] - runningStored[2]) + waiting
}

const nothing = { runningStored: [0, 0, 0], waiting: 0 } as const

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

async function endPage(
  engine: Engine,
  journal: Journal,
  handles: Handles,
  page: readonly StoredSummary[],
): Promise<ListedEnds> {
  let ended = 0
  const onDisk: StoredSummary[] = []
  for (const stored of page) {
    const number = handles.numberOf(stored.number)
    const job = engine.findJob(number)
    if (job === undefined || job.state === 'stored') onDisk.push(stored)
    else if ((job.state === 'ready' || job.state === 'delayed') && engine.cancel(number)) ended++
  }
  const onDiskEnds = await journal.endListed(onDisk)
  return { ...onDiskEnds, ended: ended + onDiskEnds.ended }
}

/** Rejects with a ControlError if it is not kept that they have ended. */
async function kept(journal: Journal, purged: number): Promise<void> {
  const failure = await new Promise<StoreFailure | undefined>((resolve) => journal.whenKept(resolve))
  if (failure !== undefined) throw notEnded(failure, purged)
}

function notEnded(failure: StoreFailure, purged: number): ControlError {
  return storeError(failure, `the ${purged} jobs that have ended so far go from the disk when it works again`)
}

/** Those in memory, of which the store may have none, or not know to be there. */
async function purgeMemory(
  { engine, inquiry }: PurgeContext,
  name: string,
  isMeant: (number: number, isStored: boolean) => boolean,
): Promise<number> {
  let purged = 0
  let looked = 0
  for (const job of engine.jobs()) {
    const isAsked = job.function.name === name && isMeant(job.number, job.isStored)
    if (isAsked && (job.state === 'ready' || job.state === 'delayed') && engine.cancel(job.number)) purged++
    if (++looked % stepJobs === 0) await inquiry.pass()
  }
  return purged
}
