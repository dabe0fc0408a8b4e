import { Audience } from './audience.ts'
import { Census } from './census.ts'
import { finalPackets, isGrab, type PacketCommand, showCommand, workPackets } from './command.ts'
import type { Incoming, IncomingPacket } from './incoming.ts'
import { type Assignment, isAsSubmitted, JobRecord, mayBeReleased } from './job-record.ts'
import type { Entry, Line } from './line.ts'
import { QueueOrder } from './queue-order.ts'
import { readSubmission, type Submission } from './submission.ts'

/**
 * Whether a worker has the job it speaks of. taken: it had it until it was given to another or cancelled; what it says
 * of it is dropped. maybe: it has it, or it is taken. no: it never had it, or has said the last of it; that is refused.
 * unsure: any of these.
 */
export type HasJob = 'yes' | 'maybe' | 'taken' | 'no' | 'unsure'

export interface LedgerOptions {
  readonly attemptsMax: number
  /** The server gives everybody WORK_EXCEPTION as such. */
  readonly exceptions: boolean
  /** The wall clock when the server's was 0. */
  readonly wallAtStart: number
  /** Jobs may be refused for want of room. */
  readonly isLimited: boolean
  readonly nowMs: () => number
  /** The server's clock may go on by so much while one thing happens. */
  readonly stepMsMax: number
  readonly note: (event: string) => void
}

/**
 * What was promised and what came of it, kept by watching the connections at the server's end. The server's inside is
 * not looked at, so much is known only within bounds: a command is stepped after it is delivered and before its answer
 * is out, or before its turn ends on a connection that nothing holds up. Each check fails only if no order of events
 * within these bounds would allow what was seen.
 */
export class Ledger {
  /** Counts the single things that happen: a delivery, a timer, the end of a turn. */
  moment = 0
  /** Counts the loop's iterations. */
  turn = 0
  /** The first thing that was wrong. */
  fault: string | undefined
  isShuttingDown = false
  readonly jobs = new Map<string, JobRecord>()
  /** Those that have not ended for sure, by function. */
  readonly live = new Map<string, Set<JobRecord>>()
  /** Connections that have not gone for sure. */
  readonly lines = new Set<Line>()
  /** Delivered and not answered; and those whose connection went before they were. */
  readonly submissions = new Map<Entry, Submission>()
  readonly ghosts = new Map<Entry, Submission>()
  readonly options: LedgerOptions
  readonly census: Census
  readonly audience: Audience
  /** How much was seen, to know that a run tests anything. */
  readonly seen = new Map<string, number>()

  readonly #byKey = new Map<string, Set<JobRecord>>()
  readonly #order: QueueOrder
  #highest: JobRecord | undefined
  /** Jobs that were seen with a worker before their submitters were answered. */
  readonly #discovered = new Map<Entry, JobRecord>()
  /** By function: when a worker last may have given back a job that it has not been seen to get. */
  readonly #disturbedAt = new Map<string, number>()
  #fresh: Entry[] = []

  constructor(options: LedgerOptions) {
    this.options = options
    this.census = new Census(this)
    this.audience = new Audience(this)
    this.#order = new QueueOrder(this)
  }

  note(event: string): void {
    this.options.note(event)
  }

  count(what: string): void {
    this.seen.set(what, (this.seen.get(what) ?? 0) + 1)
  }

  fail(fault: string): void {
    this.note(`FAULT ${fault}`)
    this.fault ??= fault
  }

  // The passing of time

