import { Addition, type AdditionKind, type Changes } from './changes.ts'
import { Deadlines } from './deadlines.ts'
import type { JobFunction, QueueLimits } from './function.ts'
import { type DropOutcome, FunctionTable } from './function-table.ts'
import { Job, noBytes, type Priority, priorities, type Submission } from './job.ts'
import { JobTable } from './job-table.ts'
import { List } from './list.ts'
import type { GrabForm, Outbox, Refusal } from './outbox.ts'
import { Ability, Session, Waiter } from './session.ts'
import { Waking, type WakingOptions } from './waking.ts'
import { Window, type WindowOptions } from './window.ts'

export interface EngineOptions extends WakingOptions, WindowOptions {
  /** How often a job may be given to a worker before it fails because workers lose it. Infinity: as often as it takes. */
  readonly attemptsMax: number
  /** At the limit, a new function takes the place of the oldest one without jobs, workers and queue limits. */
  readonly functionsMax: number
  /** Of those that live in memory, like the next two. What goes to the store is bounded by queue limits alone. */
  readonly jobsPerFunctionMax: number
  readonly jobsMax: number
  /** Of all jobs together. */
  readonly workloadBytesMax: number
  /** Foreground jobs that a session may wait for at a time. */
  readonly waitsPerSessionMax: number
  /** Every session gets WORK_EXCEPTION as such. */
  readonly exceptions: boolean
  /** The number of the first job. */
  readonly firstNumber: number
}

export const engineDefaults: EngineOptions = {
  attemptsMax: Number.POSITIVE_INFINITY,
  wakeCount: 1,
  wakeTimeoutMs: 1000,
  windowJobs: 4096,
  windowBytes: 64 * 1024 * 1024,
  functionsMax: 10_000,
  jobsPerFunctionMax: 10_000_000,
  jobsMax: Number.POSITIVE_INFINITY,
  workloadBytesMax: Number.POSITIVE_INFINITY,
  waitsPerSessionMax: Number.POSITIVE_INFINITY,
  exceptions: false,
  firstNumber: 1,
}

/** How many jobs of a function the store has. */
export interface StockedFunction {
  readonly name: string
  /** By priority. */
  readonly ready: readonly [number, number, number]
  readonly delayed: number
}

/** A store that could not give jobs out is asked again after so long. */
const claimRetryMs = 1000

/** So many of those due are done in one go; `nextDeadline` then stays in the past until all are. */
const duePerAdvance = 1000

/**
 * The rules of a Gearman job server, without the server: commands change the state and put events in the outbox.
 * Nothing here reads a clock, waits or draws a random number: the same commands at the same times give the same
 * events. `advance` sets the time; call it before the commands of a moment and again at `nextDeadline` at the latest.
 */
export class Engine {
  readonly #options: EngineOptions
  readonly #outbox: Outbox
  readonly #functions: FunctionTable
  readonly #sessions = new Map<number, Session>()
  readonly #jobs = new JobTable()
  /** Delayed jobs by the time to run, running ones by the time they have to be done. */
  readonly #deadlines = new Deadlines<Job>()
  readonly #waking: Waking
  /** Undefined: no job is kept. */
  readonly #changes: Changes | undefined
  readonly #window: Window | undefined
  /** When the next delayed job of the store is due. */
  #storeDueAt = Number.POSITIVE_INFINITY
  /** The store was told to make them ready and has not answered. */
  #isPromoting = false
  #nextClaimAt = Number.POSITIVE_INFINITY
  /** Jobs that were here when the store was opened anew: it may give them out once more, also when they have ended. */
  readonly #reclaimable = new Set<number>()
  /** Sessions whose grab has found nothing yet. */
  readonly #grabbing = new List<Session>()
  #nextNumber: number
  #workloadBytes = 0
  #now = 0
  #isDraining = false

  /** With `changes`, background jobs are durable: none is given out or acknowledged before the store has it. */
  constructor(outbox: Outbox, options: Partial<EngineOptions> = {}, changes?: Changes) {
    this.#options = { ...engineDefaults, ...options }
    this.#outbox = outbox
    this.#changes = changes
    this.#window = changes && new Window(changes, this.#options)
    this.#functions = new FunctionTable(this.#options.functionsMax)
    this.#waking = new Waking(outbox, this.#options)
    this.#nextNumber = this.#options.firstNumber
  }

