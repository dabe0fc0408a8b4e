import type { Addition, Changes, Engine, JobFunction, Priority, Submission } from '@geartrain/engine'
import { type AskRequest, type Batch, type ClaimRequest, NaiveStore, type Written } from './naive-store.ts'
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

/**
 * Between the engine and the naive store, with the rules of the server's journal: one batch is on its way while the
 * next one is collected; answers reach the engine in the journal's order, and then the promised replies leave.
 */
export class NaiveJournal implements Changes {
  readonly store: NaiveStore = new NaiveStore()
  /** Numbers of background jobs, which nobody may get before they are kept. */
  readonly durable: Set<number> = new Set<number>()
  readonly #replies: Replies
  #engine: Engine | undefined
  #open = newBatch()
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
    return this.#onWay === undefined && isEmpty(this.#open)
  }

  // What the engine says

  add(addition: Addition, submission: Submission): void {
    const { kind, number } = addition
    if (kind !== 'live') this.durable.add(number)
    // Of a time that has passed the engine says so by the kind alone.
    const runAt = kind === 'delayed' ? submission.runAt : 0
    this.#open.additions.push({ addition, submission: { ...kept(submission), runAt } })
  }

  ask(addition: Addition, submission: Submission): void {
    this.#open.requests.push({ kind: 'ask', addition, submission: kept(submission) })
  }

  forget(number: number): void {
    this.#open.forget.push(number)
  }

  promote(now: number): void {
    this.#open.promoteUntil = now
  }

  claim({ name }: JobFunction, priority: Priority, jobsMax: number, bytesMax: number): void {
    this.#open.requests.push({ kind: 'claim', function: name, priority, jobsMax, bytesMax })
  }

  // What the test says

  cancel(number: number): void {
    this.#open.cancel.push(number)
  }

  /** The end of a turn. */
  handOver(): void {
    if (this.#onWay !== undefined || isEmpty(this.#open)) return
    if (!this.#isBroken) this.#onWay = this.#takeOpen()
    else if (isAwaited(this.#open)) this.#fail(this.#takeOpen())
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
    if (outcome === 'not written') this.#failWrites(batch)
    const promises = outcome === 'not written' ? refused(batch) : this.#applyWrites(batch, this.store.write(batch))
    for (const request of batch.requests) {
      if (request.kind === 'ask') this.#answerAsk(request, outcome !== 'not read', promises)
      else this.#answerClaim(request, outcome !== 'not read')
    }
    this.#replies.release(promises)
    return true
  }

  /** What has ended must not be counted, nor claimed. */
  reopen(): void {
    this.store.write({ ...newBatch(), forget: this.#open.forget.splice(0) })
    this.#isBroken = false
    const { functions, nextDueAt } = this.store.open()
    this.#engine?.restock(functions, nextDueAt)
  }

  /** The process is gone and a new one comes. What was on its way may have been kept. */
  restart(engine: Engine, isKept: boolean): void {
    if (isKept && this.#onWay !== undefined) this.store.write(this.#onWay)
    this.#open = newBatch()
    this.#onWay = undefined
    this.serve(engine)
    this.reopen()
  }

  // Answers

  #applyWrites(batch: Batch, written: Written): Map<Addition, Kept> {
    const engine = this.#engine
    this.#log(batch, written)
    for (const { number, function: name, priority, runAt } of written.cancelled) {
      engine?.cancelled(number, name, priority, runAt > 0)
    }
    const promises = new Map<Addition, Kept>()
    for (const [index, { addition }] of batch.additions.entries()) {
      const number = written.joined[index]
      promises.set(addition, number ?? addition.number)
      if (number === undefined) engine?.added(addition)
      else engine?.joined(addition, number)
    }
    for (const { function: name, priority, count } of written.promoted) engine?.promoted(name, priority, count)
    if (batch.promoteUntil !== undefined) engine?.promoteEnded(written.nextDueAt)
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

  #answerAsk({ addition, submission }: AskRequest, isRead: boolean, promises: Map<Addition, Kept>): void {
    const found = isRead ? this.store.find(submission)?.number : undefined
    const answer = isRead ? (found === undefined ? 'not found' : `joins #${found}`) : 'failed'
    this.#replies.note(`store: asked #${addition.number} ${answer}`)
    if (found === undefined || found === addition.number) {
      this.#engine?.absent(addition)
      promises.set(addition, addition.kind === 'joining' ? 'QUEUE_FULL' : addition.number)
    } else {
      this.#engine?.joined(addition, found)
      promises.set(addition, found)
    }
  }

  #answerClaim(request: ClaimRequest, isRead: boolean): void {
    const { function: name, priority } = request
    const jobs = isRead ? this.store.claim(request) : []
    const numbers = isRead ? jobs.map((job) => `#${job.number}`).join(' ') || 'nothing' : 'failed'
    this.#replies.note(`store: claim of ${name} ${priorityNames[priority]}: ${numbers}`)
    for (const job of jobs) this.#engine?.claimed(name, job.number, job)
    this.#engine?.claimEnded(name, priority, isRead ? jobs.length : undefined)
  }

  #failWrites(batch: Batch): void {
    const engine = this.#engine
    this.#replies.note('store: writes nothing')
    this.#open.forget.push(...batch.forget)
    for (const { addition } of batch.additions) engine?.notAdded(addition)
    if (batch.promoteUntil !== undefined) engine?.promoteEnded((engine?.now ?? 0) + retryMs)
  }

  #fail(batch: Batch): void {
    this.#failWrites(batch)
    const promises = refused(batch)
    for (const request of batch.requests) {
      if (request.kind === 'ask') this.#answerAsk(request, false, promises)
      else this.#answerClaim(request, false)
    }
    this.#replies.release(promises)
  }

  #takeOpen(): Batch {
    const batch = this.#open
    this.#open = newBatch()
    return batch
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

function refused(batch: Batch): Map<Addition, Kept> {
  return new Map(batch.additions.map(({ addition }) => [addition, 'STORE_FAILED']))
}

/** The bytes are the engine's again when the journal returns. */
function kept(submission: Submission): Submission {
  return { ...submission, workload: new Uint8Array(submission.workload) }
}
