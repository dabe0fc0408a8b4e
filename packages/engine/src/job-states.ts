import type { Changes } from './changes.ts'
import { Deadlines } from './deadlines.ts'
import type { EngineOptions } from './engine.ts'
import type { JobFunction } from './function.ts'
import { FunctionTable } from './function-table.ts'
import { Job, type Submission } from './job.ts'
import { JobTable } from './job-table.ts'
import { List } from './list.ts'
import type { Outbox } from './outbox.ts'
import { type Ability, type Session, Waiter } from './session.ts'
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
  /** Delayed jobs by the time to run, running ones by the time they have to be done. */
  readonly deadlines: Deadlines<Job> = new Deadlines()
  readonly waking: Waking
  /** Sessions whose grab has found nothing yet. */
  readonly grabbing: List<Session> = new List()
  /** Undefined: no job is kept. */
  readonly changes: Changes | undefined
  readonly window: Window | undefined
  nextNumber: number
  /** Of the workloads in memory. */
  workloadBytes = 0
  now = 0
  isDraining = false

  constructor(outbox: Outbox, options: EngineOptions, changes: Changes | undefined) {
    this.options = options
    this.outbox = outbox
    this.changes = changes
    this.window = changes && new Window(changes, options)
    this.functions = new FunctionTable(options.functionsMax)
    this.waking = new Waking(outbox, options)
    this.nextNumber = options.firstNumber
  }

  newJob(number: number, jobFunction: JobFunction, submission: Submission): Job {
    const job = new Job(number, jobFunction, submission)
    this.workloadBytes += job.workloadLength
    this.jobs.add(job)
    jobFunction.remember(job)
    return job
  }

  wait(session: Session, job: Job): void {
    const waiter = new Waiter(session, job)
    session.waiting.push(waiter)
    job.addWaiter(waiter)
  }

  delay(job: Job, runAt: number): void {
    job.state = 'delayed'
    job.function.delayedCount++
    this.deadlines.add(job, runAt)
  }

  /** To the end of its priority's line, which is empty if somebody is there to take the job at once. */
  makeReady(job: Job): void {
    const { function: jobFunction } = job
    this.line(job)
    const grabber = jobFunction.grabbers.first
    if (grabber === undefined) this.waking.wakeForJob(jobFunction, this.now)
    else if (!this.isDraining) {
      this.leaveGrabbing(grabber.session)
      this.assign(job, grabber)
    }
  }

  line(job: Job): void {
    job.state = 'ready'
    job.function.ready[job.priority].push(job)
    job.function.readyCount++
  }

  assign(job: Job, ability: Ability): void {
    const { session } = ability
    session.takeTurn(ability)
    job.list?.remove(job)
    job.function.readyCount--
    job.function.runningCount++
    job.state = 'running'
    job.owner = session
    session.restore(job.number)
    session.running.push(job)
    if (ability.timeoutMs > 0) this.deadlines.add(job, this.now + ability.timeoutMs)
    this.outbox.jobAssigned(session.id, job, session.grabForm)
    if (job.function.backlog.ready[job.priority] > 0) this.window?.refill(job.function, job.priority)
  }

  /** Its worker will not finish it: gone, too late, or no longer willing. Another one gets it, if it may have one. */
  lose(job: Job): void {
    job.owner?.revoke(job.number)
    if (job.isAbandoned) return this.end(job)
    job.retries++
    if (job.retries >= this.options.attemptsMax) return this.fail(job)
    this.#stopRunning(job)
    job.numerator = 0
    job.denominator = 0
    this.makeReady(job)
  }

  loseJobsOf(session: Session, jobFunction: JobFunction): void {
    for (const job of session.running) if (job.function === jobFunction) this.lose(job)
  }

  fail(job: Job): void {
    for (const { session } of job.waiters) this.outbox.workFail(session.id, job)
    this.end(job)
  }

  end(job: Job): void {
    if (job.state === 'running') this.#stopRunning(job)
    else if (job.state === 'ready') {
      job.list?.remove(job)
      job.function.readyCount--
      this.window?.refill(job.function, job.priority)
    } else if (job.state === 'delayed') {
      this.deadlines.remove(job)
      job.function.delayedCount--
    } else if (job.state === 'pending') job.function.pendingCount--
    if ((job.isStored && job.state !== 'stored') || job.addition !== undefined) {
      this.setTransient(job)
      this.changes?.forget(job.number)
    }
    for (const waiter of job.waiters) waiter.session.waiting.remove(waiter)
    this.remove(job)
  }

  #stopRunning(job: Job): void {
    job.list?.remove(job)
    job.function.runningCount--
    job.owner = undefined
    if (job.index >= 0) this.deadlines.remove(job)
  }

  remove(job: Job): void {
    job.state = 'ended'
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
    if (this.window !== undefined) this.window.bytes += job.workloadLength
  }

  setTransient(job: Job): void {
    if (!job.isStored) return
    job.isStored = false
    if (this.window !== undefined) this.window.bytes -= job.workloadLength
  }
}