  /** One thing has happened, and all that follows from it at once. */
  endStep(): void {
    for (const entry of this.#fresh) entry.isPrompt = entry.line.isClear
    this.#fresh = []
    this.moment++
  }

  /** The server has done all it will do for now. */
  settle(): void {
    let held: Line | undefined
    let isAnyBlocked = false
    for (const line of this.lines) {
      if (line.isClear) line.settle()
      // A job that it has not been told of yet can come to its timeout meanwhile.
      else if ([...line.abilities.values()].some(({ timeoutMs }) => timeoutMs > 0)) this.#disturb(line)
      if (line.isHeld()) held = line
      if (line.isBlocked()) isAnyBlocked = true
    }
    if (held?.isBlocked() === false) this.count('held up by another')
    if (held !== undefined && !isAnyBlocked) this.fail(`${held.name} is not read from, and holds up nobody`)
    this.audience.settle()
  }

  /** No job is left, it is said: then each must have had an end. */
  finish(): void {
    for (const jobs of this.live.values()) {
      for (const job of jobs) if (job.mayEndAt === Infinity) this.fail(`${job.handle} is lost`)
    }
    for (const job of this.jobs.values()) {
      const hasRun = job.works.some(({ command }) => finalPackets.has(command.name))
      if (job.isBackground && !hasRun && !job.mayBeCancelled && !job.mayBeExhausted) {
        this.fail(`the background job ${job.handle} is gone and has not run`)
      }
    }
    this.audience.finish()
  }

  /** The server is about to be closed: all workers lose what they have, whatever they say until they notice. */
  shutDown(): void {
    this.isShuttingDown = true
    for (const jobs of this.live.values()) for (const job of jobs) this.#mayBeShutDown(job)
  }

  // Commands

  delivered(entry: Entry): void {
    entry.deliveredAt = this.moment
    entry.deliveredInTurn = this.turn
    entry.deliveredMs = this.options.nowMs()
    this.#fresh.push(entry)
    const { command, line } = entry
    this.census.expect(entry)
    if (command.name === 'TEXT') return
    const submission = readSubmission(entry, this.options.wallAtStart)
    if (submission !== undefined) this.submissions.set(entry, submission)
    else if (workPackets.has(command.name)) this.#workDelivered(entry, command)
    else if (isGrab(command.name) && line.state !== 'open') this.#disturb(line)
    else if (command.name === 'CANT_DO' || command.name === 'RESET_ABILITIES') {
      this.#disturb(line)
      for (const assignment of line.holds) {
        if (!isReleasedBy(command, assignment)) continue
        assignment.releaseIndex = Math.min(assignment.releaseIndex, entry.index)
        this.#noteReleasable(assignment.job)
      }
    }
  }

  /** The line has gone on past the command without an answer to it. For a word on a job: whose the job is. */
  passed(entry: Entry): HasJob | undefined {
    const { line, command } = entry
    if (command.name === 'TEXT') return undefined
    const [name = '', timeout = ''] = command.args
    if (workPackets.has(command.name)) {
      const hasJob = this.#hasJob(entry)
      if (hasJob === 'yes') this.#accepted(entry)
      if (finalPackets.has(command.name)) {
        const last = this.jobs.get(name)?.assignedTo(line, entry.index)
        if (last !== undefined) last.finalIndex = Math.min(last.finalIndex, entry.index)
      }
      return hasJob
    }
    if (command.name === 'CAN_DO' || command.name === 'CAN_DO_TIMEOUT') {
      const lastTurn = line.abilities.get(name)?.lastTurn ?? -1
      line.abilities.set(name, { timeoutMs: Number(timeout), lastTurn })
    }
    if (command.name === 'CANT_DO' || command.name === 'RESET_ABILITIES') {
      if (command.name === 'CANT_DO') line.abilities.delete(name)
      else line.abilities.clear()
      for (const assignment of line.holds) {
        if (assignment.grabIndex >= entry.index || !isReleasedBy(command, assignment)) continue
        assignment.releasedIndex = entry.index
        this.#release(assignment)
      }
    }
    return undefined
  }

  /** A worker's word on its own job. */
  #accepted(entry: Entry): void {
    const { command } = entry
    const job = command.name === 'TEXT' ? undefined : this.jobs.get(command.args[0] ?? '')
    const { last } = job ?? {}
    if (job === undefined || last === undefined) return
    entry.isAccepted = true
    if (!finalPackets.has(command.name)) return
    job.outcome = entry
    last.overAt = Math.min(last.overAt, this.moment)
    last.line.holds.delete(last)
    this.count('finished')
    this.end(job)
  }

  answer(entry: Entry, incoming: Incoming): void {
    const { command, line } = entry
    if (incoming.name === 'LINE') return this.#checkAnswer(entry, entry.rows)
    if (isGrab(command.name)) {
      if (incoming.name === 'NO_JOB') this.#order.denied(entry)
      else this.#assigned(entry, incoming)
      return
    }
    const submission = this.submissions.get(entry)
    if (submission !== undefined) {
      this.submissions.delete(entry)
      if (incoming.name === 'JOB_CREATED') this.#created(submission, incoming.args[0] ?? '')
      else this.#refused(submission, incoming.args[0] ?? '')
    } else if (incoming.name === 'OPTION_RES') line.hasExceptions = true
    else if (command.name === 'ECHO_REQ' && incoming.data !== command.data) this.fail(`${line.name}: a wrong echo`)
    else this.#checkAnswer(entry, incoming.args)
  }

