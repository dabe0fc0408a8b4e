import { Addition, type AdditionKind, type Changes } from './changes.ts'
import { type Elsewhere, nothingElsewhere } from './elsewhere.ts'
import type { JobFunction } from './function.ts'
import { type Job, noBytes, type Priority, type Submission } from './job.ts'
import type { JobStates } from './job-states.ts'
import type { Policy } from './policy.ts'
import { noSession, type Session } from './session.ts'
import type { Window } from './window.ts'

/** How many jobs of a function the store has. */
export interface StockedFunction {
  readonly name: string
  /** By priority. */
  readonly ready: readonly [number, number, number]
  readonly delayed: number
}

/** A store that could not give jobs out is asked again after so long. */
const claimRetryMs = 1000

/**
 * The durable half of the rules: what goes to the store, and what its answers mean. A submission that waits for the
 * store is an Addition; its JOB_CREATED is a promise until the answer comes.
 */
export class Durable {
  readonly #states: JobStates
  readonly #changes: Changes
  readonly #window: Window
  /** When the next delayed job of the store is due. */
  #storeDueAt = Number.POSITIVE_INFINITY
  /** The store was told to make them ready and has not answered. */
  #isPromoting = false
  /** When the store, which could not say what jobs there are, is asked again; Infinity if it has said. */
  #nextClaimAt = Number.POSITIVE_INFINITY
  /** When the next job on disk is dead unless it has begun. */
  #storeExpiryAt = Number.POSITIVE_INFINITY
  /** The store was asked for them and has not answered. */
  #isExpiring = false
  /** There are such jobs whose time to run has come, too: they are asked for again when they are in line. */
  #areLateDelayed = false
  /**
   * Jobs that were here when the store was opened anew: it may give them out once more, also when they have ended. Of
   * one that has been put off since, what has fewer attempts behind it is of that time.
   */
  readonly #reclaimable = new Map<number, number>()
  /** How many jobs of which functions have come in this batch. */
  readonly #claimed: [JobFunction, number][] = []

  constructor(states: JobStates, changes: Changes, window: Window) {
    this.#states = states
    this.#changes = changes
    this.#window = window
    states.postponed = (job, runAt) => this.#postpone(job, runAt)
  }

  /** `letGo` was called, and the store has not been opened anew. */
  get isLapsed(): boolean {
    return this.#window.isLapsed
  }

  get nextClaimAt(): number {
    return this.#nextClaimAt
  }

  /** When the store is to be told or asked something at the latest. */
  get nextDeadline(): number {
    return Math.min(
      this.#nextClaimAt,
      this.#isPromoting ? Number.POSITIVE_INFINITY : this.#storeDueAt,
      this.#isExpiring ? Number.POSITIVE_INFINITY : this.#storeExpiryAt,
      this.#states.departures?.lookAt ?? Number.POSITIVE_INFINITY,
    )
  }

  /** Tells and asks the store what is due. */
  advance(): void {
    this.#promote()
    this.#expire()
    this.#claimAgain()
    this.#states.departures?.look()
  }