  // What can be seen

  get now(): number {
    return this.#now
  }

  /** Those in memory. */
  get jobCount(): number {
    return this.#jobs.size
  }

  /** Those in the store alone. */
  get backlogSize(): number {
    let size = 0
    for (const { backlog } of this.#functions) size += backlog.size
    return size
  }

  /** Background jobs are kept in a store. */
  get isDurable(): boolean {
    return this.#changes !== undefined
  }

  /** Workloads in memory of jobs that are in the store. */
  get storedBytes(): number {
    return this.#window?.bytes ?? 0
  }

  /** When the store, which could not say what jobs there are, is asked again; Infinity if it has said. */
  get nextClaimAt(): number {
    return this.#nextClaimAt
  }

  /** The number of the next job. */
  get nextNumber(): number {
    return this.#nextNumber
  }

  get isDraining(): boolean {
    return this.#isDraining
  }

  /** In the order they were first named. */
  functions(): IterableIterator<JobFunction> {
    return this.#functions[Symbol.iterator]()
  }

  sessions(): IterableIterator<Session> {
    return this.#sessions.values()
  }

  /** In the order they came. */
  jobs(): Iterable<Job> {
    return this.#jobs
  }

  deadlines(): Iterable<Job> {
    return this.#deadlines
  }

  woken(): Iterable<Session> {
    return this.#waking.woken
  }

  grabbing(): Iterable<Session> {
    return this.#grabbing
  }

  findFunction(name: string): JobFunction | undefined {
    return this.#functions.find(name)
  }

  findJob(number: number): Job | undefined {
    return this.#jobs.get(number)
  }

  /** The live job with this unique, of the function that was named first where several have one. */
  findJobByUnique(unique: string): Job | undefined {
    return this.#functions.findJobByUnique(unique)
  }

  /** When `advance` must be called at the latest; Infinity if nothing is to come by itself. */
  get nextDeadline(): number {
    const inMemory = Math.min(this.#deadlines.soonestAt, this.#waking.deadline)
    if (this.#isDraining) return inMemory
    return Math.min(inMemory, this.#nextClaimAt, this.#isPromoting ? Number.POSITIVE_INFINITY : this.#storeDueAt)
  }

  // Time

  /** Sets the time and does what was due by then. A time before the last one counts as the last one. */
  advance(now: number): void {
    if (now > this.#now) this.#now = now
    if (this.nextDeadline > this.#now) return
    for (let i = 0; i < duePerAdvance; i++) {
      const job = this.#deadlines.takeDue(this.#now)
      if (job === undefined) break
      if (job.state === 'delayed') {
        job.function.delayedCount--
        this.#makeReady(job)
      } else this.#lose(job)
    }
    this.#waking.expire(this.#now)
    this.#promote()
    this.#claimAgain()
  }

  /**
   * The end of a turn: grabs that have found nothing by now get NO_JOB. Until then a job that comes goes to them at
   * once, and not by way of NO_JOB, PRE_SLEEP, NOOP and another grab.
   */
  settle(): void {
    for (const session of this.#grabbing) if (!session.isHeld) this.settleGrab(session)
  }

  /** The same for one session, before its next command. One that is held should say none. */
  settleGrab(session: Session): void {
    if (session.list !== this.#grabbing) return
    this.#leaveGrabbing(session)
    this.#outbox.noJob(session.id)
  }

  /** From now on no job is given out and none is taken; what is running may finish. */
  drain(): void {
    this.#isDraining = true
    this.#waking.isStopped = true
    if (this.#window !== undefined) this.#window.isStopped = true
    for (const session of this.#grabbing) session.isHeld = false
  }

  // Sessions

  connect(id: number): Session {
    const session = new Session(id, this.#options.exceptions)
    this.#sessions.set(id, session)
    return session
  }

  /**
   * The session is gone: its running jobs go to other workers, its foreground jobs that nobody else waits for and no
   * worker has yet are dropped. It gets no events any more.
   */
  disconnect(session: Session): void {
    if (!session.isOpen) return
    session.isOpen = false
    this.#sessions.delete(session.id)
    this.#leaveGrabbing(session)
    // Each job once: a session may wait very many times for the same one.
    for (const job of new Set(Array.from(session.waiting, (waiter) => waiter.job))) {
      job.removeWaitersOf(session)
      if (job.state === 'pending') continue
      if (job.state === 'stored' ? job.waiters.length === 0 : job.isAbandoned && job.state !== 'running') this.#end(job)
    }
    this.resetAbilities(session)
  }

  // What clients say

  /** JOB_CREATED, also when a live job of the same function and unique is joined; or refused. */
  submit(session: Session, submission: Submission): void {
    if (this.#isDraining) return this.#outbox.refused(session.id, 'SHUTTING_DOWN')
    if (!submission.background && session.waiting.length >= this.#options.waitsPerSessionMax) {
      return this.#outbox.refused(session.id, 'TOO_MANY_WAITS')
    }
    const jobFunction = this.#functions.named(submission.function)
    if (jobFunction === undefined) return this.#outbox.refused(session.id, 'TOO_MANY_FUNCTIONS')
    const existing = jobFunction.find(submission.unique, submission.workload)
    if (existing !== undefined && !isRefusable(existing, submission)) {
      return this.#join(session, existing, submission.background)
    }
    const isDurable = submission.background && this.#changes !== undefined
    if (this.#isFull(jobFunction, submission, isDurable)) return this.#refuse(session, jobFunction, submission)
    if (isDurable) return this.#store(session, jobFunction, submission)

    const job = this.#newJob(this.#nextNumber++, jobFunction, submission)
    if (!submission.background) this.#wait(session, job)
    if (this.#mayBeStored(jobFunction, submission)) return this.#ask('asked', session, job, submission)
    this.#outbox.jobCreated(session.id, job, submission.background)
    if (submission.runAt > this.#now) this.#delay(job, submission.runAt)
    else this.#makeReady(job)
  }

  // What workers say

  /** Registers an ability, or the new timeout of one. */
  canDo(session: Session, functionName: string, timeoutMs = 0): void {
    this.settleGrab(session)
    const jobFunction = this.#functions.named(functionName)
    if (jobFunction === undefined) return this.#outbox.refused(session.id, 'TOO_MANY_FUNCTIONS')
    const known = session.ability(jobFunction)
    if (known !== undefined) {
      known.timeoutMs = timeoutMs
      return
    }
    const ability = new Ability(session, jobFunction, timeoutMs)
    session.addAbility(ability)
    jobFunction.workerCount++
    this.#waking.add(ability, this.#now)
    this.#window?.refillAll(jobFunction)
  }

  /** Takes an ability back. Jobs of that function that the session has go to other workers. */
  cantDo(session: Session, functionName: string): void {
    this.settleGrab(session)
    const jobFunction = this.#functions.find(functionName)
    const ability = jobFunction && session.ability(jobFunction)
    if (ability === undefined) return
    this.#waking.remove(ability)
    session.removeAbility(ability)
    ability.function.workerCount--
    this.#loseJobsOf(session, ability.function)
    this.#waking.wakeForRest(ability.function, this.#now)
  }

  resetAbilities(session: Session): void {
    this.settleGrab(session)
    const removed = [...session.abilities]
    for (const ability of removed) {
      this.#waking.remove(ability)
      ability.function.workerCount--
    }
    session.clearAbilities()
    for (const job of session.running) this.#lose(job)
    this.#waking.leaveWoken(session)
    // What it was woken for is another's now.
    for (const ability of removed) this.#waking.wakeForRest(ability.function, this.#now)
  }

  /**
   * The next job of the session's functions: highest priority first, among equals the functions take turns. If there
   * is none, one that comes before the turn's end.
   */
  grab(session: Session, form: GrabForm): void {
    this.settleGrab(session)
    const wasWoken = this.#waking.awaken(session)
    session.grabForm = form
    const ability = this.#isDraining ? undefined : session.chooseAbility()
    const job = ability?.function.firstReady()
    if (ability !== undefined && job !== undefined) this.#assign(job, ability)
    else {
      this.#grabbing.push(session)
      session.isHeld = !this.#isDraining && session.isServedByStore
      for (const ability of session.abilities) ability.function.grabbers.push(ability)
    }
    if (wasWoken) this.#waking.wakeInPlaceOf(session, this.#now)
  }

  /** NOOP at once if there is a job to be had, else when there is one. */
  preSleep(session: Session): void {
    this.settleGrab(session)
    this.#waking.sleep(session, this.#now)
  }

  workData(session: Session, number: number, data: Uint8Array): void {
    const job = this.#owned(session, number, 'JOB_NOT_FOUND')
    if (job === undefined) return
    for (const { session: waiting } of job.waiters) this.#outbox.workData(waiting.id, job, data)
  }

  workWarning(session: Session, number: number, data: Uint8Array): void {
    const job = this.#owned(session, number, 'JOB_NOT_FOUND')
    if (job === undefined) return
    for (const { session: waiting } of job.waiters) this.#outbox.workWarning(waiting.id, job, data)
  }

  workStatus(session: Session, number: number, numerator: string, denominator: string): void {
    const job = this.#owned(session, number, 'RESULT_JOB_NOT_FOUND')
    if (job === undefined) return
    job.numerator = readCount(numerator)
    job.denominator = readCount(denominator)
    for (const { session: waiting } of job.waiters) this.#outbox.workStatus(waiting.id, job, numerator, denominator)
  }

  workComplete(session: Session, number: number, result: Uint8Array): void {
    const job = this.#owned(session, number, 'RESULT_JOB_NOT_FOUND', true)
    if (job === undefined) return
    for (const { session: waiting } of job.waiters) this.#outbox.workComplete(waiting.id, job, result)
    this.#end(job)
  }

  workFail(session: Session, number: number): void {
    const job = this.#owned(session, number, 'RESULT_JOB_NOT_FOUND', true)
    if (job !== undefined) this.#fail(job)
  }

  /** Ends the job. Waiters that did not ask for exceptions see a failure. */
  workException(session: Session, number: number, exception: Uint8Array): void {
    const job = this.#owned(session, number, 'EXCEPTION_JOB_NOT_FOUND', true)
    if (job === undefined) return
    for (const { session: waiting } of job.waiters) {
      if (waiting.exceptions) this.#outbox.workException(waiting.id, job, exception)
      else this.#outbox.workFail(waiting.id, job)
    }
    this.#end(job)
  }

  // What administrators say

  /**
   * Ends a job, also one that is running: its waiters see it fail, its worker is not told. False: no such job here;
   * the store may have it (see `cancelled`).
   */
  cancel(number: number): boolean {
    const job = this.#jobs.get(number)
    if (job === undefined || job.state === 'pending' || job.state === 'stored') return false
    job.owner?.revoke(number)
    this.#fail(job)
    return true
  }

  /** False: too many functions. */
  createFunction(name: string): boolean {
    return this.#functions.named(name) !== undefined
  }

  /** Only a function without jobs and workers can be dropped. */
  dropFunction(name: string): DropOutcome {
    return this.#functions.drop(name)
  }

  /** False: the function did not exist, and there are too many to add one. */
  limitQueue(functionName: string, limits: QueueLimits): boolean {
    const jobFunction = this.#functions.named(functionName)
    if (jobFunction !== undefined) jobFunction.queueLimits = limits
    return jobFunction !== undefined
  }

  // What goes to the store

  #store(session: Session, jobFunction: JobFunction, submission: Submission): void {
    const { priority, runAt } = submission
    const { backlog } = jobFunction
    if (runAt > this.#now) {
      backlog.delayed++
      backlog.addingDelayed++
      this.#storeDueAt = Math.min(this.#storeDueAt, runAt)
      this.#add(session, 'delayed', jobFunction, submission)
    } else if (this.#window?.hasRoom(jobFunction, priority) === true) {
      this.#add(session, 'claimed', jobFunction, submission, this.#newPending(jobFunction, submission))
    } else {
      backlog.ready[priority]++
      backlog.adding[priority]++
      this.#add(session, 'queued', jobFunction, submission)
      this.#window?.refill(jobFunction, priority)
    }
  }

  #newPending(jobFunction: JobFunction, submission: Submission): Job {
    const job = this.#newJob(this.#nextNumber, jobFunction, submission)
    this.#makePending(job)
    return job
  }

  #add(session: Session, kind: AdditionKind, jobFunction: JobFunction, submission: Submission, job?: Job): void {
    const addition = new Addition(kind, this.#nextNumber++, jobFunction, submission.priority, job)
    if (job !== undefined) job.addition = addition
    this.#changes?.add(addition, submission)
    this.#outbox.jobPromised(session.id, addition)
  }

  /** A foreground job that is to outlive its waiters from now on. */
  #storeLive(session: Session, job: Job): void {
    const addition = new Addition('live', job.number, job.function, job.priority, job)
    job.background = true
    job.addition = addition
    this.#changes?.add(addition, { ...job.submission, runAt: 0 })
    this.#outbox.jobPromised(session.id, addition)
  }

  /** The store may have a job that this submission would join, and nobody here knows. */
  #mayBeStored(jobFunction: JobFunction, { unique, workload }: Submission): boolean {
    if (jobFunction.backlog.size === 0 || unique === '') return false
    return unique !== '-' || workload.length > 0
  }

  #ask(kind: AdditionKind, session: Session, job: Job, submission: Submission): void {
    this.#makePending(job)
    job.question = new Addition(kind, job.number, job.function, job.priority, job)
    this.#changes?.ask(job.question, submission)
    this.#outbox.jobPromised(session.id, job.question)
  }

  /** The queue is full. Joining a job is possible all the same. */
  #refuse(session: Session, jobFunction: JobFunction, submission: Submission): void {
    if (this.#changes === undefined || !this.#mayBeStored(jobFunction, submission)) {
      return this.#outbox.refused(session.id, 'QUEUE_FULL')
    }
    const number = this.#nextNumber++
    if (!submission.background) {
      const job = this.#newJob(number, jobFunction, submission)
      this.#wait(session, job)
      return this.#ask('joining', session, job, submission)
    }
    const addition = new Addition('joining', number, jobFunction, submission.priority)
    this.#changes.ask(addition, submission)
    this.#outbox.jobPromised(session.id, addition)
  }

  #makePending(job: Job): void {
    job.state = 'pending'
    job.function.pendingCount++
  }

  #promote(): void {
    if (this.#storeDueAt > this.#now || this.#isPromoting || this.#isDraining) return
    this.#isPromoting = true
    this.#storeDueAt = Number.POSITIVE_INFINITY
    this.#changes?.promote(this.#now)
  }

  #claimAgain(): void {
    if (this.#nextClaimAt > this.#now) return
    this.#nextClaimAt = Number.POSITIVE_INFINITY
    for (const jobFunction of this.#functions) this.#window?.refillAll(jobFunction)
  }

  // What the store says

  /** What is in the store; also when it has been opened anew, and what was asked of it before is void. */
  restock(functions: Iterable<StockedFunction>, nextDueAt: number): void {
    for (const { backlog } of this.#functions) backlog.reset()
    for (const { name, ready, delayed } of functions) {
      const { backlog } = this.#functions.adopt(name)
      for (const priority of Object.values(priorities)) backlog.ready[priority] += ready[priority]
      backlog.delayed += delayed
    }
    this.#reclaimable.clear()
    for (const job of this.#jobs) {
      if (!job.isStored || job.state === 'stored') continue
      job.function.backlog.take(job.priority)
      this.#reclaimable.add(job.number)
    }
    this.#isPromoting = false
    this.#storeDueAt = Math.min(this.#storeDueAt, nextDueAt)
    for (const jobFunction of this.#functions) {
      this.#window?.refillAll(jobFunction)
      this.#releaseGrabbers(jobFunction)
    }
  }

  /** The store has it. */
  added({ kind, function: jobFunction, priority, job }: Addition): void {
    const { backlog } = jobFunction
    if (kind === 'delayed') backlog.addingDelayed--
    if (kind === 'queued') {
      backlog.adding[priority]--
      this.#window?.refill(jobFunction, priority)
    }
    if (job === undefined) return
    job.addition = undefined
    // The store has been told that.
    if (job.state === 'ended') return
    this.#setStored(job)
    if (job.state === 'pending' && job.question === undefined) this.#unpend(job)
  }

  /** The store has had another job that it joins: what was promised has this number. */
  joined(addition: Addition, number: number): void {
    const { kind, job } = addition
    if (number === addition.number) return isQuestion(kind) ? this.absent(addition) : this.added(addition)
    if (kind === 'queued' || kind === 'delayed') this.#uncount(addition)
    else if (job === undefined) return
    else if (isQuestion(kind)) this.#answer(job, number)
    else this.#giveUp(job, number)
  }

  /** The store has none that a submission would join. What was promised to one that was only `joining` is refused. */
  absent({ kind, job }: Addition): void {
    if (job === undefined || job.state !== 'pending') return
    if (kind === 'joining') return this.#dissolve(job, undefined)
    if (!job.isAbandoned) return this.#unpend(job)
    this.#end(job)
    this.#letSucceed(job)
  }

  /** The store could not keep it: what was promised is refused. */
  notAdded(addition: Addition): void {
    const { kind, job } = addition
    if (kind === 'queued' || kind === 'delayed') this.#uncount(addition)
    else if (job !== undefined) this.#giveUp(job, undefined)
  }

  /** A job that was asked for, in the order of the line. */
  claimed(functionName: string, number: number, submission: Submission): void {
    const jobFunction = this.#functions.adopt(functionName)
    const known = this.#jobs.get(number)
    // A store that was opened anew gives out what is here already, and what it had kept and could not say so.
    const isHere = known !== undefined && known.state !== 'stored'
    if (this.#reclaimable.delete(number) && !isHere) return
    if (isHere && known.isStored) return
    jobFunction.backlog.take(submission.priority)
    if (isHere) {
      known.background = true
      return this.#setStored(known)
    }
    const twin = jobFunction.find(submission.unique, submission.workload)
    if (known !== undefined) this.#remove(known)
    const job = this.#newJob(number, jobFunction, submission)
    if (known !== undefined) job.adoptWaiters(known)
    this.#setStored(job)
    if (twin?.state === 'pending') this.#precede(job, twin)
    // Given out when all are here that were asked for: the next one may be of a higher priority.
    else this.#line(job)
  }

  /** So many jobs have come of those that were asked for; undefined: the store could not say. */
  claimEnded(functionName: string, priority: Priority, count: number | undefined): void {
    const jobFunction = this.#functions.adopt(functionName)
    const { backlog } = jobFunction
    backlog.isClaiming[priority] = false
    if (count === 0) backlog.ready[priority] = backlog.adding[priority]
    if (count === undefined) this.#nextClaimAt = Math.min(this.#nextClaimAt, this.#now + claimRetryMs)
    else this.#window?.refill(jobFunction, priority)
    this.#releaseGrabbers(jobFunction)
    for (let i = 0; i < Math.min(count ?? 0, jobFunction.readyCount); i++) {
      this.#waking.wakeForJob(jobFunction, this.#now)
    }
  }

  /** So many delayed jobs of the function are ready now. */
  promoted(functionName: string, priority: Priority, count: number): void {
    const jobFunction = this.#functions.adopt(functionName)
    jobFunction.backlog.delayed -= count
    jobFunction.backlog.ready[priority] += count
    this.#window?.refill(jobFunction, priority)
  }

  /** All that were due are promoted, or as many as the store does at a time; or it could not, and is to be told again. */
  promoteEnded(nextDueAt: number): void {
    this.#isPromoting = false
    this.#storeDueAt = Math.min(this.#storeDueAt, nextDueAt)
  }

  /** A job was cancelled in the store. */
  cancelled(number: number, functionName: string, priority: Priority, isDelayed: boolean): void {
    const job = this.#jobs.get(number)
    if (job === undefined || job.state === 'stored') {
      const { backlog } = this.#functions.adopt(functionName)
      if (isDelayed) backlog.delayed--
      else backlog.take(priority)
    }
    if (job === undefined) return
    this.#setTransient(job)
    job.owner?.revoke(number)
    this.#fail(job)
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
    this.#remove(job)
    if (number !== undefined) this.#handOver(job, number)
    for (const waiter of job.waiters) waiter.session.waiting.remove(waiter)
    this.#letSucceed(job)
  }

  #handOver(job: Job, number: number): void {
    if (job.waiters.length === 0) return
    const other = this.#jobs.get(number) ?? this.#newStub(number, job)
    other.adoptWaiters(job)
  }

  #letSucceed({ successor }: Job): void {
    if (successor?.state === 'pending') this.#unpend(successor)
  }

  /** A job that is on disk, for those who wait for it. */
  #newStub(number: number, { function: jobFunction, submission }: Job): Job {
    const stub = this.#newJob(number, jobFunction, { ...submission, workload: noBytes, background: true })
    stub.state = 'stored'
    stub.isStored = true
    return stub
  }

  #uncount({ kind, function: { backlog }, priority }: Addition): void {
    if (kind === 'delayed') {
      backlog.delayed--
      backlog.addingDelayed--
    } else {
      backlog.take(priority)
      backlog.adding[priority]--
    }
  }

  #unpend(job: Job): void {
    job.function.pendingCount--
    job.question = undefined
    if (job.isHidden) this.#show(job)
    this.#makeReady(job)
    this.#letSucceed(job)
  }

  #setStored(job: Job): void {
    if (job.isStored) return
    job.isStored = true
    if (this.#window !== undefined) this.#window.bytes += job.workloadLength
  }

  #setTransient(job: Job): void {
    if (!job.isStored) return
    job.isStored = false
    if (this.#window !== undefined) this.#window.bytes -= job.workloadLength
  }

  /** A live job did not come into the store: it is there for its waiters alone, as before. */
  #makeTransient(job: Job): void {
    job.addition = undefined
    if (job.state === 'ended' || job.isStored) return
    job.background = false
    if (job.isAbandoned && job.state !== 'running' && job.state !== 'pending') this.#end(job)
  }

  #releaseGrabbers(jobFunction: JobFunction): void {
    for (const { session } of jobFunction.grabbers) {
      const ability = this.#isDraining ? undefined : session.chooseAbility()
      const job = ability?.function.firstReady()
      if (ability === undefined || job === undefined) session.isHeld = !this.#isDraining && session.isServedByStore
      else {
        this.#leaveGrabbing(session)
        this.#assign(job, ability)
      }
    }
  }

  // From state to state

  #isFull(jobFunction: JobFunction, { priority, workload }: Submission, isDurable: boolean): boolean {
    const { jobsMax, jobsPerFunctionMax, workloadBytesMax } = this.#options
    const { jobCount } = jobFunction
    if (isDurable) return jobCount >= jobFunction.queueLimit(priority)
    return (
      jobCount >= jobFunction.queueLimit(priority) ||
      jobCount - jobFunction.backlog.size >= jobsPerFunctionMax ||
      this.#jobs.size >= jobsMax ||
      this.#workloadBytes + workload.length > workloadBytesMax
    )
  }

  #join(session: Session, job: Job, background: boolean): void {
    if (!background) this.#wait(session, job)
    else if (this.#changes === undefined || job.isStored || job.addition !== undefined) job.background = true
    else return this.#storeLive(session, job)
    // A live one that is on its way into the store is there for who waits for it, and not yet for who does not.
    const promise = background ? job.addition : job.state === 'pending' ? (job.question ?? job.addition) : undefined
    if (promise !== undefined && !job.isStored) this.#outbox.jobPromised(session.id, promise)
    else this.#outbox.jobCreated(session.id, job, background)
  }

  #newJob(number: number, jobFunction: JobFunction, submission: Submission): Job {
    const job = new Job(number, jobFunction, submission)
    this.#workloadBytes += job.workloadLength
    this.#jobs.add(job)
    jobFunction.remember(job)
    return job
  }

  #wait(session: Session, job: Job): void {
    const waiter = new Waiter(session, job)
    session.waiting.push(waiter)
    job.addWaiter(waiter)
  }

  #delay(job: Job, runAt: number): void {
    job.state = 'delayed'
    job.function.delayedCount++
    this.#deadlines.add(job, runAt)
  }