  /** Whether the job that a worker speaks of was its own when the server stepped what it says. */
  #hasJob(entry: Entry): HasJob {
    const { line, command } = entry
    const job = command.name === 'TEXT' ? undefined : this.jobs.get(command.args[0] ?? '')
    if (job === undefined) return 'no'
    const assignment = job.assignedTo(line, entry.index)
    if (line.hasPendingGrab(entry.index)) return 'unsure'
    if (assignment === undefined || assignment.finalIndex < entry.index) return 'no'
    const { overAt, releasedIndex, releaseIndex, isStale, dueMs } = assignment
    const isTaken = overAt < entry.deliveredAt || releasedIndex < entry.index || job.endedAt < entry.deliveredAt
    if (isTaken) return 'taken'
    if (job.mayBeCancelled || job.mayEndAt < entry.deliveredAt || overAt !== Infinity) return 'maybe'
    const mayBeTaken =
      assignment !== job.last ||
      isStale ||
      releaseIndex < entry.index ||
      entry.deliveredMs + this.options.stepMsMax >= dueMs
    return mayBeTaken || !entry.isPrompt ? 'maybe' : 'yes'
  }

  // Connections

  opened(line: Line): void {
    this.lines.add(line)
  }

  leaving(line: Line): void {
    this.#disturb(line)
    for (const job of this.#wantedBy(line)) this.#noteWaiterLeaves(job)
    for (const { job } of line.holds) this.#noteReleasable(job)
  }

  gone(line: Line): void {
    this.#disturb(line)
    this.lines.delete(line)
    for (const [entry, submission] of this.submissions) {
      if (entry.line !== line) continue
      this.submissions.delete(entry)
      this.ghosts.set(entry, submission)
    }
    for (const assignment of line.holds) this.#release(assignment)
    for (const job of this.#wantedBy(line)) {
      if (job.last === undefined || job.last.overAt !== Infinity) this.#endIfAbandoned(job)
    }
  }

  // What the server says of jobs

  #created(submission: Submission, handle: string): void {
    const { entry, key } = submission
    const { line } = entry
    this.count('JOB_CREATED')
    let job = this.jobs.get(handle)
    if (job === undefined) {
      job = this.#add(handle, submission)
      for (const other of this.#byKey.get(key ?? '') ?? []) {
        if (other !== job && other.createdAt < entry.deliveredAt && other.mayEndAt === Infinity) {
          this.fail(`${handle} is made beside ${other.handle}, which has the same unique`)
        }
      }
    } else if (job.submission.entry !== entry) {
      this.count('joined')
      if (key === undefined || key !== job.submission.key) this.fail(`${line.name} is joined to ${handle}, not its own`)
      if (job.endedAt < entry.deliveredAt) this.fail(`${line.name} is joined to ${handle}, which has ended`)
    }
    if (submission.background) {
      job.isBackground = true
      return
    }
    this.audience.join(line, job)
    if (line.state !== 'open') this.#noteWaiterLeaves(job)
  }

  #refused({ entry }: Submission, code: string): void {
    this.count(code)
    const isAllowed =
      code === 'SHUTTING_DOWN' ? this.isShuttingDown : code === 'QUEUE_ERROR' ? this.options.isLimited : true
    if (!isAllowed) this.fail(`${entry.line.name}: ${code} for ${showCommand(entry.command)}`)
  }

  #assigned(entry: Entry, packet: IncomingPacket): void {
    const { line } = entry
    const handle = packet.args[0] ?? ''
    const what = `${line.name} gets ${handle}`
    this.count('assigned')
    const job = this.jobs.get(handle) ?? this.#discover(handle, packet)
    if (job === undefined) return this.fail(`${what}, which nobody has submitted`)
    const pendingRelease = [...line.pending()].find(({ command }) => isRelease(command, job.function))
    const isStale = entry.deliveredInTurn !== this.turn || pendingRelease !== undefined || line.state !== 'open'
    const nowMs = this.options.nowMs()
    if (!isAsSubmitted(job, packet, entry.command.name)) this.fail(`${what}, which is not what was submitted`)
    if (!line.abilities.has(job.function)) this.fail(`${what}, which it can't do`)
    if (job.isSure && nowMs < job.submission.runAtMs) this.fail(`${what} before its time`)
    if (job.endedAt < entry.deliveredAt) this.fail(`${what}, which has ended`)
    if (job.assignments.length >= this.options.attemptsMax) this.fail(`${what} once too often`)
    const { last } = job
    if (last !== undefined && !isStale) {
      this.count('assigned again')
      if (!mayBeReleased(last, nowMs)) this.fail(`${what}, which ${last.line.name} has`)
      for (const earlier of job.assignments) if (earlier.overAt === Infinity) this.#release(earlier)
    }
    const timeoutMs = line.abilities.get(job.function)?.timeoutMs ?? 0
    const assignment: Assignment = {
      job,
      line,
      grabIndex: entry.index,
      grabbedAt: entry.deliveredAt,
      givenAt: this.moment,
      turns: new Map(line.abilities),
      dueMs: timeoutMs > 0 ? entry.deliveredMs + timeoutMs : Infinity,
      isStale,
      releaseIndex: pendingRelease?.index ?? Infinity,
      overAt: Infinity,
      releasedIndex: Infinity,
      finalIndex: Infinity,
    }
    job.assignments.push(assignment)
    line.holds.add(assignment)
    line.abilities.set(job.function, { timeoutMs, lastTurn: entry.index })
    this.#order.given(assignment)
    if (timeoutMs > 0 || mayBeReleased(assignment, nowMs)) this.#noteReleasable(job)
  }

  #workDelivered(entry: Entry, command: PacketCommand): void {
    const job = this.jobs.get(command.args[0] ?? '')
    const hasJob = this.#hasJob(entry)
    if (job === undefined || hasJob === 'no' || hasJob === 'taken') return
    job.works.push(entry)
    if (finalPackets.has(command.name)) this.mayEnd(job)
  }

  #checkAnswer(entry: Entry, rows: readonly string[]): void {
    const fault = entry.check?.(rows)
    if (fault !== undefined) this.fail(`${entry.line.name}: ${showCommand(entry.command)}: ${fault}`)
  }

  // What becomes of jobs

  #add(handle: string, submission: Submission): JobRecord {
    const { key, entry } = submission
    const isRival = (other: Submission) => other !== submission && key !== undefined && other.key === key
    const isSure = ![...this.submissions.values(), ...this.ghosts.values()].some(isRival)
    const job = new JobRecord({ handle, submission, isSure, createdAt: this.moment })
    this.jobs.set(handle, job)
    const jobs = this.live.get(job.function)
    if (jobs === undefined) this.live.set(job.function, new Set([job]))
    else jobs.add(job)
    if (key !== undefined) {
      const same = this.#byKey.get(key)
      if (same === undefined) this.#byKey.set(key, new Set([job]))
      else same.add(job)
    }
    for (const line of this.lines) if (line.state !== 'open') this.#disturb(line)
    if (this.options.attemptsMax !== Infinity && this.#isDisturbed(job)) this.#mayBeExhausted(job)
    if (this.isShuttingDown) this.#mayBeShutDown(job)
    const highest = this.#highest
    if (highest === undefined || job.number > highest.number) this.#highest = job
    else if (isSure && highest.createdAt < entry.deliveredAt) this.fail(`${handle} is younger than ${highest.handle}`)
    return job
  }

  /** A job whose submitter has not been answered, or had gone before it could be. */
  #discover(handle: string, { args, data }: IncomingPacket): JobRecord | undefined {
    const isIt = (submission: Submission) =>
      submission.function === args[1] &&
      submission.workload === data &&
      (args[2] === undefined || submission.unique === args[2])
    const submission = [...this.submissions.values(), ...this.ghosts.values()].find(isIt)
    if (submission === undefined) return undefined
    this.count('discovered')
    this.ghosts.delete(submission.entry)
    const job = this.#add(handle, submission)
    this.#discovered.set(submission.entry, job)
    job.isBackground = submission.background
    this.#noteWaiterLeaves(job)
    return job
  }

  /** It may have ended from now on. */
  mayEnd(job: JobRecord): void {
    job.mayEndAt = Math.min(job.mayEndAt, this.moment)
  }

  /** It has ended by now. */
  end(job: JobRecord): void {
    this.mayEnd(job)
    job.endedAt = Math.min(job.endedAt, this.moment)
    this.live.get(job.function)?.delete(job)
    this.#byKey.get(job.submission.key ?? '')?.delete(job)
  }

  /** Its worker does not have it any more. */
  #release(assignment: Assignment): void {
    const { job, line } = assignment
    assignment.overAt = this.moment
    line.holds.delete(assignment)
    job.losses++
    this.#noteReleasable(job)
    if (job.losses >= this.options.attemptsMax) this.end(job)
    else this.#endIfAbandoned(job)
  }

  /** Its worker may lose it from now on. */
  #noteReleasable(job: JobRecord): void {
    const { attemptsMax } = this.options
    if (attemptsMax !== Infinity && (job.assignments.length >= attemptsMax || this.#isDisturbed(job))) {
      this.#mayBeExhausted(job)
    }
    if (!this.#isWanted(job)) this.mayEnd(job)
  }

  /** One of those who wait may have gone: the job may be dropped, unless a worker has it. */
  #noteWaiterLeaves(job: JobRecord): void {
    if (this.#isWanted(job)) return
    const { last } = job
    const isHeld = last !== undefined && last.dueMs === Infinity && !mayBeReleased(last, this.options.nowMs())
    if (!isHeld) this.mayEnd(job)
  }

  /** Jobs that the line waits for, told of them or not. */
  *#wantedBy(line: Line): Generator<JobRecord, void> {
    for (const { job } of line.waits.values()) yield job
    for (const [entry, job] of this.#discovered) if (entry.line === line) yield job
  }

  /** It is a background job, or somebody waits for it, for sure. */
  #isWanted(job: JobRecord): boolean {
    const { entry } = job.submission
    return job.isBackground || job.hasOpenWait || (this.submissions.has(entry) && entry.line.state === 'open')
  }

  /** Ends a job that nobody waits for and no worker has, if that is sure. */
  #endIfAbandoned(job: JobRecord): void {
    if (job.isBackground) return
    for (const line of job.waits.keys()) if (line.state !== 'gone') return
    const { key } = job.submission
    const mayHaveJoined = (other: Submission) => other === job.submission || (key !== undefined && other.key === key)
    if ([...this.submissions.values(), ...this.ghosts.values()].some(mayHaveJoined)) return
    for (const line of this.lines) if (line.hasPendingGrab()) return
    this.end(job)
  }

  /** The line may give back jobs that it has not been seen to get. */
  #disturb(line: Line): void {
    if (!line.hasPendingGrab()) return
    const names = new Set(line.abilities.keys())
    for (const { command } of line.pending()) {
      if (command.name === 'CAN_DO' || command.name === 'CAN_DO_TIMEOUT') names.add(command.args[0] ?? '')
    }
    for (const name of names) {
      this.#disturbedAt.set(name, this.moment)
      if (this.options.attemptsMax === Infinity) continue
      for (const job of this.live.get(name) ?? []) this.#mayBeExhausted(job)
    }
  }

  #mayBeShutDown(job: JobRecord): void {
    if (this.options.attemptsMax === Infinity) this.mayEnd(job)
    else this.#mayBeExhausted(job)
  }

  #mayBeExhausted(job: JobRecord): void {
    job.mayBeExhausted = true
    this.mayEnd(job)
  }

  #isDisturbed(job: JobRecord): boolean {
    return (this.#disturbedAt.get(job.function) ?? -1) >= job.submission.entry.deliveredAt
  }

  /** It stood in line from its submission until it was first given out. */
  isPlain(job: JobRecord): boolean {
    return job.isSure && job.submission.runAtMs === 0 && !this.#isDisturbed(job)
  }
}

function isReleasedBy(command: PacketCommand, { job }: Assignment): boolean {
  return isRelease(command, job.function)
}

function isRelease(command: { readonly name: string; readonly args?: readonly string[] }, name: string): boolean {
  return command.name === 'RESET_ABILITIES' || (command.name === 'CANT_DO' && command.args?.[0] === name)
}
