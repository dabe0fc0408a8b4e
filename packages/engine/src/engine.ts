import type { Changes, Keeper } from './changes.ts'
import { Durable } from './durable.ts'
import type { Flow } from './flow.ts'
import type { JobFunction, QueueLimits } from './function.ts'
import type { DropOutcome } from './function-table.ts'
import { type Job, noBytes, type Priority, type Submission } from './job.ts'
import { JobStates } from './job-states.ts'
import type { Observer } from './observer.ts'
import type { GrabForm, Outbox, Refusal } from './outbox.ts'
import { type Policy, plainPolicy } from './policy.ts'
import { Ability, noSession, Session } from './session.ts'
import type { WakingOptions } from './waking.ts'
import type { WindowOptions } from './window.ts'

export interface EngineOptions extends WakingOptions, WindowOptions {
  /** The same policy for the same name until `applyPolicies` is called. */
  readonly policyOf: (functionName: string, options: string) => Policy
  /**
   * How often a job may be given to a worker before it fails because workers lose it, where its policy does not say.
   * Infinity: as often as it takes.
   */
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

export interface ConnectOptions {
  /**
   * Another server asks for jobs through it, or jobs of another server come through it. It gets foreground jobs that no
   * worker here is about to take, and none that came through such a session; what it submits stays here in turn.
   */
  readonly isBridge?: boolean
}

export const engineDefaults: EngineOptions = {
  policyOf: () => plainPolicy,
  attemptsMax: Number.POSITIVE_INFINITY,
  wakeCount: 1,
  wakeTimeoutMs: 1000,
  windowJobs: 4096,
  windowBytes: 64 * 1024 * 1024,
  isShared: false,
  functionsMax: 10_000,
  jobsPerFunctionMax: 10_000_000,
  jobsMax: Number.POSITIVE_INFINITY,
  workloadBytesMax: Number.POSITIVE_INFINITY,
  waitsPerSessionMax: Number.POSITIVE_INFINITY,
  exceptions: false,
  firstNumber: 1,
}

/** So many of those due are done in one go; `nextDeadline` then stays in the past until all are. */
const duePerAdvance = 1000

/**
 * The rules of a Gearman job server, without the server: commands change the state and put events in the outbox.
 * Nothing here reads a clock, waits or draws a random number: the same commands at the same times give the same
 * events. `advance` sets the time; call it before the commands of a moment and again at `nextDeadline` at the latest.
 */
export class Engine {
  readonly #states: JobStates
  /** What the store's answers are told to; undefined if no job is kept. */
  readonly durable: Durable | undefined
  readonly #sessions = new Map<number, Session>()
  /** Submits what nobody has asked for; nobody gets its events. */
  readonly #own = new Session(noSession, false, false)

  /**
   * With `changes`, background jobs are durable: none is given out or acknowledged before the store has it. Without,
   * `keeper` is told what is to be remembered of them.
   */
  constructor(
    outbox: Outbox,
    options: Partial<EngineOptions> = {},
    changes?: Changes,
    keeper?: Keeper,
    observer?: Observer,
  ) {
    const states = new JobStates(outbox, { ...engineDefaults, ...options }, changes, keeper, observer)
    this.#states = states
    if (changes !== undefined && states.window !== undefined) this.durable = new Durable(states, changes, states.window)
  }

  // What can be seen

  get now(): number {
    return this.#states.now
  }

  /** Those in memory. */
  get jobCount(): number {
    return this.#states.jobs.size
  }

