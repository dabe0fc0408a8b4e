import type {
  Addition,
  Changes,
  DeathReason,
  Ending,
  Engine,
  Failure,
  Job,
  JobFunction,
  Priority,
  Submission,
} from '@geartrain/engine'
import { type Batch, NaiveStore, type StoredJob, type Written } from './naive-store.ts'
import type { Kept, Replies } from './replies.ts'

/** What becomes of the batch that is on its way. */
export type Outcome =
  | 'kept'
  /** A full disk: nothing is written, and what is asked is answered. */
  | 'not written'
  /** A disk with a hole: all is written, and nothing that is asked can be read. */
  | 'not read'
  /** The store is gone, before it did any of it. */
  | 'lost'
  /** The store is gone, and has done all of it. */
  | 'kept unheard'

const retryMs = 1000

/** What becomes of each. */
type Promises = Map<Addition, Kept>

/**
 * Between the engine and the naive store, with the rules of the server's journal: one batch is on its way while the
 * next one is collected. When it is kept, the next one leaves, then the answers reach the engine in the journal's
 * order, and then the promised replies leave.
 */
export class NaiveJournal implements Changes {
  readonly store: NaiveStore = new NaiveStore()
  /** Numbers of background jobs, which nobody may get before they are kept. */
  readonly durable: Set<number> = new Set<number>()
  readonly #replies: Replies
  #engine: Engine | undefined
  /** They leave one by one; what is said comes into the last one. */
  #open: [Batch, ...Batch[]] = [newBatch()]
  #onWay: Batch | undefined
  #isBroken = false

  constructor(replies: Replies) {
    this.#replies = replies
  }

  serve(engine: Engine): void {
    this.#engine = engine
  }

  /** The store has to be opened anew. */
  get isBroken(): boolean {
    return this.#isBroken
  }

  /** Nothing is on its way and nothing waits for it. */
  get isIdle(): boolean {
    return this.#onWay === undefined && this.#open.every(isEmpty)
  }

  /** The batch that is on its way cancels something. */
  get isCancelling(): boolean {
    return this.#onWay !== undefined && this.#onWay.cancel.length > 0
  }

