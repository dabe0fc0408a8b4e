import { type Engine, type Job, type Priority, priorities } from '@geartrain/engine'
import type { ControlOperations, JobDescription, JobSummary, PriorityName } from '@geartrain/protocol'
import type { Actor } from '../access/actor.ts'
import { mayAsk } from '../access/packet-roles.ts'
import { jobElsewhere } from '../cluster/elsewhere.ts'
import type { Links } from '../cluster/links/links.ts'
import type { Members } from '../cluster/members.ts'
import type { Connections } from '../connections.ts'
import type { Handles } from '../handles.ts'
import type { Policies } from '../policies/policies.ts'
import type { StoredDescription, StoreFailure } from '../store/store.ts'
import type { WallTime } from '../wall-time.ts'
import { toBytes } from './bytes.ts'
import { type CancelContext, cancelJob } from './cancel-job.ts'
import { ControlError, notFound, storeError } from './control-error.ts'
import { type Inquiry, isFailure } from './inquiry.ts'
import { noJob } from './no-job.ts'
import { priorityNames } from './priority-names.ts'
import { runJob } from './run-job.ts'
import { workerText } from './worker-text.ts'

type Operations = ControlOperations

export interface JobsContext extends CancelContext {
  readonly connections: Connections
  readonly policies: Policies
  readonly wallTime: WallTime
  readonly inquiry: Inquiry
  /** Undefined: this server has its store alone. */
  readonly members: Members | undefined
  readonly links: Links
}

/** What is asked of one job. The engine knows those in memory, the store those on disk and those that have ended. */
export class JobControl {
  readonly #context: JobsContext
  readonly #engine: Engine
  readonly #handles: Handles
  readonly #inquiry: Inquiry
  /** The last change of a priority, with which the next one has to wait. */
  #changing: Promise<unknown> = Promise.resolve()
  /** Jobs that are being made ready: for these it has to wait as well. */
  #hastening: Promise<unknown> = Promise.resolve()

  constructor(context: JobsContext) {
    this.#context = context
    this.#engine = context.engine
    this.#handles = context.handles
    this.#inquiry = context.inquiry
  }

  /** By its unique, of jobs that the actor may know of; by its handle, whose it may be is the caller's to check. */
  async show(
    { handle, unique, function: name }: Operations['job show']['params'],
    actor: Actor,
  ): Promise<JobDescription> {
    const stored =
      handle === undefined ? await this.#findUnique(unique ?? '', name, actor) : await this.#find(this.#number(handle))
    const number = stored.number
    const live = this.#liveJob(number)
    if (live !== undefined) return this.#describe(live, stored.job)
    if (stored.job !== undefined) return { ...this.#describeStored(stored.job), ...(await this.#askOwner(stored.job)) }
    throw noJob(handle ?? `of the unique ${JSON.stringify(unique)}`)
  }

  /** How it stands at the other server that has it, if that is there to be asked. */
  async #askOwner({ claimedBy, number }: StoredDescription): Promise<Partial<JobSummary>> {
    const known = claimedBy === undefined ? undefined : await this.#context.links.jobOf(claimedBy, number)
    if (known === undefined) return {}
    const { state, worker, numerator, denominator, startedAt } = known
    return {
      state,
      ...(worker === undefined ? {} : { worker }),
      ...(numerator === undefined || denominator === undefined ? {} : { numerator, denominator }),
      ...(startedAt === undefined ? {} : { startedAt }),
    }
  }