  /** Those in the store alone. */
  get backlogSize(): number {
    let size = 0
    for (const { backlog } of this.#states.functions) size += backlog.size
    return size
  }

  /** Workloads in memory of jobs that are in the store. */
  get storedBytes(): number {
    return this.#states.window?.bytes ?? 0
  }

  /** The number of the next job. */
  get nextNumber(): number {
    return this.#states.nextNumber
  }

  /** A number that no job has, nor will have. */
  takeNumber(): number {
    return this.#states.nextNumber++
  }

  /** The next job has this number; those between nobody will have. */
  skipTo(number: number): void {
    this.#states.nextNumber = Math.max(this.#states.nextNumber, number)
  }

  /** Nobody's submission gets this number or a higher one: it is refused. What is the engine's own goes on. */
  endNumbersAt(number: number): void {
    this.#states.numberEnd = number
  }

  /** Others use the store as well. */
  get isShared(): boolean {
    return this.#states.departures !== undefined
  }

  get isDraining(): boolean {
    return this.#states.isDraining
  }

  /** In the order they were first named. */
  functions(): IterableIterator<JobFunction> {
    return this.#states.functions[Symbol.iterator]()
  }

  sessions(): IterableIterator<Session> {
    return this.#sessions.values()
  }

  /** In the order they came. */
  jobs(): Iterable<Job> {
    return this.#states.jobs
  }

  /** By number, behind that one; see JobTable. */
  jobsFrom(after: number | undefined, isDescending: boolean): Iterable<Job> {
    return this.#states.jobs.from(after, isDescending)
  }

  deadlines(): Iterable<Job> {
    return this.#states.deadlines
  }

  /** Functions that wait for the next moment at which one of their jobs may be begun. */
  flows(): Iterable<Flow> {
    return this.#states.flows
  }

  woken(): Iterable<Session> {
    return this.#states.waking.woken
  }

  grabbing(): Iterable<Session> {
    return this.#states.grabbing
  }

  findFunction(name: string): JobFunction | undefined {
    return this.#states.functions.find(name)
  }

  findJob(number: number): Job | undefined {
    return this.#states.jobs.get(number)
  }

  /** The live job with this unique, of the function that was named first where several have one. */
  findJobByUnique(unique: string): Job | undefined {
    return this.#states.functions.findJobByUnique(unique)
  }

  /** When `advance` must be called at the latest; Infinity if nothing is to come by itself. */
  get nextDeadline(): number {
    const { deadlines, flows, waking } = this.#states
    const inMemory = Math.min(deadlines.soonestAt, flows.soonestAt, waking.deadline)
    if (this.#states.isDraining) return inMemory
    return Math.min(inMemory, this.durable?.nextDeadline ?? Number.POSITIVE_INFINITY)
  }

  // Time

  /** Sets the time and does what was due by then. A time before the last one counts as the last one. */
  advance(now: number): void {
    if (now > this.#states.now) this.#states.now = now
    if (this.nextDeadline > this.#states.now) return
    for (let i = 0; i < duePerAdvance; i++) {
      const job = this.#states.deadlines.takeDue(this.#states.now)
      if (job === undefined) break
      if (job.state === 'delayed') {
        job.function.delayedCount--
        this.#states.makeReady(job)
      } else if (job.state === 'ready') this.#states.expire(job)
      else this.#states.timeOut(job)
    }
    this.#states.serveDue()
    this.#states.waking.expire(this.#states.now)
    this.durable?.advance()
  }

  /** The machine's date was put on by so much, or back if below 0: what is to happen at a date comes sooner, or later. */
  moveDates(byMs: number): void {
    const { deadlines } = this.#states
    // Waits between attempts are no dates.
    const dated = Array.from(deadlines).filter(({ state, retries }) => state === 'delayed' && retries === 0)
    for (const job of dated) {
      deadlines.remove(job)
      deadlines.add(job, job.dueAt - byMs)
      job.readyAt = job.dueAt
      if (job.expiresAt > 0) job.expiresAt -= byMs
    }
    this.durable?.datesMoved()
  }

  /**
   * The end of a turn: grabs that have found nothing by now get NO_JOB. Until then a job that comes goes to them at
   * once, and not by way of NO_JOB, PRE_SLEEP, NOOP and another grab.
   */
  settle(): void {
    for (const session of this.#states.grabbing) if (!session.isHeld) this.settleGrab(session)
    this.#states.departures?.settle()
  }

  /** The same for one session, before its next command. One that is held should say none. */
  settleGrab(session: Session): void {
    if (session.list !== this.#states.grabbing) return
    this.#states.leaveGrabbing(session)
    this.#states.outbox.noJob(session.id)
  }

  /** From now on no job is given out and none is taken; what is running may finish. */
  drain(): void {
    this.#states.isDraining = true
    this.#states.waking.isStopped = true
    if (this.#states.window !== undefined) this.#states.window.isStopped = true
    for (const session of this.#states.grabbing) session.isHeld = false
    this.#states.departures?.releaseAll()
  }

  // Sessions

  connect(id: number, { isBridge = false }: ConnectOptions = {}): Session {
    const session = new Session(id, this.#states.options.exceptions, isBridge)
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
    this.#states.leaveGrabbing(session)
    // Each job once: a session may wait very many times for the same one.
    for (const job of new Set(Array.from(session.waiting, (waiter) => waiter.job))) {
      job.removeWaitersOf(session)
      if (job.state === 'pending') continue
      if (job.isStored && job.state === 'ready') this.#states.departures?.watch(job.function)
      if (job.state === 'stored' ? job.waiters.length === 0 : job.isAbandoned && job.state !== 'running')
        this.#states.abandon(job)
    }
    this.resetAbilities(session)
  }

  /** The same for a session whose peer has left before it could be told of its jobs: no attempt of theirs is counted. */
  withdraw(session: Session): void {
    if (!session.isOpen) return
    this.#states.leaveGrabbing(session)
    // They are for others.
    this.#states.waking.awaken(session)
    for (const job of session.running) this.#states.giveBack(job)
    this.disconnect(session)
  }

  /**
   * Another server will not do a job that it was given. `isLost`: its worker was lost, and the attempt counts; else
   * nobody there has begun it.
   */
  giveBack(session: Session, number: number, isLost: boolean): void {
    const job = this.#states.jobs.get(number)
    if (job === undefined || job.owner !== session) return
    if (isLost) this.#states.lose(job)
    else this.#states.giveBack(job)
  }

  // What clients say

  /** JOB_CREATED, also when a live job of the same function and unique is joined; or refused. */
  submit(session: Session, asked: Submission): void {
    if (this.#states.isDraining) return this.#states.outbox.refused(session.id, 'SHUTTING_DOWN')
    if (!asked.background && session.waiting.length >= this.#states.options.waitsPerSessionMax) {
      return this.#states.outbox.refused(session.id, 'TOO_MANY_WAITS')
    }
    const jobFunction = this.#states.functions.named(asked.function)
    if (jobFunction === undefined) return this.#states.outbox.refused(session.id, 'TOO_MANY_FUNCTIONS')
    const { policy } = jobFunction
    if (policy.draining) return this.#states.outbox.refused(session.id, 'FUNCTION_DRAINING')
    const submission = withPriority(asked, policy)
    const existing = jobFunction.find(submission.unique, submission.workload)
    if (existing !== undefined && !isRefusable(existing, submission) && !isWithOther(existing, session)) {
      return this.#join(session, existing, submission.background)
    }
    const durable = submission.background ? this.durable : undefined
    const recent = this.#recent(jobFunction, submission)
    if (recent !== undefined) {
      this.#states.observer?.joined(jobFunction)
      return this.#states.outbox.jobThrottled(session.id, recent)
    }
    if (this.#states.nextNumber >= this.#states.numberEnd) return this.#states.outbox.refused(session.id, 'QUEUE_FULL')
    if (this.#isFull(jobFunction, submission, durable !== undefined)) {
      if (this.durable?.mayBeStored(jobFunction, submission) === true)
        this.durable.refuse(session, jobFunction, submission)
      else this.#states.outbox.refused(session.id, 'QUEUE_FULL')
      return
    }
    if (durable !== undefined) return durable.store(session, jobFunction, submission)

    const job = this.#newJob(jobFunction, submission)
    job.isForwarded = session.isBridge
    if (!submission.background) this.#states.wait(session, job)
    if (this.durable?.mayBeStored(jobFunction, submission) === true)
      return this.durable.ask('asked', session, job, submission)
    this.#states.acknowledge(job)
    this.#states.outbox.jobCreated(session.id, job, submission.background)
    this.#begin(job, submission.runAt)
  }

  /**
   * A background submission of the server's own, which nothing refuses: an acknowledged job or schedule stands behind
   * it. Gives the number of the job; it may yet join one on disk.
   */
  submitOwn(asked: Submission): number {
    const jobFunction = this.#states.functions.adopt(asked.function)
    const submission = withPriority(asked, jobFunction.policy)
    const existing = jobFunction.find(submission.unique, submission.workload)
    if (existing !== undefined && !isRefusable(existing, submission)) {
      this.#join(this.#own, existing, true)
      return existing.number
    }
    const recent = this.#recent(jobFunction, submission)
    if (recent !== undefined) {
      this.#states.observer?.joined(jobFunction)
      return recent
    }
    const number = this.#states.nextNumber
    if (this.durable !== undefined) this.durable.store(this.#own, jobFunction, submission)
    else {
      const job = this.#newJob(jobFunction, submission)
      this.#states.acknowledge(job)
      this.#begin(job, submission.runAt)
    }
    return number
  }

  // What workers say

  /** Registers an ability, or the new timeout of one. */
  canDo(session: Session, functionName: string, timeoutMs = 0): void {
    this.settleGrab(session)
    const jobFunction = this.#states.functions.named(functionName)
    if (jobFunction === undefined) return this.#states.outbox.refused(session.id, 'TOO_MANY_FUNCTIONS')
    const known = session.ability(jobFunction)
    if (known !== undefined) {
      known.timeoutMs = timeoutMs
      return
    }
    const ability = new Ability(session, jobFunction, timeoutMs)
    session.addAbility(ability)
    this.#countWorker(ability, 1)
    this.#states.waking.add(ability, this.#states.now)
    if (!session.isBridge) this.#states.window?.refillAll(jobFunction)
  }

  #countWorker({ session, function: jobFunction }: Ability, by: 1 | -1): void {
    if (session.isBridge) {
      jobFunction.bridgeCount += by
      return
    }
    jobFunction.workerCount += by
    this.#states.observer?.workersChanged?.(jobFunction)
    if (by < 0) this.#states.departures?.watch(jobFunction)
  }

  /** Takes an ability back. Jobs of that function that the session has go to other workers, unless it is another server's. */
  cantDo(session: Session, functionName: string): void {
    this.settleGrab(session)
    const jobFunction = this.#states.functions.find(functionName)
    const ability = jobFunction && session.ability(jobFunction)
    if (ability === undefined) return
    this.#states.waking.remove(ability)
    session.removeAbility(ability)
    this.#countWorker(ability, -1)
    // Another server takes it back while nobody there is idle, and gives back what it will not do by itself.
    if (!session.isBridge) this.#states.loseJobsOf(session, ability.function)
    this.#states.waking.wakeForRest(ability.function, this.#states.now)
  }

  resetAbilities(session: Session): void {
    this.settleGrab(session)
    const removed = [...session.abilities]
    for (const ability of removed) {
      this.#states.waking.remove(ability)
      this.#countWorker(ability, -1)
    }
    session.clearAbilities()
    for (const job of session.running) this.#states.lose(job)
    this.#states.waking.leaveWoken(session)
    // What it was woken for is another's now.
    for (const ability of removed) this.#states.waking.wakeForRest(ability.function, this.#states.now)
  }

  /**
   * The next job of the session's functions: highest priority first, among equals the functions take turns. If there
   * is none, one that comes before the turn's end.
   */
  grab(session: Session, form: GrabForm): void {
    this.settleGrab(session)
    const wasWoken = this.#states.waking.awaken(session)
    session.grabForm = form
    if (!this.#states.giveNext(session)) {
      this.#states.grabbing.push(session)
      for (const ability of session.abilities) ability.grabbers.push(ability)
      this.#fetchFor(session)
      session.isHeld = !this.#states.isDraining && session.isServedByStore
    }
    if (wasWoken) this.#states.waking.wakeInPlaceOf(session, this.#states.now)
  }

  /** NOOP at once if there is a job to be had, else when there is one. */
  preSleep(session: Session): void {
    this.settleGrab(session)
    this.#states.waking.sleep(session, this.#states.now)
    this.#fetchFor(session)
  }

  /** A worker that is idle makes for more jobs to be here, where the store is used by others as well. */
  #fetchFor(session: Session): void {
    if (this.#states.departures === undefined || session.isBridge) return
    for (const { function: jobFunction } of session.abilities) this.#states.window?.refillAll(jobFunction)
  }

  workData(session: Session, number: number, data: Uint8Array): void {
    const job = this.#owned(session, number, 'JOB_NOT_FOUND')
    if (job === undefined) return
    for (const { session: waiting } of job.waiters) this.#states.outbox.workData(waiting.id, job, data)
    this.#states.observer?.sentData(job, data, false)
  }

  workWarning(session: Session, number: number, data: Uint8Array): void {
    const job = this.#owned(session, number, 'JOB_NOT_FOUND')
    if (job === undefined) return
    for (const { session: waiting } of job.waiters) this.#states.outbox.workWarning(waiting.id, job, data)
    this.#states.observer?.sentData(job, data, true)
  }

  workStatus(session: Session, number: number, numerator: string, denominator: string): void {
    const job = this.#owned(session, number, 'RESULT_JOB_NOT_FOUND')
    if (job === undefined) return
    job.numerator = readCount(numerator)
    job.denominator = readCount(denominator)
    for (const { session: waiting } of job.waiters)
      this.#states.outbox.workStatus(waiting.id, job, numerator, denominator)
    this.#states.observer?.progressed(job)
  }

  workComplete(session: Session, number: number, result: Uint8Array): void {
    const job = this.#owned(session, number, 'RESULT_JOB_NOT_FOUND', true)
    if (job === undefined) return
    // What has come from another server is sent on by that one. The result may be a view on bytes that belong to the job.
    const isSentOn = job.background || !job.isForwarded
    for (const next of new Set([job.then, job.function.policy.then])) {
      if (next !== '' && isSentOn) this.#sendOn(job, next, result)
    }
    this.#states.finish(job, 'complete', result)
  }

  workFail(session: Session, number: number): void {
    const job = this.#owned(session, number, 'RESULT_JOB_NOT_FOUND', true)
    if (job !== undefined) this.#states.fail(job, 'failed', noBytes)
  }

  /** A failure, and what is known of it. Waiters that did not ask for exceptions see a plain one. */
  workException(session: Session, number: number, exception: Uint8Array): void {
    const job = this.#owned(session, number, 'EXCEPTION_JOB_NOT_FOUND', true)
    if (job !== undefined) this.#states.fail(job, 'exception', exception)
  }

  /** The last word on the jobs that the session has is more than can be read. */
  failRunning(session: Session, error: Uint8Array): void {
    for (const job of session.running) this.#states.fail(job, 'exception', error)
  }

  // What administrators say

  /**
   * Ends a job, also one that is running: its waiters see it fail, its worker is told if it asked for it. False: no
   * such job here; the store may have it (see `cancelled`).
   */
  cancel(number: number): boolean {
    const job = this.#states.jobs.get(number)
    if (job === undefined || job.state === 'pending' || job.state === 'stored') return false
    this.#states.cancel(job)
    return true
  }

  /** A job that waits goes to the end of another line. False: no such job here, or it does not wait. */
  prioritize(number: number, priority: Priority): boolean {
    const job = this.#states.jobs.get(number)
    if (job === undefined || (job.state !== 'ready' && job.state !== 'delayed')) return false
    this.#states.prioritize(job, priority)
    return true
  }

  /** A delayed job need not wait for its time. False: no such job here; the store may have it (see `promoted`). */
  runNow(number: number): boolean {
    const job = this.#states.jobs.get(number)
    if (job?.state !== 'delayed') return false
    this.#states.hasten(job)
    return true
  }

  /** `policyOf` gives others from now on. */
  applyPolicies(): void {
    const { functions, options } = this.#states
    for (const jobFunction of functions) {
      jobFunction.forgetJobPolicies()
      const policy = options.policyOf(jobFunction.name, '')
      if (policy !== jobFunction.policy) this.#states.setPolicy(jobFunction, policy, this.#runningOf(jobFunction))
    }
  }

  /** False: too many functions. */
  createFunction(name: string): boolean {
    return this.#states.functions.named(name) !== undefined
  }

  /** Only a function without jobs and workers can be dropped. */
  dropFunction(name: string): DropOutcome {
    return this.#states.functions.drop(name)
  }

  /** False: the function did not exist, and there are too many to add one. */
  limitQueue(functionName: string, limits: QueueLimits): boolean {
    const jobFunction = this.#states.functions.named(functionName)
    if (jobFunction !== undefined) jobFunction.queueLimits = limits
    return jobFunction !== undefined
  }

  // From state to state

  #isFull(jobFunction: JobFunction, { priority, workload }: Submission, isDurable: boolean): boolean {
    const { jobsMax, jobsPerFunctionMax, workloadBytesMax } = this.#states.options
    const ownCount = jobFunction.jobCount
    const jobCount = ownCount + jobFunction.claimedElsewhere
    if (isDurable) return jobCount >= jobFunction.queueLimit(priority)
    return (
      jobCount >= jobFunction.queueLimit(priority) ||
      ownCount - jobFunction.backlog.size >= jobsPerFunctionMax ||
      this.#states.jobs.size >= jobsMax ||
      this.#states.workloadBytes + workload.length > workloadBytesMax
    )
  }

  #newJob(jobFunction: JobFunction, submission: Submission): Job {
    const expiresAt = this.#states.expiryOf(jobFunction, submission)
    return this.#states.newJob(this.#states.nextNumber++, jobFunction, submission, expiresAt)
  }

  #begin(job: Job, runAt: number): void {
    if (runAt > this.#states.now) this.#states.delay(job, runAt)
    else this.#states.makeReady(job)
  }

  /** The job that has ended not long ago and that a background submission joins. */
  #recent(jobFunction: JobFunction, { unique, background, options }: Submission): number | undefined {
    if (!background || unique === '' || jobFunction.policyOf(options).uniqueForMs === 0) return undefined
    return this.#states.keeper?.recent(jobFunction, unique)
  }

  #sendOn(job: Job, functionName: string, result: Uint8Array): void {
    const { priority } = job
    this.submitOwn({
      function: functionName,
      unique: '',
      workload: result,
      priority,
      background: true,
      runAt: 0,
      reducer: '',
      then: '',
      options: '',
      trace: job.trace,
    })
  }

  *#runningOf(jobFunction: JobFunction): Generator<Job, void> {
    for (const session of this.#sessions.values()) {
      for (const job of session.running) if (job.function === jobFunction) yield job
    }
  }

  #join(session: Session, job: Job, background: boolean): void {
    this.#states.observer?.joined(job.function)
    if (session.isBridge) job.isForwarded = true
    if (!background) this.#states.waitToo(session, job)
    else if (this.durable === undefined || job.isStored || job.addition !== undefined) job.background = true
    else return this.durable.storeLive(session, job)
    // A live one that is on its way into the store is there for who waits for it, and not yet for who does not.
    const promise = background ? job.addition : job.state === 'pending' ? (job.question ?? job.addition) : undefined
    if (promise !== undefined && !job.isStored) this.#states.outbox.jobPromised(session.id, promise)
    else this.#states.outbox.jobCreated(session.id, job, background)
  }

  /** The running job of that number if this session has it; else refused, unless it was taken from the session. */
  #owned(session: Session, number: number, refusal: Refusal, isLast = false): Job | undefined {
    const job = this.#states.jobs.get(number)
    if (job !== undefined && job.owner === session) return job
    if (!session.isRevoked(number, isLast)) this.#states.outbox.refused(session.id, refusal)
    return undefined
  }
}

/** The job may yet be refused, and what outlives its waiters must not be joined to it. */
function isRefusable({ question }: Job, { background }: Submission): boolean {
  return background && question?.kind === 'joining'
}

/**
 * What another server waits for here does not join what a server does for this one: each might be waiting for the
 * other.
 */
function isWithOther({ owner }: Job, session: Session): boolean {
  return session.isBridge && owner?.isBridge === true
}

function withPriority(asked: Submission, { priority }: Policy): Submission {
  if (priority === undefined || priority === asked.priority) return asked
  const { function: name, unique, workload, background, runAt, reducer, then, options, trace } = asked
  // One literal: an object made with a spread costs V8 several microseconds.
  return { function: name, unique, workload, priority, background, runAt, reducer, then, options, trace }
}

/** As C reads a 32-bit count: leading digits, else 0. */
function readCount(text: string): number {
  const value = Number.parseInt(text, 10)
  return Number.isNaN(value) ? 0 : value >>> 0
}
