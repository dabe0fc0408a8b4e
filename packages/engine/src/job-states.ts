import type { Changes, Ending, Failure, Keeper } from './changes.ts'
import { Deadlines } from './deadlines.ts'
import { Departures } from './departures.ts'
import type { EngineOptions } from './engine.ts'
import type { Flow } from './flow.ts'
import type { JobFunction } from './function.ts'
import { FunctionTable } from './function-table.ts'
import { Job, noBytes, type Priority, type Submission } from './job.ts'
import { JobTable } from './job-table.ts'
import { List } from './list.ts'
import type { JobOutcome, Observer } from './observer.ts'
import type { Outbox } from './outbox.ts'
import { backoffMs, type DeathReason, type FailureReason, type Policy } from './policy.ts'
import { type Ability, noSession, type Session, Waiter } from './session.ts'
import { Waking } from './waking.ts'
import { Window } from './window.ts'

/**
 * All jobs, and how each goes from state to state. A job stands in one place, and the place is its state; these methods
 * alone move it. `docs/job-states.md` says what moves it when.
 */
export class JobStates {
  readonly options: EngineOptions
  readonly outbox: Outbox
  readonly functions: FunctionTable
  readonly jobs: JobTable = new JobTable()
  /** Delayed jobs by the time to run, ready ones by the time they have to be begun, running ones by that to be done. */
  readonly deadlines: Deadlines<Job> = new Deadlines()
  /** Functions that wait for the next moment at which one of their jobs may be begun. */
  readonly flows: Deadlines<Flow> = new Deadlines()
  readonly waking: Waking
  /** Sessions whose grab has found nothing yet. */
  readonly grabbing: List<Session> = new List()
  /** Undefined: no job is kept. */
  readonly changes: Changes | undefined
  readonly window: Window | undefined
  /** Undefined: nobody else uses the store. */
  readonly departures: Departures | undefined
  /** The store, or without one whoever is there in its place. */
  readonly keeper: Keeper | undefined
  readonly observer: Observer | undefined
  /** Set by the durable half: a stored job that ran waits on disk from now on. */
  postponed: ((job: Job, runAt: number) => void) | undefined
  nextNumber: number
  /** What is submitted to it has lower ones. */
  numberEnd: number = Number.POSITIVE_INFINITY
  /** Of the workloads in memory. */
  workloadBytes = 0
  now = 0
  isDraining = false

  constructor(
    outbox: Outbox,
    options: EngineOptions,
    changes: Changes | undefined,
    keeper: Keeper | undefined,
    observer: Observer | undefined,
  ) {
    this.observer = observer
    this.options = options
    this.outbox = outbox
    this.changes = changes
    this.keeper = changes ?? keeper
    this.window = changes && new Window(changes, options, this)
    this.departures =
      changes && this.window && options.isShared ? new Departures(this, changes, this.window) : undefined
    this.functions = new FunctionTable(options.functionsMax, options.policyOf)
    this.waking = new Waking(outbox, options)
    this.nextNumber = options.firstNumber
  }

  newJob(number: number, jobFunction: JobFunction, submission: Submission, expiresAt = 0, readyAt?: number): Job {
    const job = new Job(number, jobFunction, submission, expiresAt, readyAt ?? Math.max(this.now, submission.runAt))
    this.workloadBytes += job.workloadLength
    this.jobs.add(job)
    jobFunction.remember(job)
    return job
  }

  /** When a job that is submitted now is dead unless it has begun; 0: it may wait. */
  expiryOf(jobFunction: JobFunction, { options, runAt }: Submission): number {
    const { ttlMs, expireMs } = jobFunction.policyOf(options)
    if (runAt > this.now) return expireMs === 0 ? 0 : runAt + expireMs
    return ttlMs === 0 ? 0 : this.now + ttlMs
  }

  /** Observers learn of a new job, once. */
  acknowledge(job: Job): void {
    if (job.isObserved) return
    job.isObserved = true
    this.observer?.submitted(job.function, job.background, job.number, job.trace)
  }

  wait(session: Session, job: Job): void {
    const waiter = new Waiter(session, job)
    session.waiting.push(waiter)
    job.addWaiter(waiter)
  }

  /** For a job that is there. */
  waitToo(session: Session, job: Job): void {
    this.wait(session, job)
    // It may go to another server from now on.
    if (job.background && job.state === 'ready' && job.function.bridgeCount > 0) this.serveBridges(job.function)
  }

