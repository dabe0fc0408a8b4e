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
import type { Clock } from './clock.ts'
import type { Connection } from './connection.ts'
import type { Connections } from './connections.ts'
import { failureNote } from './failure-note.ts'
import type { Handles } from './handles.ts'
import { HeldReplies } from './held-replies.ts'
import type { Log } from './log.ts'
import { BatchQueue } from './store/batch-queue.ts'
import { failureIn, noAnswer, toFailure, unknownFailure, unwritable } from './store/failures.ts'
import { StoreNews } from './store/news.ts'
import { type OnCancelled, type OnChanged, type OnKept, OpenBatch } from './store/open-batch.ts'
import { RecordReader } from './store/records.ts'
import {
  type BatchResult,
  type Store,
  type StoreAnswer,
  type StoredChange,
  type StoredDocument,
  type StoredExpired,
  type StoredFailureNote,
  type StoredSummary,
  StoreError,
  type StoreFailure,
  type StoreRequest,
  type StoreState,
} from './store/store.ts'
import { Sweeper } from './sweeper.ts'
import type { Turn } from './turn.ts'
import type { WallTime } from './wall-time.ts'

/** Handle numbers are reserved so many at a time; the next so many when half of them are used up. */
const reservedNumbers = 1e8
/** With more in the open batch, those who feed it are not read from until it is handed to the store. */
const batchBytesMax = 16 * 1024 * 1024
const promisesMax = 20_000
/** A store that has failed is tried again after so long. */
const retryMs = 1000
/** Nobody waits for jobs to be forgotten: so long, or until so many have ended, more of them are to share a commit. */
const forgetMs = 20
const forgetsMax = 2000
/** Expired jobs that are asked for at a time. */
const expiredMax = 1000
/** No date comes after this one. */
const never = Number.MAX_SAFE_INTEGER

export interface JournalContext {
  readonly store: Store
  readonly clock: Clock
  readonly connections: Connections
  readonly handles: Handles
  readonly wallTime: WallTime
  readonly log: Log
  /** The store is said to fail, or to work again. */
  readonly onStoreNews: (isFailing: boolean) => void
}

/**
 * Between the engine and the store: what the engine wants to be remembered is collected in the open batch; at the end
 * of a turn it is committed, unless one is on its way. One commit at a time: all that comes meanwhile is the next
 * batch. When its result is here, the engine learns it, and the replies that it held back leave.
 *
 * When the store fails, what was to be added is refused, what has ended is told again, foreground jobs go on, and the
 * store is tried until it works.
 */
export class Journal implements Changes {
  readonly #context: JournalContext
  readonly #replies: HeldReplies
  readonly #news: StoreNews
  readonly #batches = new BatchQueue()
  #engine: Engine | undefined
  #turn: Turn | undefined
  /** Resolved when what the store does at the moment is done. */
  #underWay: Promise<void> = Promise.resolve()
  /** Questions that are not answered, and the batches that they ride in. */
  readonly #asking = new Map<Addition, OpenBatch>()
  /** Why the last commit failed, until one succeeds. */
  #failure: StoreFailure | undefined
  /** The date. */
  #failingSince = 0
  /** The store has to be opened anew before anything else. */
  #isBroken = false
  /** The batch whose changes are being told of. */
  #applying: OpenBatch | undefined
  /** That may take longer than a retry. */
  #isOpening = false
  /** Jobs that may or may not have been cancelled when the store was lost. */
  readonly #lostCancels: number[] = []
  /** What has been put off since the store that is opened anew was told what to do: it counts it as ready. */
  #putOffSince: Job[] = []
  readonly #sweeper: Sweeper
  #reservedUntil = 0
  #stopRetry: (() => void) | undefined
  #stopForgetting: (() => void) | undefined
  #isForgettingDue = false
  /** For the server's own submissions. */
  readonly #onJoined = new Map<number, (number: number) => void>()
  readonly #waitingForRoom = new Map<Connection, () => void>()
  /** Resolved when all is committed. */
  #onIdle: (() => void) | undefined

