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
import { Committer, type CommitterContext } from './committer.ts'
import type { Connection } from './connection.ts'
import type { Connections } from './connections.ts'
import { failureNote } from './failure-note.ts'
import { HeldReplies } from './held-replies.ts'
import { addTo, askAgainMs, Outcomes } from './outcomes.ts'
import { BatchQueue } from './store/batch-queue.ts'
import type { StoreTrouble } from './store/news.ts'
import type { OnCancelled, OnChanged, OnKept, OpenBatch } from './store/open-batch.ts'
import type {
  StoreAnswer,
  StoredChange,
  StoredDocument,
  StoredExpired,
  StoredFailureNote,
  StoredSummary,
  StoreFailure,
  StoreRequest,
} from './store/store.ts'
import { Sweeper } from './sweeper.ts'
import type { Turn } from './turn.ts'

/** With more in the open batch, those who feed it are not read from until it is handed to the store. */
const batchBytesMax = 16 * 1024 * 1024
const promisesMax = 20_000
/** Expired jobs that are asked for at a time. */
const expiredMax = 1000
/** No date comes after this one. */
const never = Number.MAX_SAFE_INTEGER

export interface JournalContext extends CommitterContext {
  readonly connections: Connections
}

/** What has become of jobs of a list. */
export interface ListedEnds {
  readonly ended: number
  /** The store will list these again: what becomes of them is on its way there, or somebody has claimed them. */
  readonly left: number
  /** Why some have not ended. */
  readonly failure: StoreFailure | undefined
}

/**
 * Between the engine and the store: what the engine wants to be remembered is collected in the open batch; at the end
 * of a turn it is committed, unless one is on its way. One commit at a time: all that comes meanwhile is the next
 * batch. When its result is here, the engine learns it, and the replies that it held back leave.
 *
 * When the store fails, what was to be added is refused, what has ended is told again, and foreground jobs go on.
 */
export class Journal implements Changes {
  readonly #context: JournalContext
  readonly #replies: HeldReplies
  readonly #batches = new BatchQueue()
  readonly #outcomes: Outcomes
  readonly #committer: Committer
  #engine: Engine | undefined
  #turn: Turn | undefined
  /** Questions that are not answered, and the batches that they ride in. */
  readonly #asking = new Map<Addition, OpenBatch>()
  readonly #sweeper: Sweeper
  /** This server does what one server does for all that use the store. */
  #isLeader: boolean
  /** What is said at this moment is of that. */
  #isLeading = false
  /** Jobs on disk have expired, which is the leader's to see to. */
  #areExpiredLeft = false
  readonly #waitingForRoom = new Map<Connection, () => void>()

