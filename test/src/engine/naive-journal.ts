import type {
  Addition,
  Changes,
  DeathReason,
  Ending,
  Engine,
  Failure,
  Job,
  JobFunction,
  Policy,
  Priority,
  Submission,
} from '@geartrain/engine'
import { type Batch, type Change, expiredMax, NaiveStore, type StoredJob, type Written } from './naive-store.ts'
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
  /** The store is gone, and says when it is opened anew whether it has done it: this. */
  | 'kept told later'
  | 'lost told later'

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
  /** A dead job is a live one again. */
  onRevived: (number: number, functionName: string) => void = () => {}
  readonly #replies: Replies
  #engine: Engine | undefined
  /** They leave one by one; what is said comes into the last one. */
  #open: [Batch, ...Batch[]] = [newBatch()]
  #onWay: Batch | undefined
  #isBroken = false
  /** What became of a batch, to be told when the store is opened anew; undefined: nothing of it was written. */
  #untold: { readonly batch: Batch; readonly written: Written | undefined } | undefined

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
    this.#batchThatForgets(number).forget.push(number)
  }

  #batchThatForgets(number: number): Batch {
    if (this.#last.additions.some(({ addition }) => addition.number === number)) this.#open.push(newBatch())
    return this.#last
  }

  release(number: number): void {
    this.#batchThatForgets(number).changes.push({ kind: 'release', number })
  }

  promote(now: number): void {
    this.#last.promoteUntil = now
  }

  claim({ name }: JobFunction, priority: Priority, jobsMax: number, bytesMax: number): void {
    this.#last.requests.push({ kind: 'claim', function: name, priority, jobsMax, bytesMax })
  }

  expire(until: number): void {
    this.#last.requests.push({ kind: 'expired', until, after: undefined })
  }

  retry({ number, retries: attempts }: Job, runAt: number, failure: Failure): void {
    const { changes } = this.#batchThatForgets(number)
    changes.push({ kind: 'retry', number, runAt, attempts, failure: keptFailure(failure) })
  }

  bury(job: Job, reason: DeathReason, failure: Failure | undefined): void {
    this.#bury(job.number, job.policy, reason, job.retries, failure && keptFailure(failure))
  }

  #bury(number: number, { deadMax }: Policy, reason: DeathReason, attempts: number, failure?: Failure): void {
    this.#batchThatForgets(number).changes.push({ kind: 'bury', number, reason, attempts, failure, deadMax })
  }

  keep({ number }: Job, { outcome, keepMs, uniqueForMs }: Ending): void {
    const { now } = this
    const keepUntil = keepMs > 0 ? now + keepMs : 0
    const uniqueUntil = uniqueForMs > 0 ? now + uniqueForMs : 0
    this.#batchThatForgets(number).changes.push({ kind: 'keep', number, outcome, keepUntil, uniqueUntil })
  }

  /** The store's clock is the engine's. */
  get now(): number {
    return this.#engine?.now ?? 0
  }

  recent(): undefined {
    return undefined
  }

  // What the test says

  cancel(number: number): void {
    // A batch cancels before it keeps what has ended.
    if (!this.#isForgotten(number)) this.#last.cancel.push(number)
  }

  /** A job that is to be moved and hastened has to wait with the second of these: where it stands is to be known. */
  isChanging(number: number): boolean {
    return [this.#onWay, ...this.#open].some((batch) =>
      batch?.changes.some((change) => change.number === number && !isOfEngine(change)),
    )
  }

  /** Nothing that the engine has a part in, until it is done. */
  change(change: Extract<Change, { kind: 'revive' | 'prioritize' | 'hasten' }>): void {
    this.#last.changes.push(change)
  }

  /** Attempts of each job that the store will know of when the process has gone. */
  attemptsAfter(isKept: boolean): ReadonlyMap<number, number> {
    const attempts = new Map(this.store.jobs.map((job) => [job.number, job.attempts]))
    for (const change of isKept ? (this.#onWay?.changes ?? []) : []) {
      if (change.kind === 'retry')
        attempts.set(change.number, Math.max(change.attempts, attempts.get(change.number) ?? 0))
    }
    return attempts
  }

  /** The end of a turn. */
  handOver(): void {
    if (this.#onWay !== undefined) return
    if (!this.#isBroken) this.#send()
    else while (this.#open.some(isAwaited)) this.#fail(this.#takeOpen())
  }

  #send(): void {
    if (this.#open.every(isEmpty)) return
    this.#onWay = this.#takeOpen()
    this.#onWay.now = this.now
  }

  /** The store has done what was on its way, or not. False: nothing was. */
  answer(outcome: Outcome): boolean {
    const batch = this.#onWay
    if (batch === undefined) return false
    this.#onWay = undefined
    if (outcome === 'kept told later' || outcome === 'lost told later') {
      this.#isBroken = true
      this.#untold = { batch, written: outcome === 'kept told later' ? this.store.write(batch) : undefined }
      return true
    }
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

  /** The same with a store that others use as well. What was here and is another's by now is lost. */
  reopenShared(): void {
    const durable = this.#engine?.durable
    this.#isBroken = false
    const held = durable?.heldNumbers() ?? []
    // What has ended is held until the store has been told, or others would do it once more.
    const ended = this.#open.flatMap(({ forget, changes }) => [
      ...forget,
      ...changes.filter(isEnd).map(({ number }) => number),
    ])
    const { functions, nextDueAt, nextExpiryAt } = this.store.open([...held, ...ended])
    durable?.restock(functions, nextDueAt, nextExpiryAt)
    const own = new Set(this.store.jobs.filter((job) => job.isClaimed && !job.isOthers).map((job) => job.number))
    const untold = this.#untold
    this.#untold = undefined
    const kept = untold?.written === undefined ? [] : untold.batch.additions.map(({ addition }) => addition.number)
    for (const number of held) {
      const wasKept = this.#engine?.findJob(number)?.isStored === true || kept.includes(number)
      if (wasKept && !own.has(number)) durable?.lost(number, 'moved')
    }
    if (untold === undefined) return
    const { batch, written } = untold
    const promises = written === undefined ? this.#failWrites(batch) : this.#applyWrites(batch, written)
    this.#answerAll(batch, [], promises)
    this.#replies.release(promises)
  }

  /** What has ended must not be counted, nor claimed. */
  reopen(): void {
    const [first] = this.#open
    const { forget } = first
    // What was asked for since the store is gone has not failed yet.
    const changes = first.changes.splice(0).map((change) => this.#asMoved(change))
    first.changes.push(...changes)
    this.store.write({ ...newBatch(), forget: forget.splice(0), changes: changes.filter(isOfEngine) })
    this.#isBroken = false
    const { functions, nextDueAt, nextExpiryAt } = this.store.open()
    this.#engine?.durable?.restock(functions, nextDueAt, nextExpiryAt)
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
      if (this.#hasEnded(batch, number)) continue
      durable?.cancelled(number, name, priority, runAt > 0 || this.#isPutOff(batch, number))
    }
    for (const [index, change] of batch.changes.entries()) {
      const job = written.changed[index]
      const isOnDisk = (this.#engine?.findJob(change.number)?.state ?? 'stored') === 'stored'
      if (change.kind === 'prioritize' && !isOnDisk) durable?.prioritizedHere(change.number, change.priority)
      else if (change.kind === 'prioritize' && job !== undefined && !this.#hasEnded(batch, job.number)) {
        const isDelayed = job.runAt > 0 || this.#isPutOff(batch, job.number)
        durable?.prioritized(job.function, job.priority, change.priority, isDelayed)
      }
    }
    const promises = new Map<Addition, Kept>()
    for (const [index, { addition }] of batch.additions.entries()) {
      const number = written.joined[index]
      const recent = written.throttled[index]
      promises.set(addition, number ?? addition.number)
      if (recent !== undefined) {
        if (durable?.throttled(addition) === true) promises.set(addition, recent)
      } else if (number === undefined) durable?.added(addition)
      else {
        if (durable?.joined(addition, number) === false) promises.set(addition, addition.number)
        if (this.#isForgotten(number)) durable?.hasEnded(number)
      }
    }
    for (const { function: name, priority, count } of written.promoted) durable?.promoted(name, priority, count)
    for (const [index, change] of batch.changes.entries()) {
      const job = written.changed[index]
      if (job === undefined) continue
      if (change.kind === 'revive') {
        this.onRevived(job.number, job.function)
        durable?.revived(job.function, job.priority, 1)
      } else if (change.kind === 'hasten') durable?.promoted(job.function, job.priority, 1)
    }
    if (batch.promoteUntil !== undefined) durable?.promoteEnded(written.nextDueAt)
    return promises
  }

  #log(batch: Batch, { cancelled, changed, joined, throttled, promoted }: Written): void {
    const note = (line: string): void => this.#replies.note(`store: ${line}`)
    for (const number of batch.forget) note(`forgets #${number}`)
    for (const number of batch.cancel) {
      note(cancelled.some((job) => job.number === number) ? `cancels #${number}` : `has no #${number}`)
    }
    for (const [index, change] of batch.changes.entries()) {
      note(changed[index] === undefined ? `has no #${change.number} to ${change.kind}` : noteOf(change))
    }
    for (const [index, { addition }] of batch.additions.entries()) {
      const number = joined[index] ?? throttled[index]
      note(`${addition.kind} #${addition.number} ${number === undefined ? 'kept' : `joins #${number}`}`)
    }
    for (const { function: name, count } of promoted) note(`promotes ${count} of ${name}`)
  }

  #answerAll(batch: Batch, answers: readonly (readonly StoredJob[] | undefined)[], promises: Promises): void {
    for (const [index, request] of batch.requests.entries()) {
      const jobs = answers[index]
      if (request.kind === 'ask') this.#answerAsk(request.addition, jobs, promises)
      else if (request.kind === 'claim') this.#answerClaim(request.function, request.priority, jobs)
      else this.#answerExpired(request.until, jobs)
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
    const durable = this.#engine?.durable
    for (const job of jobs ?? []) {
      // A store that was opened anew gives out once more what has ended meanwhile and could not be forgotten.
      if (this.#isForgotten(job.number)) continue
      durable?.claimed(name, job.number, { ...job, runAt: 0 }, job.attempts, job.expireAt, job.readyAt)
    }
    durable?.claimEnded(name, priority, jobs?.length)
  }

  #answerExpired(until: number, jobs: readonly StoredJob[] | undefined): void {
    const durable = this.#engine?.durable
    this.#replies.note(`store: expired: ${jobs?.map((job) => `#${job.number}`).join(' ') ?? 'failed'}`)
    if (jobs === undefined) return durable?.expireEnded(this.now + retryMs)
    for (const job of jobs) {
      // One that was begun after the store was asked waits for its next attempt.
      if (this.#isForgotten(job.number) || this.#isPutOff(undefined, job.number)) continue
      const policy = durable?.expired(job.number, job.function, job.priority, job.runAt > 0, job.options)
      if (policy === undefined) continue
      if (policy.deadMax === 0) this.forget(job.number)
      else this.#bury(job.number, policy, 'expired', 0)
    }
    const after = jobs.at(-1)
    if (jobs.length === expiredMax) this.#last.requests.push({ kind: 'expired', until, after })
    else durable?.expireEnded(this.store.nextExpiryAt(after))
  }

  /** The engine counts it as delayed, and the store had not been told that when it cancelled it. */
  #isPutOff(batch: Batch | undefined, number: number): boolean {
    return [batch, this.#onWay, ...this.#open].some((later) =>
      later?.changes.some((change) => change.kind === 'retry' && change.number === number && change.runAt > 0),
    )
  }

  /** By now, though it may not have when the batch that has just been kept did the rest of what it says. */
  #hasEnded(batch: Batch, number: number): boolean {
    return this.#isForgotten(number) || batch.changes.some((change) => isEnd(change) && change.number === number)
  }

  /** The store is yet to be told that it has ended, or to say that it has been. */
  #isForgotten(number: number): boolean {
    return [this.#onWay, ...this.#open].some(
      (batch) =>
        batch?.forget.includes(number) === true ||
        batch?.changes.some((change) => isEnd(change) && change.number === number) === true,
    )
  }

  #failWrites(batch: Batch): Promises {
    const durable = this.#engine?.durable
    this.#replies.note('store: writes nothing')
    this.#open[0].forget.push(...batch.forget)
    this.#open[0].changes.unshift(...batch.changes.map((change) => this.#asMoved(change)).filter(isOfEngine))
    for (const { addition, submission } of batch.additions) {
      if (addition.isOwn) this.add(addition, submission)
      else durable?.notAdded(addition)
    }
    if (batch.promoteUntil !== undefined) durable?.promoteEnded((this.#engine?.now ?? 0) + retryMs)
    return new Map(batch.additions.map(({ addition }) => [addition, 'STORE_FAILED']))
  }

  /** A job that is here stays in the line to which it has gone, and the store has to hear of it. */
  #asMoved(change: Change): Change {
    if (change.kind !== 'prioritize') return change
    const job = this.#engine?.findJob(change.number)
    return job === undefined || job.state === 'stored' ? change : { ...change, priority: job.priority, hasMoved: true }
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
  return { now: 0, forget: [], cancel: [], changes: [], additions: [], promoteUntil: undefined, requests: [] }
}

function isEmpty(batch: Batch): boolean {
  return batch.forget.length + batch.changes.length + batch.additions.length === 0 && !isAwaited(batch)
}

/** Alone, what is to be forgotten, and all else that is said until it is kept, can wait until the store works again. */
function isAwaited({ cancel, changes, additions, promoteUntil, requests }: Batch): boolean {
  const hasWrites = cancel.length > 0 || promoteUntil !== undefined || changes.some((change) => !isOfEngine(change))
  return hasWrites || additions.some(({ addition }) => !addition.isOwn) || requests.length > 0
}

/** It has happened, and is said again until it is kept. */
function isOfEngine(change: Change): boolean {
  const { kind } = change
  if (kind === 'prioritize') return change.hasMoved === true
  return kind === 'retry' || kind === 'release' || isEnd({ kind })
}

function isEnd({ kind }: Pick<Change, 'kind'>): boolean {
  return kind === 'bury' || kind === 'keep'
}

function noteOf(change: Change): string {
  const { kind, number } = change
  switch (kind) {
    case 'retry':
      return `puts #${number} off${change.runAt === 0 ? '' : ` until ${change.runAt}`}, attempts ${change.attempts}`
    case 'bury':
      return `buries #${number}, ${change.reason}, attempts ${change.attempts}`
    case 'keep':
      return `keeps #${number}, ${change.outcome}`
    case 'release':
      return `releases #${number}`
    case 'revive':
      return `revives #${number}`
    case 'prioritize':
      return `moves #${number} to ${priorityNames[change.priority]}`
    case 'hasten':
      return `hastens #${number}`
  }
}

function keptFailure({ reason, worker, error }: Failure): Failure {
  return { reason, worker, error: error && new Uint8Array(error) }
}

/** The bytes are the engine's again when the journal returns. */
function kept(submission: Submission): Submission {
  return { ...submission, workload: new Uint8Array(submission.workload) }
}