  async cancel({ handle }: Operations['job cancel']['params']): Promise<Record<string, never>> {
    const number = this.#number(handle)
    const outcome = await new Promise<boolean | StoreFailure>((resolve) => {
      cancelJob(this.#context, number, (isKnown, failure) => resolve(failure ?? isKnown))
    })
    if (typeof outcome === 'object') throw storeError(outcome, 'the job may yet be cancelled')
    if (!outcome) throw notFound(`there is no job ${handle} that has not ended`)
    return {}
  }

  /** What has ended goes, as far as it is kept; what waits is cancelled. */
  async delete({ handle }: Operations['job delete']['params']): Promise<Record<string, never>> {
    const number = this.#number(handle)
    const live = this.#liveJob(number)
    if (live?.state === 'running') {
      throw new ControlError('CONFLICT', `the job ${handle} is running: cancel it, or let it end`)
    }
    const { job: stored } = live === undefined ? await this.#find(number) : { job: undefined }
    const elsewhere = stored && jobElsewhere(this.#context.members, stored)
    if (elsewhere?.isRunning === true) {
      const where = `runs at the server ${elsewhere.server}`
      throw new ControlError('CONFLICT', `the job ${handle} ${where}: cancel it, or let it end`)
    }
    const state = live?.state ?? stored?.state
    if (state === undefined) throw notFound(`there is no job ${handle}`)
    const isEnded = state !== 'ready' && state !== 'delayed' && state !== 'pending'
    if (!isEnded) return await this.cancel({ handle })
    const kind = state === 'dead' ? 'delete dead' : 'delete result'
    const outcome = await this.#inquiry.change({ kind, number: this.#handles.total(number) })
    if (isFailure(outcome)) throw storeError(outcome, 'the job may yet be deleted')
    if (outcome !== 'done') throw notFound(`there is no job ${handle} any more`)
    return {}
  }

  async run({ handle }: Operations['job run']['params']): Promise<Record<string, never>> {
    const number = this.#number(handle)
    const done = this.#changing.then(() => runJob(this.#context, number, handle))
    this.#hastening = Promise.allSettled([this.#hastening, done])
    await done
    return {}
  }

  /** One after the other: each has to know where the job stands. */
  async prioritize({ handle, priority }: Operations['job prioritize']['params']): Promise<Record<string, never>> {
    const [changed] = this.prioritizeAll([handle], priority)
    return (await changed) ?? {}
  }

  /** The same for several, which do not come twice: these do not have to wait for one another. */
  prioritizeAll(handles: readonly string[], priority: PriorityName): readonly Promise<Record<string, never>>[] {
    const before = Promise.all([this.#changing, this.#hastening])
    const changed = handles.map((handle) => before.then(() => this.#prioritize({ handle, priority })))
    this.#changing = Promise.allSettled(changed)
    return changed
  }

  async #prioritize({
    handle,
    priority: name,
  }: Operations['job prioritize']['params']): Promise<Record<string, never>> {
    const number = this.#number(handle)
    const priority = priorities[name]
    let { job: stored } = await this.#find(number)
    // In which line it stands is to be known.
    while (stored !== undefined && this.#isBecomingReady(stored)) stored = (await this.#find(number)).job
    const job = this.#liveJob(number)
    const previous = job?.priority ?? stored?.priority
    if (previous === undefined) throw notFound(`there is no job ${handle} that waits`)
    if (job === undefined && stored?.state !== 'ready' && stored?.state !== 'delayed') {
      throw new ControlError('CONFLICT', `the job ${handle} has ended: it is ${stored?.state}`)
    }
    if (job !== undefined && !this.#engine.prioritize(number, priority)) {
      throw new ControlError('CONFLICT', `the job ${handle} does not wait: it is ${job.state}`)
    }
    if (job === undefined || job.isStored) await this.#prioritizeStored(number, priority, previous, stored)
    return {}
  }

  /** Its time has come, and the store is being told so. */
  #isBecomingReady({ runAt }: StoredDescription): boolean {
    const { journal, wallTime } = this.#context
    return runAt > 0 && runAt <= wallTime.now && journal?.isPromoting === true
  }

  /** What the store has is to be the same, and the engine is to know what stands where. */
  async #prioritizeStored(
    number: number,
    priority: Priority,
    previous: Priority,
    stored: StoredDescription | undefined,
  ): Promise<void> {
    const wasLive = this.#liveJob(number) !== undefined
    const change = { kind: 'prioritize', number: this.#handles.total(number), priority } as const
    const changed = await this.#inquiry.change(change, (outcome) => {
      const isLive = this.#liveJob(number) !== undefined
      if (isFailure(outcome)) {
        if (!isLive) return
        this.#engine.prioritize(number, previous)
        // It may have been kept all the same.
        this.#context.journal?.insist({ ...change, priority: previous })
      } else if (wasLive) return
      // It has come into memory meanwhile, out of the line in which it was.
      else if (isLive) this.#engine.durable?.prioritizedHere(number, priority)
      else if (outcome === 'done' && stored !== undefined && this.#context.journal?.hasEnded(change.number) === false) {
        const isDelayed = stored.state === 'delayed' || this.#context.journal.isPutOff(change.number)
        this.#engine.durable?.prioritized(stored.function, previous, priority, isDelayed)
      }
    })
    if (isFailure(changed)) throw storeError(changed, 'the job may stand in either line')
    if (!wasLive && changed !== 'done' && this.#liveJob(number) === undefined) {
      throw notFound('the job has ended meanwhile')
    }
  }

  /** NaN is none of this server's. */
  #number(handle: string): number {
    const number = this.#handles.parse(handle)
    if (Number.isNaN(number)) throw notFound(`${JSON.stringify(handle)} is no handle that this server has given`)
    return number
  }

  /** Here, and not only waited for. */
  #liveJob(number: number): Job | undefined {
    const job = this.#engine.findJob(number)
    return job?.state === 'stored' ? undefined : job
  }