  constructor(context: JournalContext) {
    this.#context = context
    this.#replies = new HeldReplies(context.connections, context.handles)
    this.#news = new StoreNews(context.store, context.clock, context.log, context.onStoreNews)
    const { clock, wallTime } = context
    this.#sweeper = new Sweeper({
      clock,
      wallTime,
      sweep: (now, onSwept) => this.change({ kind: 'sweep', now }, (_outcome, failure) => onSwept(failure)),
    })
  }

  /** Before anything else. Gives what is kept besides jobs. Rejects with a StoreError. */
  async open(engine: Engine, turn: Turn): Promise<readonly StoredDocument[]> {
    const { store, clock, handles } = this.#context
    this.#engine = engine
    this.#turn = turn
    try {
      const state = await store.open(clock.wallNow() * 1000)
      this.#reservedUntil = state.firstNumber + reservedNumbers
      const batch = new OpenBatch()
      batch.reserveUntil = this.#reservedUntil
      const { failure } = await store.commit(batch.written(clock.wallNow()))
      if (failure !== undefined) throw unwritable(store, failure)
      handles.startAt(state.firstNumber)
      turn.begin()
      this.#restock(state)
      return state.documents
    } catch (error) {
      await store.close()
      throw error
    }
  }

  /** Commits what is there, and ends. A store that does not take it in time is given up, and closed when it goes on. */
  async close(patienceMs: number): Promise<void> {
    const { store, log } = this.#context
    if (this.#engine === undefined) return
    const isKept = await this.#inTime(this.#finish(), patienceMs)
    if (!isKept) log.error(`the store ${store.name} does not take it: jobs that have ended just now may be run again`)
    this.#stopRetry?.()
    this.#stopForgetting?.()
    this.#sweeper.stop()
    this.#news.stop()
    this.#engine = undefined
    const closed = this.#underWay.then(() => store.close()).then(() => true)
    // If it dies instead, its thread says so.
    if (this.#batches.committing !== undefined) return void closed.catch(() => {})
    if (!(await this.#inTime(closed, patienceMs))) log.error(`the store ${store.name} does not close: it is left alone`)
  }

  /** Resolves when all is committed; false: the store has failed, and can't be opened anew. */
  async #finish(): Promise<boolean> {
    if (this.#isBroken && !this.#batches.isEmpty) {
      if (!this.#isOpening) this.#underWay = this.#openAnew()
      await this.#underWay
    }
    if (this.#isBroken) return this.#batches.isEmpty
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve
      this.commit()
    })
    return true
  }

  /** Whether it was done, and before the time was over. */
  #inTime(done: Promise<boolean>, patienceMs: number): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const stopTimer = this.#context.clock.after(patienceMs, () => resolve(false))
      void done.then(resolve, reject).finally(stopTimer)
    })
  }

  /** Why durable jobs can't be kept at the moment. */
  get failure(): StoreFailure | undefined {
    return this.#failure
  }

  /** The store is at work. */
  get isCommitting(): boolean {
    return this.#batches.committing !== undefined
  }

  /** What is not kept yet: new jobs, and the memory that all of it takes. */
  get unkept(): { readonly additions: number; readonly bytes: number } {
    let additions = 0
    let bytes = 0
    for (const batch of this.#batches.all) {
      additions += batch.additions.length
      bytes += batch.bytes
    }
    return { additions, bytes }
  }

  /** Since when; the date. */
  get failingSince(): number {
    return this.#failingSince
  }

  // What the engine says

  add(addition: Addition, submission: Submission): void {
    this.#addTo(this.#batches.open, addition, submission)
  }

  #addTo(batch: OpenBatch, addition: Addition, submission: Submission): void {
    const runAt = addition.kind === 'delayed' ? this.#date(submission.runAt) : 0
    const number = this.#context.handles.total(addition.number)
    batch.add(addition, number, runAt, this.#date(addition.expiresAt), submission)
  }

  ask(addition: Addition, { unique, workload }: Submission): void {
    const { handles } = this.#context
    // The bytes may lie in a buffer for the next input.
    const kept = unique === '-' ? new Uint8Array(workload) : noBytes
    const batch = this.#batches.open
    this.#asking.set(addition, batch)
    batch.request({ kind: 'find same', function: addition.function.name, unique, workload: kept }, (answer) => {
      this.#asking.delete(addition)
      // If the store can't say, foreground jobs go on.
      const found = answer.kind === 'find' ? answer.job : undefined
      // What has ended, and could not be forgotten, is not joined.
      const isThere = found !== undefined && !this.#batches.isForgotten(found.number)
      const number = !isThere ? addition.number : handles.numberOf(found.number)
      if (number === addition.number) {
        this.#engine?.durable?.absent(addition)
        if (addition.kind === 'joining') this.#replies.refuse(batch, this.#batches.all, addition, 'QUEUE_FULL')
      } else {
        this.#engine?.durable?.joined(addition, number)
        this.#replies.renumber(batch, addition, number)
      }
    })
  }

  forget(number: number): void {
    this.#batches.thatForgets(number).forget.push(this.#context.handles.total(number))
  }

  promote(now: number): void {
    this.#batches.open.promoteUntil = now + this.#context.wallTime.offsetMs
  }

  expire(now: number): void {
    this.#listExpired(now + this.#context.wallTime.offsetMs, undefined)
  }

  retry(job: Job, runAt: number, failure: Failure): void {
    const { handles, connections, wallTime } = this.#context
    this.#batches.thatForgets(job.number).change({
      kind: 'retry',
      number: handles.total(job.number),
      runAt: this.#date(runAt),
      attempts: job.retries,
      failure: failureNote(failure, connections, wallTime),
    })
    if (runAt > 0 && this.#isOpening) this.#putOffSince.push(job)
  }

  bury(job: Job, reason: DeathReason, failure: Failure | undefined): void {
    const { connections, wallTime } = this.#context
    const note = failure && failureNote(failure, connections, wallTime)
    this.#bury(job.number, job.policy, reason, job.retries, note)
  }

  keep(job: Job, { outcome, data, keepMs, uniqueForMs }: Ending): void {
    const { handles, connections, wallTime } = this.#context
    const { numerator, denominator } = job
    const endedAt = wallTime.now
    const worker = job.owner && connections.to(job.owner.id)
    this.#batches.thatForgets(job.number).change({
      kind: 'keep',
      number: handles.total(job.number),
      outcome,
      // The bytes may lie in a buffer for the next input.
      data: new Uint8Array(keepMs > 0 ? data : noBytes),
      numerator,
      denominator,
      endedAt,
      keepUntil: keepMs > 0 ? endedAt + keepMs : 0,
      uniqueUntil: uniqueForMs > 0 ? endedAt + uniqueForMs : 0,
    })
    if (worker !== undefined) this.limit(worker)
  }

  /** The store says so in answer to an addition. */
  recent(): undefined {
    return undefined
  }

  claim({ name }: JobFunction, priority: Priority, jobsMax: number, bytesMax: number): void {
    this.#batches.open.request({ kind: 'claim', function: name, priority, jobsMax, bytesMax }, (answer) => {
      if (answer.kind === 'claim') this.#takeClaimed(name, priority, answer.jobs)
      this.#engine?.durable?.claimEnded(name, priority, answer.kind === 'claim' ? answer.count : undefined)
    })
  }

  // What connections wait for

  /** What is written to the connection from here on is held back until the addition's batch is kept. */
  promise(connection: Connection, addition: Addition): void {
    const batch = this.#batchOf(addition)
    this.#replies.promise(connection, batch, addition)
    // It may join one of an earlier batch. What this connection has said since is to be kept, too.
    this.#replies.hold(connection, this.#batches.open)
  }

  /** The same until all that was said so far is kept. */
  holdUntilKept(connection: Connection): void {
    this.#replies.hold(connection, this.#batches.open)
  }

  /** The same until it is kept that this job, which ends now, has ended. */
  holdUntilForgotten(connection: Connection, number: number): void {
    this.#replies.hold(connection, this.#batches.thatForgets(number))
  }

  /** Reads nothing more from a connection that feeds the open batch when there is very much in it. */
  limit(connection: Connection): void {
    const isFull = this.#batches.open.bytes >= batchBytesMax || this.#batches.open.promises.length >= promisesMax
    if (!isFull || this.#waitingForRoom.has(connection)) return
    this.#waitingForRoom.set(connection, connection.pause())
  }

  /** The answer to a question; undefined if the store can't say. It comes within a turn. */
  lookUp(request: StoreRequest, onAnswer: (answer: StoreAnswer) => void): void {
    this.#batches.open.request(request, onAnswer)
    this.#turn?.begin()
  }

  /** Ends a job that only the store knows. */
  cancel(total: number, onCancelled: OnCancelled): void {
    this.#batches.open.cancel.push(total)
    this.#batches.open.onCancelled.push(onCancelled)
    this.#turn?.begin()
  }

  /**
   * Ends jobs of a list that the store has just given, none of which the engine has. Gives the numbers of those it has
   * ended, and how many it has left: what becomes of them is on its way to the store, which will list them again.
   */
  endListed(jobs: readonly StoredSummary[]): { readonly ended: readonly number[]; readonly left: number } {
    const { handles, wallTime } = this.#context
    const { gone, changing, isPromoting } = this.#batches.underWay
    const ended: number[] = []
    let left = 0
    for (const { number: total, function: name, priority, runAt } of jobs) {
      if (gone.has(total)) continue
      if (changing.has(total) || (isPromoting && runAt > 0 && runAt <= wallTime.now)) left++
      else {
        const number = handles.numberOf(total)
        this.#engine?.durable?.cancelled(number, name, priority, runAt > 0)
        this.forget(number)
        ended.push(number)
      }
    }
    return { ended, left }
  }

  /** Changes something that the engine has no part in. What comes of it is told, or why nothing does. */
  change(change: StoredChange, onChanged: OnChanged): void {
    this.#batches.open.change(change, onChanged)
    this.#turn?.begin()
  }

  /** Has been decided, and is said until it is kept. */
  insist(change: StoredChange): void {
    this.#batches.open.change(change)
    this.#turn?.begin()
  }

  /** It has ended, though the store may have said otherwise: it was not yet told, or only in the batch that it has just kept. */
  hasEnded(total: number): boolean {
    return this.#applying?.gone.has(total) === true || this.#batches.isForgotten(total)
  }

  /** The same for a job that waits for its next attempt, and that the store took for one that is ready. */
  isPutOff(total: number): boolean {
    return this.#applying?.putOff.has(total) === true || this.#batches.isPutOff(total)
  }

  /** Keeps a document, or removes it; said again until it is done. */
  keepDocument(kind: string, name: string, body: string | undefined): void {
    this.insist({ kind: 'document', document: { kind, name, body } })
  }

  /** Called when it is kept that this job has ended, or could not be. */
  whenForgotten(number: number, onKept: OnKept): void {
    this.#batches.thatForgets(number).onKept.push(onKept)
    this.#turn?.begin()
  }

  /** Called if the store has a job that this one of the server's own turns out to have joined. */
  whenJoined(number: number, onJoined: (number: number) => void): void {
    this.#onJoined.set(number, onJoined)
  }

  /** Called when all that was said so far is kept, or could not be. */
  whenKept(onKept: OnKept): void {
    this.#batches.open.onKept.push(onKept)
    this.#turn?.begin()
  }

  // Batches

  /** The end of a turn. */
  commit(): void {
    if (this.#batches.committing !== undefined || this.#engine === undefined) return
    const batch = this.#batches.first
    if (batch.isEmpty) this.#onIdle?.()
    else if (!this.#isBroken) this.#send()
    else if (batch.isAwaited) this.#inTurn(() => this.#failAll(this.#takeOpen(), this.#failure ?? unknownFailure))
  }

  #send(): void {
    const batch = this.#batches.first
    if (batch.isEmpty) return
    const isDue = batch.isAwaited || (batch.isPressing && this.#failure === undefined)
    if (!isDue && !this.#mayForget(batch)) return
    this.#reserveNumbers(batch)
    this.#takeOpen()
    this.#isForgettingDue = false
    this.#batches.committing = batch
    this.#underWay = this.#context.store.commit(batch.written(this.#context.wallTime.now)).then(
      (result) => {
        this.#batches.committing = undefined
        // The store is not to wait while replies are written: what has come meanwhile goes first.
        if (failureIn(result) === undefined && this.#engine !== undefined) this.#send()
        this.#inTurn(() => this.#apply(batch, result))
      },
      (error: unknown) => {
        this.#batches.committing = undefined
        this.#inTurn(() => this.#lose(batch, toFailure(error)))
      },
    )
  }

  /** It is time for a batch that does nothing else. */
  #mayForget({ forget }: OpenBatch): boolean {
    // What could not be forgotten is tried again by and by.
    if (this.#stopRetry !== undefined) return false
    if (this.#isForgettingDue || this.#onIdle !== undefined || forget.length >= forgetsMax) return true
    this.#stopForgetting ??= this.#context.clock.after(forgetMs, () => {
      this.#stopForgetting = undefined
      this.#isForgettingDue = true
      this.#turn?.begin()
    })
    return false
  }

  /** The one that it rides in. */
  #batchOf(addition: Addition): OpenBatch {
    return this.#asking.get(addition) ?? this.#batches.with(addition)
  }

  #takeOpen(): OpenBatch {
    const batch = this.#batches.takeFirst()
    for (const [, goOn] of this.#waitingForRoom) goOn()
    this.#waitingForRoom.clear()
    return batch
  }

  #inTurn(act: () => void): void {
    if (this.#engine === undefined) return
    this.#turn?.begin()
    act()
    if (this.#batches.isEmpty && this.#batches.committing === undefined) this.#onIdle?.()
  }

  #apply(batch: OpenBatch, result: BatchResult): void {
    const { failure } = result
    if (failure?.isBroken === true) return this.#lose(batch, failure)
    if (failure === undefined) this.#applyWrites(batch, result)
    else this.#failWrites(batch, failure)
    for (const [index, onAnswer] of batch.onAnswer.entries()) onAnswer(result.answers[index] ?? noAnswer)
    this.#engine?.durable?.answersEnded()
    for (const onKept of batch.onKept) onKept(failure)
    this.#replies.release(batch)
    this.#setFailure(failureIn(result))
  }

  #applyWrites(batch: OpenBatch, result: BatchResult): void {
    const { joined, throttled, cancelled, promoted, revived, nextDueAt, nextSweepAt } = result
    const { handles, wallTime } = this.#context
    const durable = this.#engine?.durable
    this.#applying = batch
    const found = new Map(cancelled.map((job) => [job.number, job]))
    for (const job of cancelled) {
      // One that was claimed meanwhile may have ended.
      if (this.hasEnded(job.number)) continue
      const isDelayed = job.runAt > 0 || this.isPutOff(job.number)
      durable?.cancelled(handles.numberOf(job.number), job.function, job.priority, isDelayed)
    }
    for (const [index, onCancelled] of batch.onCancelled.entries()) {
      onCancelled(found.get(batch.cancel[index] ?? 0), undefined)
    }
    for (const [index, onChanged] of batch.onChanged.entries()) onChanged?.(result.changed[index], undefined)
    this.#applying = undefined
    let next = 0
    let nextThrottled = 0
    for (const [index, addition] of batch.additions.entries()) {
      if (throttled[nextThrottled] === index) {
        const number = handles.numberOf(throttled[nextThrottled + 1] ?? 0)
        nextThrottled += 2
        if (durable?.throttled(addition) === true) this.#replies.renumber(batch, addition, number)
      } else if (joined[next] !== index) durable?.added(addition)
      else {
        const number = handles.numberOf(joined[next + 1] ?? 0)
        next += 2
        durable?.joined(addition, number)
        if (number !== addition.number) {
          this.#replies.renumber(batch, addition, number)
          this.#onJoined.get(addition.number)?.(number)
          const isWaitedFor = this.#engine?.findJob(number)?.state === 'stored'
          if (isWaitedFor && this.#batches.isForgotten(handles.total(number))) durable?.hasEnded(number)
        }
      }
      if (addition.isOwn) this.#onJoined.delete(addition.number)
    }
    for (const { function: name, priority, count } of promoted) durable?.promoted(name, priority, count)
    for (const { function: name, priority, count } of revived) durable?.revived(name, priority, count)
    if (nextSweepAt !== undefined) this.#sweeper.due(nextSweepAt)
    if (batch.reserveUntil !== undefined) this.#reservedUntil = batch.reserveUntil
    if (batch.promoteUntil !== undefined) {
      durable?.promoteEnded((nextDueAt ?? Number.POSITIVE_INFINITY) - wallTime.offsetMs)
    }
  }

  /** None of the writes was done, and the store goes on. */
  #failWrites(batch: OpenBatch, failure: StoreFailure): void {
    const durable = this.#engine?.durable
    // They have ended all the same.
    for (const total of batch.forget) this.#batches.first.forget.push(total)
    this.#sayAgain(batch, failure)
    for (const onCancelled of batch.onCancelled) onCancelled(undefined, failure)
    for (const addition of batch.additions) {
      const own = batch.own.get(addition)
      if (own === undefined) durable?.notAdded(addition)
      // Where its schedule, or the end of the job before it, is said again as well.
      else this.#addTo(this.#batches.first, addition, own)
    }
    this.#replies.refuseAll(batch, this.#batches.all, failure)
    if (batch.promoteUntil !== undefined) durable?.promoteEnded((this.#engine?.now ?? 0) + retryMs)
  }

  /** What has happened in the engine goes before all that has happened since. */
  #sayAgain(batch: OpenBatch, failure: StoreFailure): void {
    const { first } = this.#batches
    const later = first.takeChanges()
    for (const [change, onChanged] of batch.takeChanges()) {
      if (onChanged === undefined) first.change(change)
      else onChanged(undefined, failure)
    }
    for (const [change, onChanged] of later) first.change(change, onChanged)
  }

  /**
   * The store is gone, and may have kept it. What is refused now goes when it is opened: nobody is to run it. What was
   * to be cancelled is cancelled then, since it may have been.
   */
  #lose(batch: OpenBatch, failure: StoreFailure): void {
    const { handles } = this.#context
    for (const { number, isOwn } of batch.additions) {
      if (!isOwn) this.#batches.first.forget.push(handles.total(number))
    }
    this.#lostCancels.push(...batch.cancel)
    this.#failAll(batch, failure)
  }

  /** The store is gone. */
  #failAll(batch: OpenBatch, failure: StoreFailure): void {
    this.#failWrites(batch, failure)
    for (const onAnswer of batch.onAnswer) onAnswer({ kind: 'failed', failure })
    this.#engine?.durable?.answersEnded()
    for (const onKept of batch.onKept) onKept(failure)
    this.#replies.release(batch)
    this.#isBroken = true
    this.#setFailure(failure)
  }

  #takeClaimed(name: string, priority: Priority, jobs: Uint8Array): void {
    const { handles, wallTime } = this.#context
    const { now, offsetMs } = wallTime
    const reader = new RecordReader(jobs)
    const elsewhere = new Set(this.#batches.all.flatMap(({ forget, gone, putOff }) => [...forget, ...gone, ...putOff]))
    while (reader.next()) {
      // A store that was opened anew gives out once more what has ended or was put off meanwhile, and it could not be told.
      if (elsewhere.has(reader.number)) continue
      const { number, attempts, expireAt, readyAt } = reader
      // One literal: an object made with a spread costs V8 several microseconds, for each job.
      const submission: Submission = {
        function: name,
        unique: reader.unique,
        workload: reader.workload,
        priority,
        background: true,
        runAt: 0,
        reducer: reader.reducer,
        then: reader.then,
        options: reader.options,
        trace: reader.trace,
      }
      const expiresAt = expireAt === 0 ? 0 : expireAt - offsetMs
      const since = (readyAt === 0 ? now : readyAt) - offsetMs
      this.#engine?.durable?.claimed(name, handles.numberOf(number), submission, attempts, expiresAt, since)
    }
  }

  #reserveNumbers(batch: OpenBatch): void {
    const next = this.#context.handles.total(this.#engine?.nextNumber ?? 0)
    if (next >= this.#reservedUntil - reservedNumbers / 2) batch.reserveUntil = next + reservedNumbers
  }

  // When the store fails

  #setFailure(failure: StoreFailure | undefined): void {
    if (failure !== undefined && this.#failure === undefined) this.#failingSince = this.#context.wallTime.now
    if (failure !== undefined) this.#news.failed(failure)
    else if (this.#failure !== undefined) this.#news.succeeded()
    this.#failure = failure
    if (failure?.isBroken === true) this.#isBroken = true
    if (failure !== undefined) this.#retrySoon()
    else {
      // What could not be forgotten waits no longer.
      this.#stopRetry?.()
      this.#stopRetry = undefined
    }
  }

  #retrySoon(): void {
    if (this.#isOpening) return
    this.#stopRetry ??= this.#context.clock.after(retryMs, () => {
      this.#stopRetry = undefined
      if (this.#isBroken) this.#underWay = this.#openAnew()
      else if (this.#failure !== undefined) this.#writeSomething()
    })
  }

  /** To see whether it works again. What changes nothing would not be written. */
  #writeSomething(): void {
    this.#batches.open.reserveUntil ??= this.#reservedUntil + 1
    this.#turn?.begin()
  }

  async #openAnew(): Promise<void> {
    this.#isOpening = true
    const state = await this.#tryToOpen().catch(toFailure)
    this.#isOpening = false
    if (this.#engine === undefined) return
    if ('isBroken' in state) return this.#setFailure(state)
    this.#isBroken = false
    this.#inTurn(() => this.#restock(state))
    this.#setFailure(undefined)
  }

  async #tryToOpen(): Promise<StoreState> {
    const { store, clock } = this.#context
    await store.open(clock.wallNow() * 1000)
    // What has ended must not be counted, nor claimed.
    const batch = new OpenBatch()
    const { forget, changes, onChanged, own } = this.#batches.first
    batch.forget.push(...forget)
    for (const [index, change] of changes.entries()) if (onChanged[index] === undefined) batch.change(change)
    for (const [addition, submission] of own) this.#addTo(batch, addition, submission)
    batch.cancel.push(...this.#lostCancels)
    const said = batch.written(clock.wallNow())
    this.#putOffSince = []
    const { failure } = await store.commit(said)
    if (failure !== undefined) throw new StoreError(failure.code, failure.message)
    this.#cancelAll(this.#lostCancels.splice(0))
    // The next batch says so once more, which does no harm: others may have been put before them meanwhile.
    return store.open(clock.wallNow() * 1000)
  }

  /** They are no longer on disk, and may have come from there before the store was lost. */
  #cancelAll(totals: readonly number[]): void {
    if (totals.length === 0) return
    this.#inTurn(() => {
      for (const total of totals) {
        const number = this.#context.handles.numberOf(total)
        const job = this.#engine?.findJob(number)
        if (job !== undefined) this.#engine?.durable?.cancelled(number, job.function.name, job.priority, false)
      }
    })
  }

  #restock({ functions, nextDueAt, nextExpiryAt, nextSweepAt }: StoreState): void {
    const { offsetMs } = this.#context.wallTime
    this.#engine?.durable?.restock(
      functions,
      nextDueAt - offsetMs,
      nextExpiryAt - offsetMs,
      this.#putOffSince.splice(0),
    )
    this.#sweeper.due(nextSweepAt)
  }

  // What goes with the time

  /** From the engine's time, where 0 is none. */
  #date(time: number): number {
    return time === 0 ? 0 : time + this.#context.wallTime.offsetMs
  }

  #bury(
    number: number,
    policy: Policy,
    reason: DeathReason,
    attempts: number,
    failure: StoredFailureNote | undefined,
  ): void {
    const diedAt = this.#context.wallTime.now
    this.#batches.thatForgets(number).change({
      kind: 'bury',
      number: this.#context.handles.total(number),
      reason,
      diedAt,
      attempts,
      failure,
      keepUntil: Math.min(never, diedAt + policy.deadForMs),
      deadMax: policy.deadMax,
    })
  }

  #listExpired(until: number, after: StoredExpired | undefined): void {
    this.#batches.open.request({ kind: 'list expired', until, after, jobsMax: expiredMax }, (answer) => {
      const durable = this.#engine?.durable
      if (answer.kind !== 'list expired') return durable?.expireEnded((this.#engine?.now ?? 0) + retryMs)
      for (const job of answer.jobs) this.#expire(job)
      if (answer.jobs.length === expiredMax) this.#listExpired(until, answer.jobs.at(-1))
      else durable?.expireEnded(answer.nextExpiryAt - this.#context.wallTime.offsetMs)
    })
  }

  #expire({ number: total, function: name, priority, runAt, options }: StoredExpired): void {
    // One that was begun after the store was asked waits for its next attempt.
    if (this.#batches.isForgotten(total) || this.#batches.isPutOff(total)) return
    const number = this.#context.handles.numberOf(total)
    const policy = this.#engine?.durable?.expired(number, name, priority, runAt > 0, options)
    if (policy === undefined) return
    if (policy.deadMax === 0) this.forget(number)
    else this.#bury(number, policy, 'expired', 0, undefined)
  }
}

const noBytes = new Uint8Array(0)
