import { Deadlines } from './deadlines.ts'
import type { JobFunction, QueueLimits } from './function.ts'
import { type DropOutcome, FunctionTable } from './function-table.ts'
import { Job, type Submission } from './job.ts'
import { JobTable } from './job-table.ts'
import { List } from './list.ts'
import type { GrabForm, Outbox, Refusal } from './outbox.ts'
import { Ability, Session, Waiter } from './session.ts'
import { Waking, type WakingOptions } from './waking.ts'

export interface EngineOptions extends WakingOptions {
  /** How often a job may be given to a worker before it fails because workers lose it. Infinity: as often as it takes. */
  readonly attemptsMax: number
  /** At the limit, a new function takes the place of the oldest one without jobs, workers and queue limits. */
  readonly functionsMax: number
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
  readonly #options: EngineOptions
  readonly #outbox: Outbox
  readonly #functions: FunctionTable
  readonly #sessions = new Map<number, Session>()
  readonly #jobs = new JobTable()
  /** Delayed jobs by the time to run, running ones by the time they have to be done. */
  readonly #deadlines = new Deadlines<Job>()
  readonly #waking: Waking
  /** Sessions whose grab has found nothing yet. */
  readonly #grabbing = new List<Session>()
  #nextNumber: number
  #workloadBytes = 0
  #now = 0
  #isDraining = false

  constructor(outbox: Outbox, options: Partial<EngineOptions> = {}) {
    this.#options = { ...engineDefaults, ...options }
    this.#outbox = outbox
    this.#functions = new FunctionTable(this.#options.functionsMax)
    this.#waking = new Waking(outbox, this.#options)
    this.#nextNumber = this.#options.firstNumber
  }

  // What can be seen

  get now(): number {
    return this.#now
  }

  get jobCount(): number {
    return this.#jobs.size
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
    return Math.min(this.#deadlines.soonestAt, this.#waking.deadline)
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
  }

  /**
   * The end of a turn: grabs that have found nothing by now get NO_JOB. Until then a job that comes goes to them at
   * once, and not by way of NO_JOB, PRE_SLEEP, NOOP and another grab.
   */
  settle(): void {
    for (const session of this.#grabbing) this.settleGrab(session)
  }

  /** The same for one session, before its next command. */
  settleGrab(session: Session): void {
    if (session.list !== this.#grabbing) return
    this.#leaveGrabbing(session)
    this.#outbox.noJob(session.id)
  }

  /** From now on no job is given out and none is taken; what is running may finish. */
  drain(): void {
    this.#isDraining = true
    this.#waking.isStopped = true
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
      if (job.isAbandoned && job.state !== 'running') this.#end(job)
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
    if (existing !== undefined) return this.#join(session, existing, submission.background)
    if (this.#isFull(jobFunction, submission)) return this.#outbox.refused(session.id, 'QUEUE_FULL')

    this.#workloadBytes += submission.workload.length
    const job = new Job(this.#nextNumber++, jobFunction, submission)
    this.#jobs.add(job)
    jobFunction.remember(job)
    if (!submission.background) this.#wait(session, job)
    this.#outbox.jobCreated(session.id, job)
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

  /** Ends a job, also one that is running: its waiters see it fail, its worker is not told. False: no such job. */
  cancel(number: number): boolean {
    const job = this.#jobs.get(number)
    if (job === undefined) return false
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

  // From state to state

  #isFull(jobFunction: JobFunction, { priority, workload }: Submission): boolean {
    const { jobsMax, jobsPerFunctionMax, workloadBytesMax } = this.#options
    return (
      jobFunction.jobCount >= Math.min(jobFunction.queueLimit(priority), jobsPerFunctionMax) ||
      this.#jobs.size >= jobsMax ||
      this.#workloadBytes + workload.length > workloadBytesMax
    )
  }

  #join(session: Session, job: Job, background: boolean): void {
    if (background) job.background = true
    else this.#wait(session, job)
    this.#outbox.jobCreated(session.id, job)
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

  /** To the end of its priority's line, which is empty if somebody is there to take the job at once. */
  #makeReady(job: Job): void {
    const { function: jobFunction } = job
    job.state = 'ready'
    jobFunction.ready[job.priority].push(job)
    jobFunction.readyCount++
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
    } else if (job.state === 'delayed') {
      this.#deadlines.remove(job)
      job.function.delayedCount--
    }
    job.state = 'ended'
    for (const waiter of job.waiters) waiter.session.waiting.remove(waiter)
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
    this.#grabbing.remove(session)
    for (const ability of session.abilities) ability.list?.remove(ability)
  }
}

/** As C reads a 32-bit count: leading digits, else 0. */
function readCount(text: string): number {
  const value = Number.parseInt(text, 10)
  return Number.isNaN(value) ? 0 : value >>> 0
}
