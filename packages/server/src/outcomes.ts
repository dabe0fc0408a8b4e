import type { Addition, Engine, Job, Priority, Submission } from '@geartrain/engine'
import type { BatchTold } from './committer.ts'
import type { Handles } from './handles.ts'
import type { HeldReplies } from './held-replies.ts'
import type { BatchQueue } from './store/batch-queue.ts'
import type { OpenBatch } from './store/open-batch.ts'
import { RecordReader } from './store/records.ts'
import type { BatchResult, StoreFailure, StoreState } from './store/store.ts'
import type { WallTime } from './wall-time.ts'

/** A store that could not say is asked again after so long. */
export const askAgainMs = 1000

interface OutcomesContext {
  readonly handles: Handles
  readonly wallTime: WallTime
  readonly batches: BatchQueue
  readonly replies: HeldReplies
  /** A batch leaves: the next one has room. */
  readonly onLeft: () => void
  /** The store has to be swept at that date. */
  readonly onSweepDue: (at: number) => void
}

/** What has become of a batch is told to the engine, and what was promised comes true or does not. */
export class Outcomes implements BatchTold {
  readonly #context: OutcomesContext
  readonly #batches: BatchQueue
  readonly #replies: HeldReplies
  #engine: Engine | undefined
  /** The batch whose changes are being told of. */
  #applying: OpenBatch | undefined
  /** What has been put off since the store that is opened anew was told what to do: it counts it as ready. */
  #putOffSince: Job[] = []
  /** For the server's own submissions. */
  readonly #onJoined = new Map<number, (number: number) => void>()

  constructor(context: OutcomesContext) {
    this.#context = context
    this.#batches = context.batches
    this.#replies = context.replies
  }

  /** Undefined: nobody is told any more. */
  serve(engine: Engine | undefined): void {
    this.#engine = engine
  }

  left(): void {
    this.#context.onLeft()
  }

  released(batch: OpenBatch): void {
    this.#replies.release(batch)
  }

  written(batch: OpenBatch, result: BatchResult): void {
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
        const isJoined = durable?.joined(addition, number) !== false
        if (number !== addition.number && isJoined) {
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
    if (nextSweepAt !== undefined) this.#context.onSweepDue(nextSweepAt)
    if (batch.promoteUntil !== undefined) {
      durable?.promoteEnded((nextDueAt ?? Number.POSITIVE_INFINITY) - wallTime.offsetMs)
    }
  }

  /** None of the writes was done, and the store goes on. */
  notWritten(batch: OpenBatch, failure: StoreFailure, isLeaseOver = false): void {
    const durable = this.#engine?.durable
    // They have ended all the same.
    for (const total of batch.forget) this.#batches.first.forget.push(total)
    this.#sayAgain(batch, failure, isLeaseOver)
    for (const onCancelled of batch.onCancelled) onCancelled(undefined, failure)
    for (const addition of batch.additions) {
      const own = batch.own.get(addition)
      const isLeading = batch.leading.has(addition)
      if (own === undefined || (isLeading && isLeaseOver)) {
        this.#onJoined.delete(addition.number)
        durable?.notAdded(addition)
        continue
      }
      // Where its schedule, or the end of the job before it, is said again as well.
      addTo(this.#batches.first, addition, own, this.#context)
      if (isLeading) this.#batches.first.leading.add(addition)
    }
    this.#replies.refuseAll(batch, this.#batches.all, failure)
    if (batch.promoteUntil !== undefined) durable?.promoteEnded((this.#engine?.now ?? 0) + askAgainMs)
  }

  /** What has happened in the engine goes before all that has happened since. */
  #sayAgain(batch: OpenBatch, failure: StoreFailure, isLeaseOver: boolean): void {
    const { first } = this.#batches
    const later = first.takeChanges()
    for (const [change, onChanged] of batch.takeChanges()) {
      const isLeading = batch.leading.has(change)
      if (onChanged !== undefined) onChanged(undefined, failure)
      else if (!isLeading || !isLeaseOver) {
        first.change(change)
        if (isLeading) first.leading.add(change)
      }
    }
    for (const [change, onChanged] of later) first.change(change, onChanged)
  }

  /** Jobs that the store has given, in the order of their line. */
  claimed(name: string, priority: Priority, jobs: Uint8Array): void {
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

  /** It has ended, though the store may have said otherwise: it was not yet told, or only in the batch that it has just kept. */
  hasEnded(total: number): boolean {
    return this.#applying?.gone.has(total) === true || this.#batches.isForgotten(total)
  }

  /** The same for a job that waits for its next attempt, and that the store took for one that is ready. */
  isPutOff(total: number): boolean {
    return this.#applying?.putOff.has(total) === true || this.#batches.isPutOff(total)
  }

  /** Called if the store has a job that this one of the server's own turns out to have joined. */
  whenJoined(number: number, onJoined: (number: number) => void): void {
    this.#onJoined.set(number, onJoined)
  }

  // A store that is opened anew

  /** What has ended must not be counted, nor claimed. */
  sayFirst(batch: OpenBatch): void {
    const { forget, changes, onChanged, own } = this.#batches.first
    batch.forget.push(...forget)
    for (const [index, change] of changes.entries()) if (onChanged[index] === undefined) batch.change(change)
    for (const [addition, submission] of own) addTo(batch, addition, submission, this.#context)
    this.#putOffSince = []
  }

  /** A store that is being opened anew has been told what to do, and not this. */
  putOffSince(job: Job): void {
    this.#putOffSince.push(job)
  }

  held(): Set<number> {
    const { handles } = this.#context
    const held = new Set(this.#engine?.durable?.heldNumbers().map((number) => handles.total(number)))
    for (const { forget, gone, putOff } of this.#batches.all) {
      for (const totals of [forget, gone, putOff]) for (const total of totals) held.add(total)
    }
    return held
  }

  opened({ functions, nextDueAt, nextExpiryAt, nextSweepAt }: StoreState): void {
    const { offsetMs } = this.#context.wallTime
    this.#engine?.durable?.restock(
      functions,
      nextDueAt - offsetMs,
      nextExpiryAt - offsetMs,
      this.#putOffSince.splice(0),
    )
    this.#context.onSweepDue(nextSweepAt)
  }
}

/** The bytes are copied. */
export function addTo(
  batch: OpenBatch,
  addition: Addition,
  submission: Submission,
  { handles, wallTime }: { readonly handles: Handles; readonly wallTime: WallTime },
): void {
  const runAt = addition.kind === 'delayed' ? wallTime.dateOf(submission.runAt) : 0
  batch.add(addition, handles.total(addition.number), runAt, wallTime.dateOf(addition.expiresAt), submission)
}
