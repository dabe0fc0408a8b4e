import type { Engine } from '@geartrain/engine'
import type { Clock } from './clock.ts'
import type { Handles } from './handles.ts'
import type { Log } from './log.ts'
import { NumberRange } from './number-range.ts'
import { SharedReopening } from './shared-reopening.ts'
import type { BatchQueue } from './store/batch-queue.ts'
import { failureIn, noAnswer, toFailure, unknownFailure, unwritable } from './store/failures.ts'
import { StoreNews, type StoreTrouble } from './store/news.ts'
import { OpenBatch } from './store/open-batch.ts'
import {
  type BatchResult,
  type Store,
  type StoredDocument,
  StoreError,
  type StoreFailure,
  type StoreState,
} from './store/store.ts'
import type { Turn } from './turn.ts'
import type { WallTime } from './wall-time.ts'

/** A store that has failed is tried again after so long. */
const retryMs = 1000
/** So often at the start, when its lease is lost each time. */
const opensMax = 5
/** Nobody waits for jobs to be forgotten: so long, or until so many have ended, more of them are to share a commit. */
const forgetMs = 20
const forgetsMax = 2000

export interface CommitterContext {
  readonly store: Store
  readonly clock: Clock
  readonly handles: Handles
  readonly wallTime: WallTime
  readonly log: Log
  /** The store is said to fail, or to work again. */
  readonly onStoreNews: (isFailing: boolean) => void
  /** A store that others use as well is open again, and has these: others may have changed them meanwhile. */
  readonly onOpenedAnew?: ((documents: readonly StoredDocument[]) => void) | undefined
}

/** Who is told what has become of batches. */
export interface BatchTold {
  /** A batch leaves: the next one has room. */
  left(): void
  /** All writes are done. Answers to requests come next. */
  written(batch: OpenBatch, result: BatchResult): void
  /** None of the writes was done. `isLeaseOver`: what this server did in it for all others, another one does from now on. */
  notWritten(batch: OpenBatch, failure: StoreFailure, isLeaseOver?: boolean): void
  /** All that was to be done about the batch is done. */
  released(batch: OpenBatch): void
  /** Puts into this batch what a store that is opened anew must know before it says what it has. */
  sayFirst(batch: OpenBatch): void
  /** Numbers of jobs that this server has or has had, and of which a store that others use is yet to hear what became of them. */
  held(): Set<number>
  /** The store is open, and has this. */
  opened(state: StoreState): void
}

/**
 * Hands batches to the store, one at a time. When the store fails, it is tried, and opened anew if need be, until it
 * works. One that others use as well says then what has become of the batch that it had; until then those who wait for
 * that batch go on waiting.
 */
export class Committer {
  readonly #context: CommitterContext
  readonly #batches: BatchQueue
  readonly #told: BatchTold
  readonly #news: StoreNews
  #engine: Engine | undefined
  #turn: Turn | undefined
  /** Resolved when what the store does at the moment is done. */
  #underWay: Promise<void> = Promise.resolve()
  /** Why the last commit failed, until one succeeds. */
  #failure: StoreFailure | undefined
  /** The date. */
  #failingSince = 0
  /** The store has to be opened anew before anything else. */
  #isBroken = false
  /** That may take longer than a retry. */
  #isOpening = false
  /** Jobs that may or may not have been cancelled when the store was lost. */
  readonly #lostCancels: number[] = []
  /** The lease was lost while the store had a batch. */
  #brokenBy: StoreFailure | undefined
  readonly #numbers: NumberRange
  /** Undefined: nobody else uses it. */
  readonly #shared: SharedReopening | undefined
  #stopRetry: (() => void) | undefined
  #stopForgetting: (() => void) | undefined
  #isForgettingDue = false
  /** Resolved when all is committed. */
  #onIdle: (() => void) | undefined