  /** The date was set: the store is asked what is due, and says when the next will be. */
  datesMoved(): void {
    const { now } = this.#states
    if (this.#storeDueAt < Number.POSITIVE_INFINITY) this.#storeDueAt = now
    if (this.#storeExpiryAt < Number.POSITIVE_INFINITY) this.#storeExpiryAt = now
  }

  // What goes to the store

  store(session: Session, jobFunction: JobFunction, submission: Submission): void {
    const { priority, runAt } = submission
    const { backlog } = jobFunction
    if (runAt > this.#states.now) {
      backlog.delayed++
      backlog.addingDelayed++
      this.#storeDueAt = Math.min(this.#storeDueAt, runAt)
      this.#add(session, 'delayed', jobFunction, submission)
    } else if (this.#window.hasRoom(jobFunction, priority) === true) {
      this.#add(session, 'claimed', jobFunction, submission, this.#newPending(jobFunction, submission))
    } else {
      backlog.ready[priority]++
      backlog.adding[priority]++
      this.#add(session, 'queued', jobFunction, submission)
      this.#window.refill(jobFunction, priority)
    }
  }

  /** A foreground job that is to outlive its waiters from now on. */
  storeLive(session: Session, job: Job): void {
    const addition = new Addition('live', job.number, job.function, job.priority, job, job.expiresAt, job.trace)
    job.background = true
    job.addition = addition
    this.#changes.add(addition, job.submission)
    this.#states.outbox.jobPromised(session.id, addition)
  }

  /** The store may have a job that this submission would join, and nobody here knows. */
  mayBeStored(jobFunction: JobFunction, { unique, workload, background }: Submission): boolean {
    if (unique === '' || jobFunction.backlog.size + jobFunction.claimedElsewhere === 0) return false
    // Another server may have it, and nobody here would hear of its result.
    if (!background && this.#states.departures !== undefined) return false
    return unique !== '-' || workload.length > 0
  }

  ask(kind: AdditionKind, session: Session, job: Job, submission: Submission): void {
    this.#makePending(job)
    job.question = new Addition(kind, job.number, job.function, job.priority, job, 0, job.trace)
    this.#changes.ask(job.question, submission)
    this.#states.outbox.jobPromised(session.id, job.question)
  }

  /** The queue is full. Joining a job is possible all the same. */
  refuse(session: Session, jobFunction: JobFunction, submission: Submission): void {
    if (this.#changes === undefined || !this.mayBeStored(jobFunction, submission)) {
      return this.#states.outbox.refused(session.id, 'QUEUE_FULL')
    }
    const number = this.#states.nextNumber++
    if (!submission.background) {
      const job = this.#states.newJob(number, jobFunction, submission)
      this.#states.wait(session, job)
      return this.ask('joining', session, job, submission)
    }
    const { priority, trace } = submission
    const addition = new Addition('joining', number, jobFunction, priority, undefined, 0, trace)
    this.#changes.ask(addition, submission)
    this.#states.outbox.jobPromised(session.id, addition)
  }

  #promote(): void {
    if (this.#storeDueAt > this.#states.now || this.#isPromoting || this.#states.isDraining) return
    this.#isPromoting = true
    this.#storeDueAt = Number.POSITIVE_INFINITY
    this.#changes.promote(this.#states.now)
  }

  #expire(): void {
    if (this.#storeExpiryAt > this.#states.now || this.#isExpiring || this.#states.isDraining) return
    this.#isExpiring = true
    this.#storeExpiryAt = Number.POSITIVE_INFINITY
    this.#changes.expire(this.#states.now)
  }

  #claimAgain(): void {
    if (this.#nextClaimAt > this.#states.now) return
    this.#nextClaimAt = Number.POSITIVE_INFINITY
    for (const jobFunction of this.#states.functions) this.#window.refillAll(jobFunction)
  }

  #newPending(jobFunction: JobFunction, submission: Submission): Job {
    const expiresAt = this.#states.expiryOf(jobFunction, submission)
    const job = this.#states.newJob(this.#states.nextNumber, jobFunction, submission, expiresAt)
    this.#makePending(job)
    return job
  }

  #add(session: Session, kind: AdditionKind, jobFunction: JobFunction, submission: Submission, job?: Job): void {
    const expiresAt = job?.expiresAt ?? this.#states.expiryOf(jobFunction, submission)
    const addition = new Addition(
      kind,
      this.#states.nextNumber++,
      jobFunction,
      submission.priority,
      job,
      expiresAt,
      submission.trace,
      session.id === noSession,
    )
    if (job !== undefined) job.addition = addition
    else if (expiresAt > 0) this.#storeExpiryAt = Math.min(this.#storeExpiryAt, expiresAt)
    this.#changes.add(addition, submission)
    this.#states.outbox.jobPromised(session.id, addition)
  }

  /** An attempt at it has ended, and until the next one it is on disk alone. */
  #postpone(job: Job, runAt: number): void {
    job.function.backlog.delayed++
    this.#storeDueAt = Math.min(this.#storeDueAt, runAt)
    if (this.#reclaimable.has(job.number)) this.#reclaimable.set(job.number, job.retries)
    this.#states.setTransient(job)
    this.#states.remove(job, 'stored')
    if (job.waiters.length > 0) this.#newStub(job.number, job).adoptWaiters(job)
  }

  #makePending(job: Job): void {
    job.state = 'pending'
    job.function.pendingCount++
  }

  // What the store says

  /**
   * What is in the store; also when it has been opened anew, and what was asked of it before is void. Those that were
   * `putOff` it counts as ready, and is yet to be told.
   */
  restock(
    functions: Iterable<StockedFunction>,
    nextDueAt: number,
    nextExpiryAt: number,
    putOff: readonly Job[] = [],
  ): void {
    for (const { backlog } of this.#states.functions) backlog.reset()
    this.#addToBacklogs(functions)
    this.#window.isLapsed = false
    this.#reclaimable.clear()
    for (const job of this.#states.jobs) {
      if (!job.isStored || job.state === 'stored') continue
      job.function.backlog.take(job.priority)
      // With a store that others use, what is here is not given out again.
      if (this.#states.departures === undefined) this.#reclaimable.set(job.number, Number.POSITIVE_INFINITY)
    }
    for (const { function: jobFunction, priority } of putOff) {
      jobFunction.backlog.take(priority)
      jobFunction.backlog.delayed++
    }
    this.#isPromoting = false
    this.#storeDueAt = Math.min(this.#storeDueAt, nextDueAt)
    this.#isExpiring = false
    this.#storeExpiryAt = Math.min(this.#storeExpiryAt, nextExpiryAt)
    for (const jobFunction of this.#states.functions) {
      this.#window.refillAll(jobFunction)
      this.#releaseGrabbers(jobFunction)
    }
  }

  /** The store has it. */
  added({ kind, number, function: jobFunction, priority, job, trace, hasMoved }: Addition): void {
    const { backlog } = jobFunction
    if (kind === 'delayed') backlog.addingDelayed--
    if (kind === 'queued') {
      backlog.adding[priority]--
      this.#window.refill(jobFunction, priority)
    }
    if (job === undefined) {
      this.#states.observer?.submitted(jobFunction, true, number, trace)
      return
    }
    job.addition = undefined
    // The store has been told that.
    if (job.hasEnded) return
    if (hasMoved) return this.#goOnHere(job)
    this.#states.setStored(job)
    if (job.state === 'ready') this.#states.departures?.watch(job.function)
    if (job.state === 'pending' && job.question === undefined) this.#unpend(job)
  }

  /**
   * The store has had another job that it joins: what was promised has this number. False: the job goes on under its own
   * number, for those who wait for it: the other one may be with another server.
   */
  joined(addition: Addition, number: number): boolean {
    const { kind, job, function: jobFunction } = addition
    if (number === addition.number) {
      if (isQuestion(kind)) this.absent(addition)
      else this.added(addition)
      return true
    }
    // Of a live job it has been told.
    if (kind !== 'live') this.#states.observer?.joined(jobFunction)
    if (kind === 'queued' || kind === 'delayed') this.#uncount(addition)
    else if (job === undefined) return true
    else if (isQuestion(kind)) this.#answer(job, number)
    else if (kind === 'claimed' && this.#isOutOfSight(job, number)) {
      this.#goOnHere(job)
      return false
    } else this.#giveUp(job, number)
    return true
  }

  /** Somebody waits here, and nobody would hear of the other one's result. */
  #isOutOfSight(job: Job, other: number): boolean {
    const { departures, jobs } = this.#states
    return departures !== undefined && job.waiters.length > 0 && jobs.get(other) === undefined
  }

  /** It is done for those who wait for it, and the store's is another's. */
  #goOnHere(job: Job): void {
    if (job.waiters.length === 0 && job.state === 'pending') return this.#dissolve(job, undefined)
    this.#makeTransient(job)
    if (job.state === 'pending' && job.question === undefined) this.#unpend(job)
  }

  /** The store has one that has ended not long ago, and that it joins. False: the job goes on for those who wait for it. */
  throttled(addition: Addition): boolean {
    const { kind, job, function: jobFunction } = addition
    if (kind === 'queued' || kind === 'delayed') this.#uncount(addition)
    if (job === undefined || (kind === 'claimed' && job.waiters.length === 0)) {
      this.#states.observer?.joined(jobFunction)
      if (job !== undefined) this.#giveUp(job, undefined)
      return true
    }
    this.#goOnHere(job)
    return job.hasEnded
  }

  /** The store has none that a submission would join. What was promised to one that was only `joining` is refused. */
  absent({ kind, job }: Addition): void {
    if (job === undefined || job.state !== 'pending') return
    if (kind === 'joining') return this.#dissolve(job, undefined)
    if (!job.isAbandoned) return this.#unpend(job)
    this.#states.end(job)
    this.#letSucceed(job)
  }

  /** The store could not keep it: what was promised is refused. */
  notAdded(addition: Addition): void {
    const { kind, job } = addition
    if (kind === 'queued' || kind === 'delayed') this.#uncount(addition)
    else if (job !== undefined) this.#giveUp(job, undefined)
  }

  /** A job that was asked for, in the order of the line. It could have been begun since `readyAt`. */
  claimed(
    functionName: string,
    number: number,
    submission: Submission,
    attempts: number,
    expiresAt: number,
    readyAt: number,
  ): void {
    const jobFunction = this.#states.functions.adopt(functionName)
    const known = this.#states.jobs.get(number)
    // A store that was opened anew gives out what is here already, and what it had kept and could not say so.
    const isHere = known !== undefined && known.state !== 'stored'
    const attemptsMin = this.#reclaimable.get(number) ?? 0
    this.#reclaimable.delete(number)
    if (!isHere && attempts < attemptsMin) return
    if (isHere && known.isStored) return this.#correctLine(known, submission.priority)
    jobFunction.backlog.take(submission.priority)
    if (isHere) {
      known.background = true
      if (known.state === 'ready') this.#states.departures?.watch(jobFunction)
      return this.#states.setStored(known)
    }
    const twin = jobFunction.find(submission.unique, submission.workload)
    if (known !== undefined) this.#states.remove(known)
    const job = this.#states.newJob(number, jobFunction, submission, expiresAt, readyAt)
    job.retries = attempts
    job.isObserved = true
    if (known !== undefined) job.adoptWaiters(known)
    this.#states.setStored(job)
    if (twin?.state === 'pending') this.#precede(job, twin)
    // Given out at the end of the answers: the next one may be of a higher priority.
    else this.#states.line(job)
  }

  /** So many jobs have come of those that were asked for; undefined: the store could not say. */
  claimEnded(functionName: string, priority: Priority, count: number | undefined): void {
    const jobFunction = this.#states.functions.adopt(functionName)
    const { backlog, pace } = jobFunction
    if (backlog.isClaiming[priority]) pace.claimTook(this.#states.now - backlog.askedAt[priority])
    backlog.claimEnded(priority, count === 0)
    if (count === undefined) this.#nextClaimAt = Math.min(this.#nextClaimAt, this.#states.now + claimRetryMs)
    else this.#window.left(jobFunction, priority)
    this.#claimed.push([jobFunction, count ?? 0])
  }

  /** All answers of a batch have been told: now that it is known which job is the next, they are given out. */
  answersEnded(): void {
    const { waking, now } = this.#states
    for (const [jobFunction, count] of this.#claimed.splice(0)) {
      this.#releaseGrabbers(jobFunction)
      for (let i = 0; i < Math.min(count, jobFunction.availableCount); i++) waking.wakeForJob(jobFunction, now)
      if (jobFunction.bridgeCount > 0) this.#states.serveBridges(jobFunction)
    }
  }

  /** So many delayed jobs of the function are ready now: their time has come, or they need not wait for it. */
  promoted(functionName: string, priority: Priority, count: number): void {
    const jobFunction = this.#states.functions.adopt(functionName)
    jobFunction.backlog.takeDelayed(count)
    jobFunction.backlog.ready[priority] += count
    this.#window.refill(jobFunction, priority)
  }

  /** All that were due are promoted, or as many as the store does at a time; or it could not, and is to be told again. */
  promoteEnded(nextDueAt: number): void {
    this.#isPromoting = false
    this.#storeDueAt = Math.min(this.#storeDueAt, nextDueAt)
    if (!this.#areLateDelayed || nextDueAt <= this.#states.now) return
    this.#areLateDelayed = false
    this.#storeExpiryAt = this.#states.now
  }

  /** So many jobs of the function, which were dead, are ready at the end of the line. */
  revived(functionName: string, priority: Priority, count: number): void {
    const jobFunction = this.#states.functions.adopt(functionName)
    jobFunction.backlog.ready[priority] += count
    this.#window.refill(jobFunction, priority)
  }

  /**
   * The store has moved a job to another line, which has come here meanwhile. One that runs already goes there for its
   * next attempt: engine and store must count it in the same line.
   */
  prioritizedHere(number: number, to: Priority): void {
    const job = this.#states.jobs.get(number)
    if (job !== undefined) this.#states.prioritize(job, to)
  }

  /** A job that is on disk alone stands in another line. */
  prioritized(functionName: string, from: Priority, to: Priority, isDelayed: boolean): void {
    if (isDelayed) return
    this.#states.functions.adopt(functionName).backlog.take(from)
    this.revived(functionName, to, 1)
  }

  /**
   * A job on disk, with these options, should have begun by now: it is dead. Gives the policy that says whether it is kept;
   * undefined: it is here, or comes into line first, and is seen to.
   */
  expired(
    number: number,
    functionName: string,
    priority: Priority,
    isDelayed: boolean,
    options: string,
  ): Policy | undefined {
    const job = this.#states.jobs.get(number)
    if (job !== undefined && job.state !== 'stored') return undefined
    if (isDelayed) {
      this.#areLateDelayed = true
      return undefined
    }
    const jobFunction = this.#states.functions.adopt(functionName)
    const policy = jobFunction.policyOf(options)
    jobFunction.backlog.take(priority)
    this.#states.observer?.endedOnDisk(jobFunction, number, 'expired', policy.deadMax > 0)
    if (job !== undefined) this.#failStub(job)
    return policy
  }

  /** A job on disk alone, which has ended, is one that others have joined: the store had not been told. They see it fail. */
  hasEnded(number: number): void {
    const job = this.#states.jobs.get(number)
    if (job?.state === 'stored') this.#failStub(job)
  }

  #failStub(job: Job): void {
    for (const { session } of job.waiters) this.#states.outbox.workFail(session.id, job)
    this.#states.setTransient(job)
    this.#states.end(job, 'dead')
  }

  /** All that had expired are dead; the next one will be at that time. */
  expireEnded(nextExpiryAt: number): void {
    this.#isExpiring = false
    this.#storeExpiryAt = Math.min(this.#storeExpiryAt, nextExpiryAt)
  }

  /** A job was cancelled in the store. */
  cancelled(number: number, functionName: string, priority: Priority, isDelayed: boolean): void {
    const job = this.#states.jobs.get(number)
    if (job === undefined || job.state === 'stored') {
      const jobFunction = this.#leaveBacklog(functionName, priority, isDelayed)
      this.#states.observer?.endedOnDisk(jobFunction, number, 'cancelled', false)
    }
    if (job === undefined) return
    this.#states.setTransient(job)
    this.#states.cancel(job)
  }

  #leaveBacklog(functionName: string, priority: Priority, isDelayed: boolean): JobFunction {
    const jobFunction = this.#states.functions.adopt(functionName)
    if (isDelayed) jobFunction.backlog.takeDelayed(1)
    else jobFunction.backlog.take(priority)
    return jobFunction
  }

  // What is said of a store that others use as well

  /** Others have put jobs into that line, or let them go. */
  readyElsewhere(functionName: string, priority: Priority): void {
    const jobFunction = this.#states.functions.adopt(functionName)
    jobFunction.backlog.hear(priority)
    this.#window.refill(jobFunction, priority)
  }

  /** What is in the store and claimed by nobody. Of a function that is not named there is nothing. */
  recount(functions: Iterable<StockedFunction>, nextDueAt: number, nextExpiryAt: number): void {
    for (const { backlog } of this.#states.functions) backlog.clear()
    this.#addToBacklogs(functions)
    this.#storeDueAt = Math.min(this.#storeDueAt, nextDueAt)
    this.#storeExpiryAt = Math.min(this.#storeExpiryAt, nextExpiryAt)
    for (const jobFunction of this.#states.functions) this.#window.refillAll(jobFunction)
  }

  #addToBacklogs(functions: Iterable<StockedFunction>): void {
    for (const { name, ready, delayed } of functions) this.#states.functions.adopt(name).backlog.add(ready, delayed)
  }

  /**
   * A job that is here is not this server's any more: somebody has ended it, or another server has it. Those who wait
   * for it see it fail, since nobody here will hear of its result. Of one whose addition has not been answered this is to
   * be said only if the answer, which is to follow, will be that the store has kept it: what was lost on its way has not
   * moved.
   */
  lost(number: number, how: 'cancelled' | 'moved'): void {
    const job = this.#states.jobs.get(number)
    if (job === undefined || (!job.isStored && job.addition === undefined)) return
    if (how === 'moved' && job.addition !== undefined) {
      job.addition.hasMoved = true
      return
    }
    this.#states.acknowledge(job)
    job.addition = undefined
    this.#states.setTransient(job)
    if (how === 'cancelled') this.#states.cancel(job)
    else this.#states.moveAway(job)
    this.#letSucceed(job)
  }

  /**
   * Others may have what this server has claimed: no job of the store is begun until `restock` is called. Those that
   * nobody has begun leave without a word to the store, and who waits for them sees them fail.
   */
  letGo(): void {
    this.#states.departures?.lapse()
  }

  /** All jobs of the store that are here, those on their way into it among them. */
  heldNumbers(): number[] {
    const numbers: number[] = []
    for (const job of this.#states.jobs) {
      if (job.isStored ? job.state !== 'stored' : job.addition !== undefined) numbers.push(job.number)
    }
    return numbers
  }

  /** What the other servers have of a function. */
  setElsewhere(functionName: string, elsewhere: Elsewhere): void {
    if (elsewhere === nothingElsewhere && this.#states.functions.find(functionName) === undefined) return
    const jobFunction = this.#states.functions.adopt(functionName)
    const [high, normal, low] = elsewhere.claimed
    jobFunction.elsewhere = elsewhere
    jobFunction.claimedElsewhere = high + normal + low
    this.#window.refillAll(jobFunction)
  }

  /** A job that is here was counted off its line. If it stands in another one on disk, because nobody heard that it was moved, another is missed. */
  #correctLine({ function: jobFunction, priority }: Job, onDisk: Priority): void {
    if (onDisk === priority) return
    jobFunction.backlog.take(onDisk)
    this.revived(jobFunction.name, priority, 1)
  }

  /** A submission is on its way to be told of this job, which others are to find at once. */
  #precede(job: Job, submitted: Job): void {
    this.#hide(submitted)
    submitted.successor = job
    this.#makePending(job)
  }

  #hide(job: Job): void {
    job.function.forget(job)
    job.isHidden = true
  }