  #line(job: Job): void {
    job.state = 'ready'
    job.function.ready[job.priority].push(job)
    job.function.readyCount++
  }

  /** To the end of its priority's line, which is empty if somebody is there to take the job at once. */
  #makeReady(job: Job): void {
    const { function: jobFunction } = job
    this.#line(job)
    const grabber = jobFunction.grabbers.first
    if (grabber === undefined) this.#waking.wakeForJob(jobFunction, this.#now)
    else if (!this.#isDraining) {
      this.#leaveGrabbing(grabber.session)
      this.#assign(job, grabber)
    }
  }

  #assign(job: Job, ability: Ability): void {
    const { session } = ability
    session.takeTurn(ability)
    job.list?.remove(job)
    job.function.readyCount--
    job.function.runningCount++
    job.state = 'running'
    job.owner = session
    session.restore(job.number)
    session.running.push(job)
    if (ability.timeoutMs > 0) this.#deadlines.add(job, this.#now + ability.timeoutMs)
    this.#outbox.jobAssigned(session.id, job, session.grabForm)
    if (job.function.backlog.ready[job.priority] > 0) this.#window?.refill(job.function, job.priority)
  }

  #stopRunning(job: Job): void {
    job.list?.remove(job)
    job.function.runningCount--
    job.owner = undefined
    if (job.index >= 0) this.#deadlines.remove(job)
  }

  /** Its worker will not finish it: gone, too late, or no longer willing. Another one gets it, if it may have one. */
  #lose(job: Job): void {
    job.owner?.revoke(job.number)
    if (job.isAbandoned) return this.#end(job)
    job.retries++
    if (job.retries >= this.#options.attemptsMax) return this.#fail(job)
    this.#stopRunning(job)
    job.numerator = 0
    job.denominator = 0
    this.#makeReady(job)
  }

  #loseJobsOf(session: Session, jobFunction: JobFunction): void {
    for (const job of session.running) if (job.function === jobFunction) this.#lose(job)
  }

  #fail(job: Job): void {
    for (const { session } of job.waiters) this.#outbox.workFail(session.id, job)
    this.#end(job)
  }

  #end(job: Job): void {
    if (job.state === 'running') this.#stopRunning(job)
    else if (job.state === 'ready') {
      job.list?.remove(job)
      job.function.readyCount--
      this.#window?.refill(job.function, job.priority)
    } else if (job.state === 'delayed') {
      this.#deadlines.remove(job)
      job.function.delayedCount--
    } else if (job.state === 'pending') job.function.pendingCount--
    if ((job.isStored && job.state !== 'stored') || job.addition !== undefined) {
      this.#setTransient(job)
      this.#changes?.forget(job.number)
    }
    for (const waiter of job.waiters) waiter.session.waiting.remove(waiter)
    this.#remove(job)
  }

  #remove(job: Job): void {
    job.state = 'ended'
    job.function.forget(job)
    this.#jobs.delete(job)
    this.#workloadBytes -= job.workloadLength
    job.releaseWorkload()
  }

  /** The running job of that number if this session has it; else refused, unless it was taken from the session. */
  #owned(session: Session, number: number, refusal: Refusal, isLast = false): Job | undefined {
    const job = this.#jobs.get(number)
    if (job !== undefined && job.owner === session) return job
    if (!session.isRevoked(number, isLast)) this.#outbox.refused(session.id, refusal)
    return undefined
  }

  #leaveGrabbing(session: Session): void {
    if (session.list !== this.#grabbing) return
    session.isHeld = false
    this.#grabbing.remove(session)
    for (const ability of session.abilities) ability.list?.remove(ability)
  }
}

/** The job may yet be refused, and what outlives its waiters must not be joined to it. */
function isRefusable({ question }: Job, { background }: Submission): boolean {
  return background && question?.kind === 'joining'
}

function isQuestion(kind: AdditionKind): boolean {
  return kind === 'asked' || kind === 'joining'
}

/** As C reads a 32-bit count: leading digits, else 0. */
function readCount(text: string): number {
  const value = Number.parseInt(text, 10)
  return Number.isNaN(value) ? 0 : value >>> 0
}