  constructor(context: CommitterContext, batches: BatchQueue, told: BatchTold) {
    this.#context = context
    this.#batches = batches
    this.#told = told
    this.#news = new StoreNews(context.store, context.clock, context.log, context.onStoreNews)
    this.#numbers = new NumberRange(context.handles, context.clock, context.store.cluster !== undefined)
    if (context.store.cluster === undefined) return
    this.#shared = new SharedReopening(context, batches, {
      held: () => told.held(),
      keepWritten: (batch, result) => this.#keepWritten(batch, result),
      notWritten: (batch, failure) => told.notWritten(batch, failure, true),
      takeFirst: () => this.#takeFirst(),
      opened: (state) => told.opened(state),
      release: (batch, failure) => this.#release(batch, failure),
    })
  }

  /** Before anything else. Rejects with a StoreError. */
  async open(engine: Engine, turn: Turn): Promise<StoreState> {
    this.#engine = engine
    this.#turn = turn
    try {
      const state = await this.#openFirst(engine)
      turn.begin()
      this.#told.opened(state)
      return state
    } catch (error) {
      await this.#context.store.close()
      throw error
    }
  }

  /** On a machine with much to do a short lease may be over before the first batch is there. */
  async #openFirst(engine: Engine): Promise<StoreState> {
    const { store, log } = this.#context
    for (let opens = 1; ; opens++) {
      try {
        return await this.#openAndReserve(engine)
      } catch (error) {
        if (!(error instanceof StoreError) || error.code !== 'LEASE_LOST' || opens === opensMax) throw error
        log.warn({ code: error.code }, `the store ${store.name} is opened once more: ${error.message}`)
      }
    }
  }

  async #openAndReserve(engine: Engine): Promise<StoreState> {
    const { store, wallTime } = this.#context
    const state = await store.open(wallTime.now * 1000)
    const batch = new OpenBatch()
    this.#numbers.reserveFirst(batch, state.firstNumber)
    const { failure, reserved } = await store.commit(batch.written(wallTime.now))
    if (failure !== undefined) throw unwritable(store, failure)
    this.#numbers.begin(reserved ?? state.firstNumber, engine)
    return state
  }

  /** Commits what is there, and commits no more. A store that does not take it in time is given up. */
  async finish(patienceMs: number): Promise<void> {
    const { store, log } = this.#context
    const isKept = await this.#inTime(this.#commitAll(), patienceMs)
    if (!isKept) log.error(`the store ${store.name} does not take it: jobs that have ended just now may be run again`)
    this.#stopRetry?.()
    this.#stopForgetting?.()
    this.#news.stop()
    this.#engine = undefined
  }

  /** After that. A store that was given up is closed when it goes on. */
  async close(patienceMs: number): Promise<void> {
    const { store, log } = this.#context
    const closed = this.#underWay.then(() => store.close()).then(() => true)
    // If it dies instead, its thread says so.
    if (this.#batches.committing !== undefined) return void closed.catch(() => {})
    if (!(await this.#inTime(closed, patienceMs))) log.error(`the store ${store.name} does not close: it is left alone`)
  }

  /** Resolves when all is committed; false: the store has failed, and can't be opened anew. */
  async #commitAll(): Promise<boolean> {
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

  /** Since when; the date. */
  get failingSince(): number {
    return this.#failingSince
  }

  /** What was told of its failing, until that it works again was told too. */
  get trouble(): StoreTrouble | undefined {
    return this.#news.trouble
  }

  /** The store is being opened anew, and has been told what it must know first. */
  get isOpening(): boolean {
    return this.#isOpening
  }

  // Batches

  /** There is a job with this number in the store. */
  heardOf(number: number): void {
    this.#numbers.heardOf(number)
  }

  /** The end of a turn. */
  commit(): void {
    if (this.#engine === undefined) return
    // One that has failed is tried with less.
    if (this.#failure === undefined) this.#numbers.reserve(this.#batches.open, this.#engine.nextNumber)
    if (this.#batches.committing !== undefined) return
    const batch = this.#batches.first
    if (batch.isEmpty) this.#onIdle?.()
    else if (!this.#isBroken) this.#send()
    else if (batch.isAwaited) this.#inTurn(() => this.#failAll(this.#takeFirst(), this.#failure ?? unknownFailure))
  }

  #send(): void {
    const batch = this.#batches.first
    if (batch.isEmpty) return
    const isDue = batch.isAwaited || (batch.isPressing && this.#failure === undefined)
    if (!isDue && !this.#mayForget(batch)) return
    this.#takeFirst()
    this.#isForgettingDue = false
    this.#batches.committing = batch
    this.#underWay = this.#context.store.commit(batch.written(this.#context.wallTime.now)).then(
      (result) => {
        this.#batches.committing = undefined
        // The store is not to wait while replies are written: what has come meanwhile goes first.
        const isGoingOn = this.#engine !== undefined && this.#brokenBy === undefined
        if (failureIn(result) === undefined && isGoingOn) this.#send()
        this.#inTurn(() => {
          this.#apply(batch, result)
          this.#breakAfter()
        })
      },
      (error: unknown) => {
        this.#batches.committing = undefined
        const failure = toFailure(error)
        this.#inTurn(() => (this.#shared !== undefined ? this.#leaveOpen(batch, failure) : this.#lose(batch, failure)))
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

  #takeFirst(): OpenBatch {
    const batch = this.#batches.takeFirst()
    this.#told.left()
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
    if (failure?.isBroken === true)
      return this.#shared !== undefined ? this.#failAll(batch, failure) : this.#lose(batch, failure)
    if (failure !== undefined) this.#told.notWritten(batch, failure)
    else this.#keepWritten(batch, result)
    for (const [index, onAnswer] of batch.onAnswer.entries()) onAnswer(result.answers[index] ?? noAnswer)
    this.#release(batch, failure)
    this.#setFailure(failureIn(result))
  }

  #keepWritten(batch: OpenBatch, result: BatchResult): void {
    this.#told.written(batch, result)
    if (result.reserved !== undefined) this.#numbers.reserved(batch, result.reserved, this.#engine)
  }

  #release(batch: OpenBatch, failure: StoreFailure | undefined): void {
    this.#engine?.durable?.answersEnded()
    for (const onKept of batch.onKept) onKept(failure)
    this.#numbers.released(batch)
    this.#told.released(batch)
  }

  // When the store fails

  /** It has lost its connection between two batches, or its lease. A batch that it has is answered first, however that ends. */
  break(failure: StoreFailure): void {
    if (this.#isBroken) return
    if (this.#batches.committing !== undefined) {
      this.#brokenBy = failure
      return
    }
    this.#isBroken = true
    this.#setFailure(failure)
  }

  #breakAfter(): void {
    const failure = this.#brokenBy
    this.#brokenBy = undefined
    if (failure !== undefined) this.break(failure)
  }

  /** The store is gone, and will say whether it has kept it. */
  #leaveOpen(batch: OpenBatch, failure: StoreFailure): void {
    this.#batches.unresolved = batch
    this.#brokenBy = undefined
    this.#isBroken = true
    this.#setFailure(failure)
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
    this.#told.notWritten(batch, failure)
    for (const onAnswer of batch.onAnswer) onAnswer({ kind: 'failed', failure })
    this.#release(batch, failure)
    this.#isBroken = true
    this.#setFailure(failure)
  }

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
      if (this.#isOpening) return
      if (this.#isBroken) this.#underWay = this.#openAnew()
      else if (this.#failure !== undefined) this.#writeSomething()
    })
  }

  /** To see whether it works again. What changes nothing would not be written. */
  #writeSomething(): void {
    this.#numbers.reserveOne(this.#batches.open)
    this.#turn?.begin()
  }

  async #openAnew(): Promise<void> {
    const shared = this.#shared
    this.#isOpening = true
    const state = await (shared?.open() ?? this.#tryToOpen()).catch(toFailure)
    this.#isOpening = false
    if (this.#engine === undefined) return
    if ('isBroken' in state) return this.#setFailure(state)
    this.#isBroken = false
    this.#inTurn(() => {
      if (shared === undefined) return this.#told.opened(state)
      this.#numbers.opened(state.firstNumber)
      shared.takeUp(state, this.#engine, this.#failure)
    })
    // A batch may have been lost at once.
    if (!this.#isBroken) this.#setFailure(undefined)
  }

  async #tryToOpen(): Promise<StoreState> {
    const { store, clock } = this.#context
    await store.open(clock.wallNow() * 1000)
    const batch = new OpenBatch()
    this.#told.sayFirst(batch)
    batch.cancel.push(...this.#lostCancels)
    const { failure } = await store.commit(batch.written(clock.wallNow()))
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
}