  /** Unless the other one is still there. */
  #show(job: Job): void {
    job.isHidden = false
    if (job.function.find(job.unique, job.workload) === undefined) job.function.remember(job)
  }

  /** Those who wait for it wait for another job. If it is on its way into the store itself, it is for those who don't. */
  #answer(job: Job, number: number): void {
    if (job.addition === undefined) return this.#dissolve(job, number)
    job.question = undefined
    this.#hide(job)
    this.#handOver(job, number)
    this.#letSucceed(job)
  }

  /** The store has another one, or could not keep it. */
  #giveUp(job: Job, number: number | undefined): void {
    if (job.state === 'pending' && job.question === undefined) this.#dissolve(job, number)
    else this.#makeTransient(job)
  }

  /** Its waiters, if any, wait for the other job from now on; without another, for none. */
  #dissolve(job: Job, number: number | undefined): void {
    job.function.pendingCount--
    this.#states.remove(job)
    if (number !== undefined) this.#handOver(job, number)
    for (const waiter of job.waiters) waiter.session.waiting.remove(waiter)
    this.#letSucceed(job)
  }

  #handOver(job: Job, number: number): void {
    if (job.waiters.length === 0) return
    const other = this.#states.jobs.get(number) ?? this.#newStub(number, job)
    other.adoptWaiters(job)
  }

  #letSucceed({ successor }: Job): void {
    if (successor?.state === 'pending') this.#unpend(successor)
  }

  /** A job that is on disk, for those who wait for it. */
  #newStub(number: number, { function: jobFunction, submission }: Job): Job {
    const stub = this.#states.newJob(number, jobFunction, { ...submission, workload: noBytes, background: true })
    stub.state = 'stored'
    stub.isStored = true
    return stub
  }

  #uncount({ kind, function: { backlog }, priority }: Addition): void {
    if (kind === 'delayed') {
      backlog.delayed--
      backlog.addingDelayed--
    } else {
      backlog.adding[priority]--
      backlog.take(priority)
    }
  }

  #unpend(job: Job): void {
    job.function.pendingCount--
    job.question = undefined
    if (job.isHidden) this.#show(job)
    this.#states.acknowledge(job)
    this.#states.makeReady(job)
    this.#letSucceed(job)
  }

  /** A live job did not come into the store: it is there for its waiters alone, as before. */
  #makeTransient(job: Job): void {
    job.addition = undefined
    if (job.hasEnded || job.isStored) return
    job.background = false
    if (job.isAbandoned && job.state !== 'running' && job.state !== 'pending') this.#states.abandon(job)
    else if (job.state === 'ready' && job.function.bridgeCount > 0) this.#states.serveBridges(job.function)
  }

  #releaseGrabbers(jobFunction: JobFunction): void {
    for (const { session } of jobFunction.grabbers) {
      if (!this.#states.giveNext(session)) session.isHeld = !this.#states.isDraining && session.isServedByStore
    }
  }
}

function isQuestion(kind: AdditionKind): boolean {
  return kind === 'asked' || kind === 'joining'
}