  get #last(): Batch {
    return this.#open.at(-1) ?? this.#open[0]
  }

  // What the engine says

  add(addition: Addition, submission: Submission): void {
    const { kind, number } = addition
    if (kind !== 'live') this.durable.add(number)
    // Of a time that has passed the engine says so by the kind alone.
    const runAt = kind === 'delayed' ? submission.runAt : 0
    this.#last.additions.push({ addition, submission: { ...kept(submission), runAt } })
  }

  ask(addition: Addition, submission: Submission): void {
    this.#last.requests.push({ kind: 'ask', addition, submission: kept(submission) })
  }

  /**
   * A batch forgets before it adds: what is added in it is forgotten in the next one. There goes all that is said from
   * then on, too, or it would join what has ended.
   */
  forget(number: number): void {
    if (this.#last.additions.some(({ addition }) => addition.number === number)) this.#open.push(newBatch())
    this.#last.forget.push(number)
  }

  promote(now: number): void {
    this.#last.promoteUntil = now
  }

  claim({ name }: JobFunction, priority: Priority, jobsMax: number, bytesMax: number): void {
    this.#last.requests.push({ kind: 'claim', function: name, priority, jobsMax, bytesMax })
  }

  expire(_now: number): void {
    throw new Error('not modelled: expire')
  }

  retry(_job: Job, _runAt: number, _failure: Failure): void {
    throw new Error('not modelled: retry')
  }

  bury(_job: Job, _reason: DeathReason, _failure: Failure | undefined): void {
    throw new Error('not modelled: bury')
  }

  keep(_job: Job, _ending: Ending): void {
    throw new Error('not modelled: keep')
  }

  recent(): undefined {
    return undefined
  }

  // What the test says

  cancel(number: number): void {
    this.#last.cancel.push(number)
  }

  /** The end of a turn. */
  handOver(): void {
    if (this.#onWay !== undefined) return
    if (!this.#isBroken) this.#send()
    else while (this.#open.some(isAwaited)) this.#fail(this.#takeOpen())
  }

  #send(): void {
    if (!this.#open.every(isEmpty)) this.#onWay = this.#takeOpen()
  }

  /** The store has done what was on its way, or not. False: nothing was. */
  answer(outcome: Outcome): boolean {
    const batch = this.#onWay
    if (batch === undefined) return false
    this.#onWay = undefined
    if (outcome === 'lost' || outcome === 'kept unheard') {
      if (outcome === 'kept unheard') this.store.write(batch)
      this.#isBroken = true
      this.#fail(batch)
      return true
    }
    const { written, answers } = this.store.perform(batch, outcome !== 'not written', outcome !== 'not read')
    if (written !== undefined && !answers.includes(undefined)) this.#send()
    const promises = written === undefined ? this.#failWrites(batch) : this.#applyWrites(batch, written)
    this.#answerAll(batch, answers, promises)
    this.#replies.release(promises)
    return true
  }

  /** What has ended must not be counted, nor claimed. */
  reopen(): void {
    this.store.write({ ...newBatch(), forget: this.#open[0].forget.splice(0) })
    this.#isBroken = false
    const { functions, nextDueAt } = this.store.open()
    this.#engine?.durable?.restock(functions, nextDueAt, Number.POSITIVE_INFINITY)
  }

  /** The process is gone and a new one comes. What was on its way may have been kept. */
  restart(engine: Engine, isKept: boolean): void {
    if (isKept && this.#onWay !== undefined) this.store.write(this.#onWay)
    this.#open = [newBatch()]
    this.#onWay = undefined
    this.serve(engine)
    this.reopen()
  }

  // Answers

  #applyWrites(batch: Batch, written: Written): Promises {
    const durable = this.#engine?.durable
    this.#log(batch, written)
    for (const { number, function: name, priority, runAt } of written.cancelled) {
      // One that was claimed meanwhile may have ended.
      if (!this.#isForgotten(number)) durable?.cancelled(number, name, priority, runAt > 0)
    }
    const promises = new Map<Addition, Kept>()
    for (const [index, { addition }] of batch.additions.entries()) {
      const number = written.joined[index]
      promises.set(addition, number ?? addition.number)
      if (number === undefined) durable?.added(addition)
      else durable?.joined(addition, number)
    }
    for (const { function: name, priority, count } of written.promoted) durable?.promoted(name, priority, count)
    if (batch.promoteUntil !== undefined) durable?.promoteEnded(written.nextDueAt)
    return promises
  }

  #log(batch: Batch, { cancelled, joined, promoted }: Written): void {
    const note = (line: string): void => this.#replies.note(`store: ${line}`)
    for (const number of batch.forget) note(`forgets #${number}`)
    for (const number of batch.cancel) {
      note(cancelled.some((job) => job.number === number) ? `cancels #${number}` : `has no #${number}`)
    }
    for (const [index, { addition }] of batch.additions.entries()) {
      const number = joined[index]
      note(`${addition.kind} #${addition.number} ${number === undefined ? 'kept' : `joins #${number}`}`)
    }
    for (const { function: name, count } of promoted) note(`promotes ${count} of ${name}`)
  }

  #answerAll(batch: Batch, answers: readonly (readonly StoredJob[] | undefined)[], promises: Promises): void {
    for (const [index, request] of batch.requests.entries()) {
      const jobs = answers[index]
      if (request.kind === 'ask') this.#answerAsk(request.addition, jobs, promises)
      else this.#answerClaim(request.function, request.priority, jobs)
    }
    this.#engine?.durable?.answersEnded()
  }

  #answerAsk(addition: Addition, jobs: readonly StoredJob[] | undefined, promises: Promises): void {
    const { kind, number } = addition
    // One that has ended, and that the store could not forget, is not to be joined.
    const found = jobs?.find((job) => !this.#isForgotten(job.number))?.number
    const answer = jobs === undefined ? 'failed' : found === undefined ? 'not found' : `joins #${found}`
    this.#replies.note(`store: ${kind} #${number} ${answer}`)
    if (found === undefined || found === number) {
      this.#engine?.durable?.absent(addition)
      promises.set(addition, kind === 'joining' ? 'QUEUE_FULL' : number)
    } else {
      this.#engine?.durable?.joined(addition, found)
      promises.set(addition, found)
    }
  }

  #answerClaim(name: string, priority: Priority, jobs: readonly StoredJob[] | undefined): void {
    const numbers = jobs?.map((job) => `#${job.number}`)
    const answer = numbers === undefined ? 'failed' : numbers.join(' ') || 'nothing'
    this.#replies.note(`store: claim of ${name} ${priorityNames[priority]}: ${answer}`)
    for (const job of jobs ?? []) this.#engine?.durable?.claimed(name, job.number, job, 0, 0)
    this.#engine?.durable?.claimEnded(name, priority, jobs?.length)
  }

  /** The store is yet to be told that it has ended, or to say that it has been. */
  #isForgotten(number: number): boolean {
    return [this.#onWay, ...this.#open].some((batch) => batch?.forget.includes(number))
  }

  #failWrites(batch: Batch): Promises {
    const durable = this.#engine?.durable
    this.#replies.note('store: writes nothing')
    this.#open[0].forget.push(...batch.forget)
    for (const { addition } of batch.additions) durable?.notAdded(addition)
    if (batch.promoteUntil !== undefined) durable?.promoteEnded((this.#engine?.now ?? 0) + retryMs)
    return new Map(batch.additions.map(({ addition }) => [addition, 'STORE_FAILED']))
  }

  #fail(batch: Batch): void {
    const promises = this.#failWrites(batch)
    this.#answerAll(batch, [], promises)
    this.#replies.release(promises)
  }

  #takeOpen(): Batch {
    const [first, next, ...rest] = this.#open
    this.#open = [next ?? newBatch(), ...rest]
    return first
  }
}

const priorityNames = { 0: 'high', 1: 'normal', 2: 'low' } as const

function newBatch(): Batch {
  return { forget: [], cancel: [], additions: [], promoteUntil: undefined, requests: [] }
}

function isEmpty(batch: Batch): boolean {
  return batch.forget.length === 0 && !isAwaited(batch)
}

/** Alone, what is to be forgotten can wait until the store works again. */
function isAwaited({ cancel, additions, promoteUntil, requests }: Batch): boolean {
  return cancel.length > 0 || additions.length > 0 || promoteUntil !== undefined || requests.length > 0
}

/** The bytes are the engine's again when the journal returns. */
function kept(submission: Submission): Submission {
  return { ...submission, workload: new Uint8Array(submission.workload) }
}