  /** What the store knows of it. If it can't say, what the engine knows is enough for a job that is only there. */
  async #find(number: number): Promise<{ number: number; job: StoredDescription | undefined }> {
    const request = { kind: 'describe', number: this.#handles.total(number) } as const
    const live = this.#liveJob(number)
    if (live !== undefined && !live.background) return { number, job: undefined }
    return { number, job: (await this.#inquiry.ask(request, 'describe')).job }
  }

  /** The one that came last, of those in memory and those in the store. */
  async #findUnique(
    unique: string,
    name: string | undefined,
    actor: Actor,
  ): Promise<{ number: number; job: StoredDescription | undefined }> {
    const { job: found } = await this.#inquiry.ask({ kind: 'describe unique', unique, function: name }, 'describe')
    const job = found !== undefined && mayAsk(actor, found.function) ? found : undefined
    const inStore = job === undefined ? Number.NEGATIVE_INFINITY : this.#handles.numberOf(job.number)
    let inMemory = Number.NEGATIVE_INFINITY
    for (const jobFunction of this.#engine.functions()) {
      const isAsked = (name === undefined || jobFunction.name === name) && mayAsk(actor, jobFunction.name)
      const found = isAsked ? jobFunction.findByUnique(unique) : undefined
      if (found !== undefined && found.state !== 'stored') inMemory = Math.max(inMemory, found.number)
    }
    return inMemory > inStore ? await this.#find(inMemory) : { number: inStore, job }
  }

  #describe(job: Job, stored: StoredDescription | undefined): JobDescription {
    const { reducer, then, options, expiresAt, waiters, retries } = job
    return {
      ...summarize(this.#context, job),
      ...this.#payload(job.function.name, 'workload', job.workload),
      ...(reducer === '' ? {} : { reducer }),
      ...(then === '' ? {} : { then }),
      ...readOptions(options),
      ...(stored === undefined ? {} : time('submittedAt', stored.submittedAt)),
      ...(expiresAt > 0 && retries === 0 ? { expireAt: expiresAt + this.#context.wallTime.offsetMs } : {}),
      failures: stored?.failures ?? [],
      waiting: waiters.length,
    }
  }

  /** Unless the function's policy hides it. */
  #payload(
    functionName: string,
    name: 'workload' | 'result',
    data: Uint8Array | undefined,
  ): Pick<JobDescription, 'workload' | 'result' | 'hidden'> {
    if (this.#context.policies.hidesPayloads(functionName)) return { hidden: true }
    return data === undefined ? {} : { [name]: toBytes(data) }
  }

  #describeStored(stored: StoredDescription): JobDescription {
    const { number, reducer, then, options, workload, result, reason, state, numerator, denominator } = stored
    const handleNumber = this.#handles.numberOf(number)
    const elsewhere = jobElsewhere(this.#context.members, stored)
    return {
      handle: this.#handles.text(handleNumber),
      function: stored.function,
      unique: stored.unique,
      priority: priorityNames[stored.priority],
      state: elsewhere?.isRunning === true ? 'running' : state,
      ...(elsewhere === undefined ? {} : { server: elsewhere.server }),
      attempts: stored.attempts,
      ...time('runAt', stored.runAt),
      background: true,
      ...(numerator > 0 || denominator > 0 ? { numerator, denominator } : {}),
      ...this.#payload(stored.function, 'workload', workload),
      ...(reducer === '' ? {} : { reducer }),
      ...(then === '' ? {} : { then }),
      ...readOptions(options),
      ...time('submittedAt', stored.submittedAt),
      ...time('expireAt', stored.expireAt),
      failures: stored.failures,
      ...time('endedAt', stored.endedAt),
      ...time('keepUntil', stored.keepUntil),
      ...(reason === undefined ? {} : { reason }),
      ...this.#payload(stored.function, 'result', result),
      waiting: this.#engine.findJob(handleNumber)?.waiters.length ?? 0,
    }
  }
}

/** A job in memory. */
export function summarize(
  { handles, wallTime, connections }: Pick<JobsContext, 'handles' | 'wallTime' | 'connections'>,
  job: Job,
): JobSummary {
  const { number, unique, priority, retries, background, owner, numerator, denominator } = job
  const connection = owner && connections.get(owner.id)
  return {
    handle: handles.text(number),
    function: job.function.name,
    unique,
    priority: priorityNames[priority],
    state: stateOf(job),
    attempts: retries,
    ...(job.state === 'delayed' ? { runAt: job.dueAt + wallTime.offsetMs } : {}),
    background,
    ...(job.state === 'running' ? { startedAt: job.startedAt + wallTime.offsetMs } : {}),
    ...(connection === undefined ? {} : { worker: workerText(connections, job), connection: connection.serial }),
    ...(numerator > 0 || denominator > 0 ? { numerator, denominator } : {}),
  }
}

/** JSON, if the job has any. */
function readOptions(options: string): Pick<JobDescription, 'options'> {
  if (options === '') return {}
  // They were read when it was submitted; a store that was damaged may give something else.
  try {
    return { options: JSON.parse(options) as Readonly<Record<string, unknown>> }
  } catch {
    return {}
  }
}

function stateOf({ state }: Job): JobSummary['state'] {
  return state === 'ready' || state === 'delayed' || state === 'running' ? state : 'pending'
}

function time<Name extends string>(name: Name, date: number): Partial<Record<Name, number>> {
  // An object of this one key, if any.
  return (date === 0 ? {} : { [name]: date }) as Partial<Record<Name, number>>
}