  constructor(context: JournalContext) {
    this.#context = context
    this.#isLeader = !this.isShared
    this.#replies = new HeldReplies(context.connections, context.handles)
    this.#outcomes = new Outcomes({
      handles: context.handles,
      wallTime: context.wallTime,
      batches: this.#batches,
      replies: this.#replies,
      onLeft: () => this.#letReadOn(),
      onSweepDue: (at) => this.#sweeper.due(at),
    })
    this.#committer = new Committer(context, this.#batches, this.#outcomes)
    const { clock, wallTime } = context
    this.#sweeper = new Sweeper({
      clock,
      wallTime,
      isShared: this.isShared,
      sweep: (now, onSwept) => this.change({ kind: 'sweep', now }, (_outcome, failure) => onSwept(failure)),
    })
  }

  /** Before anything else. Gives what is kept besides jobs. Rejects with a StoreError. */
  async open(engine: Engine, turn: Turn): Promise<readonly StoredDocument[]> {
    this.#engine = engine
    this.#turn = turn
    this.#outcomes.serve(engine)
    return (await this.#committer.open(engine, turn)).documents
  }

  /** Commits what is there, and ends. A store that does not take it in time is given up, and closed when it goes on. */
  async close(patienceMs: number): Promise<void> {
    if (this.#engine === undefined) return
    await this.#committer.finish(patienceMs)
    this.#sweeper.stop()
    this.#engine = undefined
    this.#outcomes.serve(undefined)
    await this.#committer.close(patienceMs)
  }

  // With a store that others use as well

  get isShared(): boolean {
    return this.#context.store.cluster !== undefined
  }

  /** From now on this server does, or does not, what one server does for all that use the store. */
  lead(isLeader: boolean): void {
    this.#isLeader = isLeader
    this.#sweeper.lead(isLeader)
    if (!isLeader || !this.#areExpiredLeft) return
    this.#areExpiredLeft = false
    this.#engine?.durable?.expireEnded(this.#engine.now)
  }

  /** What is said meanwhile is for all that use the store: it is not said again when another server does that. */
  asLeader<Result>(act: () => Result): Result {
    this.#isLeading = true
    try {
      return act()
    } finally {
      this.#isLeading = false
    }
  }

  /** The store has lost its connection, and is opened anew. */
  break(code: string, message: string): void {
    this.#committer.break({ code, message, isBroken: true })
  }

  /** Why durable jobs can't be kept at the moment: what the server itself goes by. */
  get failure(): StoreFailure | undefined {
    return this.#committer.failure
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

  /**
   * What was told of the store's failing, until that it works again was told too: for those who watch the server. A disk
   * that is full takes a small write each second, and `failure` comes and goes.
   */
  get trouble(): StoreTrouble | undefined {
    return this.#committer.trouble
  }

  /** Since when; the date. */
  get failingSince(): number {
    return this.#committer.failingSince
  }

  /** There is a job with this number in the store. */
  heardOf(number: number): void {
    this.#committer.heardOf(number)
  }

  // What the engine says

  add(addition: Addition, submission: Submission): void {
    addTo(this.#batches.open, addition, submission, this.#context)
    if (this.#isLeading && addition.isOwn) this.#batches.open.leading.add(addition)
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
        const isJoined = this.#engine?.durable?.joined(addition, number) !== false
        if (isJoined) this.#replies.renumber(batch, addition, number)
      }
    })
  }

  forget(number: number): void {
    this.#batches.thatForgets(number).forget.push(this.#context.handles.total(number))
  }

  release(number: number): void {
    const { handles } = this.#context
    this.#batches.open.change({ kind: 'release', numbers: Float64Array.of(handles.total(number)) })
  }

  promote(now: number): void {
    this.#batches.open.promoteUntil = now + this.#context.wallTime.offsetMs
  }

  expire(now: number): void {
    // Unanswered, the engine does not ask again.
    if (!this.#isLeader) this.#areExpiredLeft = true
    else this.#listExpired(now + this.#context.wallTime.offsetMs, undefined)
  }

  retry(job: Job, runAt: number, failure: Failure): void {
    const { handles, connections, wallTime } = this.#context
    this.#batches.thatForgets(job.number).change({
      kind: 'retry',
      number: handles.total(job.number),
      runAt: wallTime.dateOf(runAt),
      attempts: job.retries,
      failure: failureNote(job, failure, connections, wallTime),
    })
    if (runAt > 0 && this.#committer.isOpening) this.#outcomes.putOffSince(job)
  }

  bury(job: Job, reason: DeathReason, failure: Failure | undefined): void {
    const { connections, wallTime } = this.#context
    const note = failure && failureNote(job, failure, connections, wallTime)
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
      if (answer.kind === 'claim') this.#outcomes.claimed(name, priority, answer.jobs)
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

  #letReadOn(): void {
    for (const [, goOn] of this.#waitingForRoom) goOn()
    this.#waitingForRoom.clear()
  }

  /** The answer to a question; undefined if the store can't say. It comes within a turn. */
  lookUp(request: StoreRequest, onAnswer: (answer: StoreAnswer) => void): void {
    this.#batches.open.request(request, onAnswer)
    this.#turn?.begin()
  }

  /** Ends a job that only the store knows. */
  cancel(total: number, onCancelled: OnCancelled): void {
    // A batch cancels before it keeps what has ended.
    if (this.#batches.isForgotten(total)) return onCancelled(undefined, undefined)
    this.#cancel(this.#batches.open, total, onCancelled)
  }

  /**
   * A job of the store that was here was cancelled: called when nobody will begin it any more, or why that is not known.
   * Where others use the store as well, one of them may have taken it, and this server not know that yet.
   */
  whenCancelled(number: number, onKept: OnKept): void {
    if (this.#context.store.cluster === undefined) return this.whenForgotten(number, onKept)
    const total = this.#context.handles.total(number)
    this.#cancel(this.#batches.thatForgets(number), total, (_job, failure) => onKept(failure))
  }

  #cancel(batch: OpenBatch, total: number, onCancelled: OnCancelled): void {
    batch.cancel.push(total)
    batch.onCancelled.push((job, failure) => {
      const { cluster } = this.#context.store
      if (job?.claimedBy === undefined || cluster === undefined) return onCancelled(job, failure)
      // Nobody is told that a job is cancelled that another server may yet begin.
      void cluster.whenDropped(job.number).then(() => {
        this.#turn?.begin()
        onCancelled(job, failure)
      })
    })
    this.#turn?.begin()
  }

  /** Ends jobs of a list that the store has just given, none of which the engine has. */
  async endListed(jobs: readonly StoredSummary[]): Promise<ListedEnds> {
    const { handles, wallTime } = this.#context
    const { gone, changing, isPromoting } = this.#batches.underWay
    const asked: Promise<'ended' | 'left' | StoreFailure>[] = []
    let [ended, left]: [number, number] = [0, 0]
    for (const job of jobs) {
      const { number: total, runAt, claimedBy } = job
      // Another server may have begun it, and sees to it itself.
      if (gone.has(total) || claimedBy !== undefined) continue
      if (changing.has(total) || (isPromoting && runAt > 0 && runAt <= wallTime.now)) left++
      else if (this.isShared) asked.push(this.#discard(job))
      else {
        this.#countEnded(job)
        this.forget(handles.numberOf(total))
        ended++
      }
    }
    const fates = await Promise.all(asked)
    ended += fates.filter((fate) => fate === 'ended').length
    left += fates.filter((fate) => fate === 'left').length
    return { ended, left, failure: fates.find((fate) => typeof fate === 'object') }
  }

  /** Another server may claim it in between: then it is left. */
  #discard(job: StoredSummary): Promise<'ended' | 'left' | StoreFailure> {
    return new Promise((resolve) => {
      this.change({ kind: 'discard', number: job.number }, (outcome, failure) => {
        if (outcome === 'done') this.#countEnded(job)
        resolve(failure ?? (outcome === 'done' ? 'ended' : 'left'))
      })
    })
  }

  #countEnded({ number, function: name, priority, runAt }: StoredSummary): void {
    this.#engine?.durable?.cancelled(this.#context.handles.numberOf(number), name, priority, runAt > 0)
  }

  /** Changes something that the engine has no part in. What comes of it is told, or why nothing does. */
  change(change: StoredChange, onChanged: OnChanged): void {
    this.#batches.open.change(change, onChanged)
    this.#turn?.begin()
  }

  /** Has been decided, and is said until it is kept. */
  insist(change: StoredChange): void {
    this.#batches.open.change(change)
    if (this.#isLeading) this.#batches.open.leading.add(change)
    this.#turn?.begin()
  }

  /** It has ended, though the store may have said otherwise; see Outcomes. */
  hasEnded(total: number): boolean {
    return this.#outcomes.hasEnded(total)
  }

  /** The same for a job that waits for its next attempt, and that the store took for one that is ready. */
  isPutOff(total: number): boolean {
    return this.#outcomes.isPutOff(total)
  }

  /** Delayed jobs become ready at this moment: where they stand is known later. */
  get isPromoting(): boolean {
    return this.#batches.isPromoting
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
    this.#outcomes.whenJoined(number, onJoined)
  }

  /** Called when all that was said so far is kept, or could not be. */
  whenKept(onKept: OnKept): void {
    this.#batches.open.onKept.push(onKept)
    this.#turn?.begin()
  }

  // Batches

  /** The end of a turn. */
  commit(): void {
    this.#committer.commit()
  }

  /** The one that it rides in. */
  #batchOf(addition: Addition): OpenBatch {
    return this.#asking.get(addition) ?? this.#batches.with(addition)
  }

  // What goes with the time

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
      if (answer.kind !== 'list expired') return durable?.expireEnded((this.#engine?.now ?? 0) + askAgainMs)
      for (const job of answer.jobs) this.#expire(job)
      if (answer.jobs.length === expiredMax) this.#listExpired(until, answer.jobs.at(-1))
      else durable?.expireEnded(answer.nextExpiryAt - this.#context.wallTime.offsetMs)
    })
  }

  #expire({ number: total, function: name, priority, runAt, options, claimedBy }: StoredExpired): void {
    // One that was begun after the store was asked waits for its next attempt.
    if (this.#batches.isForgotten(total) || this.#batches.isPutOff(total)) return
    // Whoever has it sees to it.
    if (claimedBy !== undefined) return
    const number = this.#context.handles.numberOf(total)
    const policy = this.#engine?.durable?.expired(number, name, priority, runAt > 0, options)
    if (policy === undefined) return
    if (policy.deadMax === 0) this.forget(number)
    else this.#bury(number, policy, 'expired', 0, undefined)
  }
}

const noBytes = new Uint8Array(0)
