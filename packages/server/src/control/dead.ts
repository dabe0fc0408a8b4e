import type { Engine } from '@geartrain/engine'
import type { ControlOperations, DeadFilter, DeadJob } from '@geartrain/protocol'
import type { Actor } from '../access/actor.ts'
import type { Handles } from '../handles.ts'
import type { StoreAnswer, StoredChange, StoredRow } from '../store/store.ts'
import { fromBytes } from './bytes.ts'
import { ControlError, storeError } from './control-error.ts'
import { anyDead } from './dead-groups.ts'
import { type Changed, type Inquiry, isFailure } from './inquiry.ts'
import { type MaySee, maySeeOf } from './job-search.ts'
import { priorityNames } from './priority-names.ts'
import { pageDefault } from './requests.ts'

type Operations = ControlOperations
type Page = Pick<Extract<StoreAnswer, { kind: 'scan' }>, 'jobs' | 'next'>

/** Jobs that are asked for, or changed, at a time. */
const chunkJobs = 500
/** So many refusals of a retry are told; whoever retries a million jobs does not want more. */
const refusedMax = 1000

/** What is asked of dead jobs. */
export class DeadControl {
  readonly #engine: Engine
  readonly #handles: Handles
  readonly #inquiry: Inquiry

  constructor(engine: Engine, handles: Handles, inquiry: Inquiry) {
    this.#engine = engine
    this.#handles = handles
    this.#inquiry = inquiry
  }

  /** Those that the actor may see. */
  async list(
    { before, limit = pageDefault, ...filter }: Operations['dead']['params'],
    actor: Actor,
  ): Promise<Operations['dead']['answer']> {
    const found = await this.#page(filter, before === undefined ? everyNumber : Number(before), limit, maySeeOf(actor))
    const jobs = found.jobs.map((job) => this.#describe(job))
    return found.next === undefined ? { jobs } : { jobs, next: String(found.next) }
  }

  /** The oldest first, so that they are in line in the order in which they came. */
  async retry({
    handles,
    filter,
    workload,
  }: Operations['dead retry']['params']): Promise<Operations['dead retry']['answer']> {
    if (this.#engine.isDraining) throw new ControlError('SHUTTING_DOWN', 'the server is shutting down')
    const bytes = workload && fromBytes(workload)
    let retried = 0
    const refused: { handle: string; why: string }[] = []
    const numbers = await this.#numbers(handles, filter, (handle) => refused.push({ handle, why: noHandle }))
    await this.#changeAll(
      numbers,
      (number) => ({ kind: 'revive', number, workload: bytes }),
      (number, outcome) => {
        if (outcome === 'done') retried++
        else if (refused.length < refusedMax) refused.push({ handle: this.#text(number), why: whyNot[outcome] })
      },
      () => `${retried} of ${numbers.length} jobs had been retried before that`,
    )
    return { retried, refused }
  }

  async delete({ handles, filter }: Operations['dead delete']['params']): Promise<Operations['dead delete']['answer']> {
    let deleted = 0
    const numbers = await this.#numbers(handles, filter, () => {})
    await this.#changeAll(
      numbers,
      (number) => ({ kind: 'delete dead', number }),
      (_number, outcome) => {
        if (outcome === 'done') deleted++
      },
      () => `${deleted} of ${numbers.length} jobs had been deleted before that`,
    )
    return { deleted }
  }

  /** Of those named, or of all that the filter lets through at this moment, the oldest first. */
  async #numbers(
    handles: readonly string[] | undefined,
    filter: DeadFilter | undefined,
    onUnknown: (handle: string) => void,
  ): Promise<number[]> {
    const numbers: number[] = []
    for (const handle of new Set(handles)) {
      const number = this.#handles.parse(handle)
      if (Number.isNaN(number)) onUnknown(handle)
      else numbers.push(this.#handles.total(number))
    }
    if (filter === undefined) return numbers
    for (let before: number | undefined = everyNumber; before !== undefined; ) {
      const { jobs, next }: Page = await this.#page(filter, before, chunkJobs)
      for (const { number } of jobs) numbers.push(number)
      before = next
    }
    return numbers.reverse()
  }

  /** Rejects with a ControlError if the store fails; what was done before that stays. */
  async #changeAll(
    numbers: readonly number[],
    change: (number: number) => StoredChange,
    onOutcome: (number: number, outcome: Exclude<Changed, object>) => void,
    done: () => string,
  ): Promise<void> {
    for (let start = 0; start < numbers.length; start += chunkJobs) {
      if (start > 0) await this.#inquiry.pass()
      const chunk = numbers.slice(start, start + chunkJobs)
      const outcomes = await this.#inquiry.changeAll(chunk.map(change))
      const failure = outcomes.find(isFailure)
      for (const [index, outcome] of outcomes.entries()) {
        if (!isFailure(outcome)) onOutcome(chunk[index] ?? 0, outcome)
      }
      if (failure !== undefined) throw storeError(failure, done())
    }
  }

  /** As many as are asked for, unless there are no more; however many the store has to look at, others have their turn. */
  async #page({ function: name, reason }: DeadFilter, before: number, limit: number, maySee?: MaySee): Promise<Page> {
    const filter = { ...anyDead, function: name, reason }
    const jobs: StoredRow[] = []
    let next: number | undefined = before
    while (next !== undefined && jobs.length < limit) {
      // Where a page ends is not to tell of what is not seen.
      const jobsMax = maySee === undefined ? limit - jobs.length : chunkJobs
      const answer: Page = await this.#inquiry.ask(
        { kind: 'scan', filter, isDescending: true, from: next, jobsMax },
        'scan',
      )
      for (const job of answer.jobs) if (maySee === undefined || maySee(job.function)) jobs.push(job)
      next = answer.next
    }
    if (jobs.length <= limit) return { jobs, next }
    return { jobs: jobs.slice(0, limit), next: jobs[limit - 1]?.number }
  }

  #describe({
    number,
    function: name,
    unique,
    priority,
    reason = 'failed',
    endedAt,
    attempts,
    error,
  }: StoredRow): DeadJob {
    const common = { function: name, unique, priority: priorityNames[priority], reason }
    return { handle: this.#text(number), ...common, diedAt: endedAt, attempts, error }
  }

  #text(number: number): string {
    return this.#handles.text(this.#handles.numberOf(number))
  }
}

const everyNumber = Number.MAX_SAFE_INTEGER
const noHandle = 'this server has never given such a handle'

const whyNot = {
  'not found': 'there is no such dead job: it was never there, was retried, or is deleted',
  joined: 'a job of the same function and unique is waiting or running: cancel that one, or let it end',
} as const