  delay(job: Job, runAt: number): void {
    job.state = 'delayed'
    job.function.delayedCount++
    this.deadlines.add(job, runAt)
  }

  /** A delayed job need not wait for its time. */
  hasten(job: Job): void {
    this.deadlines.remove(job)
    job.function.delayedCount--
    job.readyAt = this.now
    this.makeReady(job)
  }

  /** To the end of its priority's line, which is empty if somebody is there to take the job at once. */
  makeReady(job: Job): void {
    const { function: jobFunction } = job
    if (!this.line(job)) return
    if (jobFunction.room > 0) this.#offer(job)
    if (jobFunction.bridgeCount > 0) this.serveBridges(jobFunction)
  }

  /** To the workers here. */
  #offer(job: Job): void {
    const { function: jobFunction } = job
    const grabber = jobFunction.grabbers.first
    if (grabber === undefined) {
      if (jobFunction.wokenCount < jobFunction.room) this.waking.wakeForJob(jobFunction, this.now)
    } else if (!this.isDraining) {
      this.leaveGrabbing(grabber.session)
      this.assign(job, grabber)
    }
  }

  /**
   * False: it is parked, and comes into the line when there is room in its group; or it comes too late, and is dead; or
   * it has left, since others may have it.
   */
  line(job: Job): boolean {
    const { flow } = job.function
    if (job.isStored && this.departures?.admit(job) === false) return false
    if (job.expiresAt > 0 && job.retries === 0) {
      if (job.expiresAt <= this.now) {
        // It stands nowhere yet.
        job.state = 'ended'
        this.expire(job)
        return false
      }
      this.deadlines.add(job, job.expiresAt)
    }
    job.state = 'ready'
    if (flow !== undefined && !flow.admit(job)) return false
    this.#enterLine(job)
    return true
  }

  #enterLine(job: Job): void {
    job.function.ready[job.priority].push(job)
    job.function.readyCount++
  }

  assign(job: Job, ability: Ability): void {
    const { session } = ability
    const { function: jobFunction } = job
    session.takeTurn(ability)
    job.list?.remove(job)
    if (job.index >= 0) this.deadlines.remove(job)
    jobFunction.readyCount--
    jobFunction.runningCount++
    job.state = 'running'
    job.owner = session
    if (job.isStored) jobFunction.runningStored[job.priority]++
    session.restore(job.number)
    session.running.push(job)
    job.startedAt = this.now
    const timeoutMs = shorter(ability.timeoutMs, job.policy.timeoutMs)
    if (timeoutMs > 0) this.deadlines.add(job, this.now + timeoutMs)
    if (session.isBridge) jobFunction.bridges.runningCount++
    else if (jobFunction.flow !== undefined) {
      jobFunction.flow.begin(this.now)
      this.#measure(jobFunction.flow)
    }
    this.outbox.jobAssigned(session.id, job, session.grabForm)
    this.observer?.assigned(job, Math.max(0, this.now - job.readyAt))
    if (this.departures !== undefined) this.window?.refillAll(jobFunction)
    else if (jobFunction.backlog.ready[job.priority] > 0) this.window?.refill(jobFunction, job.priority)
  }

  // How jobs are given out

  /** A function that is limited has room again, perhaps. */
  goOn(jobFunction: JobFunction): void {
    const { flow } = jobFunction
    if (flow === undefined) return
    this.#measure(flow)
    if (jobFunction.availableCount > 0) this.serve(jobFunction)
    else if (jobFunction.bridgeCount > 0) this.serveBridges(jobFunction)
    if (this.departures !== undefined) this.window?.refillAll(jobFunction)
  }

  /** Those that wait for jobs of the function get them. */
  serve(jobFunction: JobFunction): void {
    for (const { session } of jobFunction.grabbers) this.giveNext(session)
    this.waking.wakeForAll(jobFunction, this.now)
    if (jobFunction.bridgeCount > 0) this.serveBridges(jobFunction)
  }

  /** Other servers get what no worker here is about to take. */
  serveBridges(jobFunction: JobFunction): void {
    for (const { session } of jobFunction.bridges.grabbers) this.giveNext(session)
    this.waking.wakeBridges(jobFunction, this.now)
  }

  /** The session, which asks for a job, gets its next one. False: there is none. */
  giveNext(session: Session): boolean {
    const ability = this.isDraining ? undefined : session.chooseAbility()
    const job = ability?.offered
    if (ability === undefined || job === undefined) return false
    this.leaveGrabbing(session)
    this.assign(job, ability)
    return true
  }

  /** Those that wait for the next moment at which a job may be begun, and for which that has come. */
  serveDue(): void {
    for (let flow = this.flows.takeDue(this.now); flow !== undefined; flow = this.flows.takeDue(this.now)) {
      this.goOn(flow.function)
    }
  }

  #measure(flow: Flow): void {
    const room = flow.room(this.now)
    flow.function.room = room
    if (flow.index >= 0) this.flows.remove(flow)
    const nextAt = room === 0 ? flow.nextTokenAt(this.now) : Number.POSITIVE_INFINITY
    if (nextAt < Number.POSITIVE_INFINITY) this.flows.add(flow, nextAt)
  }

  /** Other rules for a function: its jobs that wait are put in line anew. */
  setPolicy(jobFunction: JobFunction, policy: Policy, running: Iterable<Job>): void {
    const { flow: previous } = jobFunction
    if (previous !== undefined && previous.index >= 0) this.flows.remove(previous)
    const parked = previous?.takeParked() ?? []
    jobFunction.setPolicy(policy, this.now)
    const { flow } = jobFunction
    // What runs goes on, though there may be more of a group than there should be from now on.
    if (flow !== undefined) for (const job of running) flow.occupy(job)
    const inLine = Number.isFinite(policy.groupConcurrency) ? this.#takeLine(jobFunction) : []
    for (const job of [...inLine, ...parked]) if (flow?.admit(job) !== false) this.#enterLine(job)
    if (flow !== undefined) this.#measure(flow)
    this.serve(jobFunction)
    this.window?.refillAll(jobFunction)
    this.departures?.watch(jobFunction)
  }

  #takeLine(jobFunction: JobFunction): Job[] {
    const jobs: Job[] = []
    for (const list of jobFunction.ready) {
      for (const job of list) {
        list.remove(job)
        jobs.push(job)
      }
    }
    jobFunction.readyCount = 0
    return jobs
  }

  // The end of an attempt

  /** The worker says that it could not do it, and perhaps why. */
  fail(job: Job, reason: 'failed' | 'exception', error: Uint8Array): void {
    const { attempts } = job.policy
    if (attempts !== undefined && this.#mayBeRetried(job)) this.#endAttempt(job, attempts, reason, error)
    else this.finish(job, reason, error)
  }

  /** Its worker will not finish it: gone, no longer willing, or too slow. Another one gets it, if it may have one. */
  lose(job: Job, reason: 'lost' | 'timeout' = 'lost'): void {
    const { attempts } = job.policy
    job.owner?.revoke(job.number)
    if (job.isAbandoned) return this.abandon(job)
    if (attempts !== undefined && this.#mayBeRetried(job)) return this.#endAttempt(job, attempts, 'lost', noBytes)
    job.retries++
    if (job.retries >= this.options.attemptsMax) return this.finish(job, 'failed', noBytes, reason)
    this.#tryAgain(job, reason)
  }

  /** Its worker was never told of it: as if it had not been given to it. */
  giveBack(job: Job): void {
    job.owner?.revoke(job.number)
    if (job.isAbandoned) this.abandon(job)
    else this.#tryAgain(job)
  }

  /** Its worker takes too long. */
  timeOut(job: Job): void {
    const { attempts, timeoutMs } = job.policy
    const isOurs = timeoutMs > 0 && shorter(job.owner?.ability(job.function)?.timeoutMs ?? 0, timeoutMs) === timeoutMs
    this.takeBack(job, 'timeout')
    if (attempts !== undefined && this.#mayBeRetried(job)) this.#endAttempt(job, attempts, 'timeout', noBytes)
    else if (isOurs) this.finish(job, 'failed', noBytes, 'timeout')
    else this.lose(job, 'timeout')
  }

  /** Nobody has begun it in its time. */
  expire(job: Job): void {
    this.#tell(job, 'failed', noBytes)
    if (this.#isBuried(job)) return this.#bury(job, 'expired', undefined)
    this.#report(job, 'expired', false, noBytes)
    this.end(job)
  }

  /** Ends a job, whatever its policy says: its waiters see it fail. */
  cancel(job: Job): void {
    this.takeBack(job, 'cancelled')
    this.#tell(job, 'failed', noBytes)
    this.#report(job, 'cancelled', false, noBytes)
    this.end(job)
  }

  /** Nobody waits for it any more. */
  abandon(job: Job): void {
    this.#report(job, 'abandoned', false, noBytes)
    this.end(job)
  }

  loseJobsOf(session: Session, jobFunction: JobFunction): void {
    for (const job of session.running) if (job.function === jobFunction) this.lose(job)
  }

  /** The last word on it: its waiters get it, and whoever is to know later. Observers learn more exactly what it was. */
  finish(job: Job, outcome: Ending['outcome'], data: Uint8Array, seenAs: JobOutcome = outcome): void {
    const { keepResultsMs: keepMs, uniqueForMs } = job.policy
    this.#tell(job, outcome, data)
    this.#report(job, seenAs, false, data)
    if (job.background && (keepMs > 0 || uniqueForMs > 0)) {
      this.keeper?.keep(job, { outcome, data, keepMs, uniqueForMs })
      this.end(job, 'kept')
    } else this.end(job)
  }

  /** Another server has it, and it goes on there. */
  moveAway(job: Job): void {
    this.takeBack(job, 'cancelled')
    this.#tell(job, 'failed', noBytes)
    if (job.isObserved) this.observer?.moved?.(job)
    this.takeOut(job)
    this.setTransient(job)
    this.removeWaited(job, 'ended')
    this.window?.refillAll(job.function)
    this.goOn(job.function)
  }

  #report(job: Job, outcome: JobOutcome, isDead: boolean, data: Uint8Array): void {
    if (!job.isObserved) return
    const runMs = job.state === 'running' ? this.now - job.startedAt : undefined
    this.observer?.ended(job, outcome, isDead, runMs, data)
  }

  #tell(job: Job, outcome: Ending['outcome'], data: Uint8Array): void {
    for (const { session } of job.waiters) {
      if (outcome === 'complete') this.outbox.workComplete(session.id, job, data)
      else if (outcome === 'exception' && session.exceptions) this.outbox.workException(session.id, job, data)
      else this.outbox.workFail(session.id, job)
    }
  }

  /** As its policy says: somebody wants it. What has come from another server is tried again by that one. */
  #mayBeRetried(job: Job): boolean {
    return job.background || (job.policy.retryForeground && !job.isAbandoned && !job.isForwarded)
  }

  #endAttempt(job: Job, attempts: number, reason: FailureReason, error: Uint8Array): void {
    const { policy } = job
    const failure = { reason, worker: job.owner?.id ?? noSession, error }
    if (policy.retryOn[reason] && job.retries + 1 < attempts) {
      job.retries++
      return this.#tryAgain(job, reason, failure)
    }
    job.retries++
    const outcome = reason === 'exception' ? 'exception' : 'failed'
    if (!this.#isBuried(job)) return this.finish(job, outcome, error, reason)
    this.#tell(job, outcome, error)
    this.#bury(job, reason, failure)
  }

  /** It is kept when it is dead. */
  #isBuried({ background, policy }: Job): boolean {
    return background && policy.deadMax > 0 && this.keeper !== undefined
  }

  #bury(job: Job, reason: DeathReason, failure: Failure | undefined): void {
    this.keeper?.bury(job, reason, failure)
    this.#report(job, reason, true, failure?.error ?? noBytes)
    this.end(job, 'dead')
  }

  /** Without a failure at once, and nobody remembers; without a reason it was no attempt. */
  #tryAgain(job: Job, reason?: FailureReason, failure?: Failure): void {
    const { function: jobFunction, number } = job
    const waitMs = failure === undefined ? 0 : backoffMs(job.policy, job.retries, number)
    if (reason !== undefined) {
      this.observer?.retried(job, reason, this.now - job.startedAt, waitMs)
      job.readyAt = this.now + waitMs
    }
    job.numerator = 0
    job.denominator = 0
    if (failure !== undefined && job.background) {
      const mayLeave = waitMs > 0 && job.isStored && job.addition === undefined && !this.#isWaitedForHere(job)
      this.keeper?.retry(job, mayLeave ? this.now + waitMs : 0, failure)
      if (mayLeave) {
        this.#stopRunning(job)
        this.postponed?.(job, this.now + waitMs)
        return this.goOn(jobFunction)
      }
    }
    this.#stopRunning(job)
    if (waitMs > 0) this.delay(job, this.now + waitMs)
    else this.makeReady(job)
    this.goOn(jobFunction)
  }

  /** If it left, somebody else might do it, and nobody here would hear of its result. */
  #isWaitedForHere({ waiters }: Job): boolean {
    return this.departures !== undefined && waiters.length > 0
  }

  /** What the worker still says of it is dropped. It is told, if it wants to be. */
  takeBack(job: Job, reason: 'cancelled' | 'timeout'): void {
    const { owner, number } = job
    if (owner === undefined) return
    owner.revoke(number)
    if (owner.cancellation) this.outbox.jobCancelled(owner.id, number, reason)
  }

  /** `dead` and `kept`: whoever keeps it has been told. */
  end(job: Job, as: 'ended' | 'dead' | 'kept' = 'ended'): void {
    const { function: jobFunction } = job
    const wasReady = job.state === 'ready'
    this.takeOut(job)
    if (wasReady) this.window?.left(jobFunction, job.priority)
    if ((job.isStored && job.state !== 'stored') || job.addition !== undefined) {
      this.setTransient(job)
      if (as === 'ended') this.changes?.forget(job.number)
    }
    this.removeWaited(job, as)
    this.goOn(jobFunction)
  }

  /** From the place where it stands. */
  takeOut(job: Job): void {
    const { function: jobFunction } = job
    if (job.state === 'running') this.#stopRunning(job)
    else if (job.state === 'ready') this.#leaveLine(job)
    else if (job.state === 'delayed') {
      this.deadlines.remove(job)
      jobFunction.delayedCount--
    } else if (job.state === 'pending') jobFunction.pendingCount--
  }

  /** A ready job goes to the end of another line. */
  prioritize(job: Job, priority: Priority): void {
    const { function: jobFunction, priority: previous } = job
    const isParked = this.#isParked(job)
    if (job.state === 'ready') {
      if (isParked) jobFunction.flow?.unpark(job)
      else job.list?.remove(job)
    }
    if (job.isStored) this.#countStored(job, -1)
    job.priority = priority
    if (job.isStored) this.#countStored(job, 1)
    if (job.state === 'ready') {
      if (isParked) jobFunction.flow?.park(job)
      else jobFunction.ready[priority].push(job)
      this.window?.left(jobFunction, previous)
    }
  }

  #isParked(job: Job): boolean {
    return job.list !== job.function.ready[job.priority]
  }

  #leaveLine(job: Job): void {
    const { function: jobFunction } = job
    if (job.index >= 0) this.deadlines.remove(job)
    if (this.#isParked(job)) jobFunction.flow?.unpark(job)
    else {
      job.list?.remove(job)
      jobFunction.readyCount--
      this.#leaveGroup(job)
    }
  }

  #stopRunning(job: Job): void {
    job.list?.remove(job)
    job.function.runningCount--
    if (job.isStored) job.function.runningStored[job.priority]--
    if (job.owner?.isBridge === true) job.function.bridges.runningCount--
    else if (this.departures !== undefined) job.function.pace.add(this.now)
    job.owner = undefined
    if (job.index >= 0) this.deadlines.remove(job)
    this.#leaveGroup(job)
  }

  #leaveGroup(job: Job): void {
    const next = job.function.flow?.leave(job)
    if (next !== undefined) this.#enterLine(next)
  }

  /** Nobody waits for it any more. */
  removeWaited(job: Job, as: 'ended' | 'dead' | 'kept' | 'stored'): void {
    for (const waiter of job.waiters) waiter.session.waiting.remove(waiter)
    this.remove(job, as)
  }

  remove(job: Job, as: 'ended' | 'dead' | 'kept' | 'stored' = 'ended'): void {
    job.state = as
    job.function.forget(job)
    this.jobs.delete(job)
    this.workloadBytes -= job.workloadLength
    job.releaseWorkload()
  }

  leaveGrabbing(session: Session): void {
    if (session.list !== this.grabbing) return
    session.isHeld = false
    this.grabbing.remove(session)
    for (const ability of session.abilities) ability.list?.remove(ability)
  }

  setStored(job: Job): void {
    if (job.isStored) return
    job.isStored = true
    this.#countStored(job, 1)
    if (this.window !== undefined) this.window.bytes += job.workloadLength
  }

  setTransient(job: Job): void {
    if (!job.isStored) return
    job.isStored = false
    this.#countStored(job, -1)
    if (this.window !== undefined) this.window.bytes -= job.workloadLength
  }

  /** One that is on disk is not counted. */
  #countStored({ function: { stored, runningStored }, priority, state, owner }: Job, by: 1 | -1): void {
    if (state === 'stored') return
    stored[priority] += by
    if (owner !== undefined) runningStored[priority] += by
  }
}

/** Of two times, where 0 is for ever. */
function shorter(one: number, other: number): number {
  if (one === 0 || other === 0) return one + other
  return Math.min(one, other)
}
