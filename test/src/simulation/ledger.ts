import { Audience } from './audience.ts'
import { Census } from './census.ts'
import { finalPackets, isGrab, mayAskStore, type PacketCommand, showCommand, workPackets } from './command.ts'
import { Durability } from './durability.ts'
import type { Incoming, IncomingPacket } from './incoming.ts'
import { type Assignment, handleOf, isAsSubmitted, JobRecord, mayBeReleased, numberOf } from './job-record.ts'
import type { Entry, Line } from './line.ts'
import { QueueOrder } from './queue-order.ts'
import { readSubmission, type Submission } from './submission.ts'

/** No packet is larger, nor what is written of a listing at a time. */
const packetBytesMax = 2_000_000

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
  /** There is a disk for background jobs. */
  readonly isDurable: boolean
  /** The latest date that a server has seen, milliseconds since 1970. */
  readonly wallMsMax: () => number
  readonly isStoreBusy: () => boolean
  readonly outputBytesMax: number
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
  /** The moment at which it last began to. */
  shutDownAt = -1
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
  readonly durability: Durability
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
    this.durability = new Durability(this)
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
    for (const entry of this.#fresh) entry.isPrompt = entry.line.isClear || this.#isAskingStore(entry)
    this.#fresh = []
    this.moment++
  }

  /** It has been stepped, and is the reason why the line is held up: the store is asked. */
  #isAskingStore({ line, index, command }: Entry): boolean {
    if (!this.options.isDurable || line.state !== 'open' || !mayAskStore(command)) return false
    for (const other of this.lines) if (other.isBlocked()) return false
    for (const other of line.pending()) if (other.index < index && mayAskStore(other.command)) return false
    return true
  }

  /** The server has done all it will do for now. */
  settle(): void {
    const { isDurable, isStoreBusy } = this.options
    const isAnyBlocked = [...this.lines].some((line) => line.isBlocked())
    let held: Line | undefined
    for (const line of this.lines) {
      const isHeldBack = line.isHeldBack()
      if (isHeldBack) this.durability.checkHeldBack(line)
      // A grab is answered when the store has been, if jobs are asked of it.
      const isServed = isDurable && isStoreBusy() && line.hasPendingGrab()
      if (line.isClear && !isHeldBack && !isServed) line.settle()
      else if (!isDurable || line.isStuck || line.state !== 'open') this.#mayTimeOut(line)
      if (!line.isHeld()) continue
      held = line
      if (isDurable && !isAnyBlocked) this.durability.checkPaused(line)
    }
    if (held?.isBlocked() === false) this.count('held up by another')
    const isExcused = isAnyBlocked || (isDurable && isStoreBusy())
    if (held !== undefined && !isExcused) this.fail(`${held.name} is not read from, and holds up nobody`)
    this.audience.settle()
  }

  /** An iteration of the loop is over. */
  endTurn(): void {
    for (const line of this.lines) {
      if (line.isStuck) line.stuckInTurn = this.turn
      const bytes = line.outputBytes()
      if (bytes > this.options.outputBytesMax + packetBytesMax)
        this.fail(`${bytes} bytes of output wait for ${line.name}`)
    }
    this.turn++
  }

  /** No job is left, it is said: then each must have had an end. */
  finish(): void {
    for (const jobs of this.live.values()) {
      for (const job of jobs) if (job.mayEndAt === Infinity) this.fail(`${job.handle} is lost`)
    }
    for (const job of this.jobs.values()) {
      const hasRun = job.hasRun || job.works.some(({ command }) => finalPackets.has(command.name))
      if (job.isBackground && !hasRun && !job.mayBeCancelled && !job.mayBeExhausted) {
        this.fail(`the background job ${job.handle} is gone and has not run`)
      }
    }
    this.audience.finish()
  }

  /** The server is about to be closed: all workers lose what they have, whatever they say until they notice. */
  shutDown(): void {
    this.isShuttingDown = true
    this.shutDownAt = this.moment
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
    const submission = readSubmission(entry)
    if (submission !== undefined) this.#submitted(submission)
    else if (workPackets.has(command.name)) this.#workDelivered(entry, command)
    else if (isGrab(command.name) && line.state !== 'open') this.#disturb(line, true)
    else if (command.name === 'CANT_DO' || command.name === 'RESET_ABILITIES') {
      this.#disturb(line)
      for (const assignment of line.holds) {
        if (!isReleasedBy(command, assignment)) continue
        assignment.releaseIndex = Math.min(assignment.releaseIndex, entry.index)
        this.#noteReleasable(assignment.job)
      }
    }
  }

  #submitted(submission: Submission): void {
    const { entry, key } = submission
    this.submissions.set(entry, submission)
    if (!this.options.isDurable || key === undefined) return
    for (const job of this.#byKey.get(key) ?? []) job.isJoined = true
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
    this.durability.ended(job, entry)
    last.overAt = Math.min(last.overAt, this.moment)
    last.line.holds.delete(last)
    this.count('finished')
    this.end(job)
  }

  answer(entry: Entry, incoming: Incoming): void {
    const { command, line } = entry
    if (incoming.name === 'LINE') {
      if (entry.rows.some((row) => row.startsWith('ERR QUEUE_ERROR The+jobs+on+disk'))) this.#notLookedUp(entry)
      this.#checkAnswer(entry, entry.rows)
      return this.#cancelled(entry)
    }
    if (isGrab(command.name)) {
      if (incoming.name === 'NO_JOB') this.#order.denied(entry)
      else this.#assigned(entry, incoming)
      return
    }
    const submission = this.submissions.get(entry)
    if (submission !== undefined) {
      this.submissions.delete(entry)
      if (incoming.name === 'JOB_CREATED') this.#created(submission, incoming.args[0] ?? '')
      else this.#refused(submission, incoming)
    } else if (incoming.name === 'OPTION_RES') line.hasExceptions = true
    else if (command.name === 'ECHO_REQ' && incoming.data !== command.data) this.fail(`${line.name}: a wrong echo`)
    else if (incoming.name === 'ERROR' && incoming.args[0] === 'QUEUE_ERROR') this.#notLookedUp(entry)
    else this.#checkAnswer(entry, incoming.args)
  }

  /** The store could not say which jobs there are. */
  #notLookedUp({ line, command, deliveredAt }: Entry): void {
    this.count('not looked up')
    if (this.durability.isTroubledSince(deliveredAt)) return
    this.fail(`${line.name} is told that the store fails: ${showCommand(command)}`)
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
      this.#notAnswered(submission)
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
      this.#checkTwins(job, entry)
    } else if (job.submission.entry !== entry) {
      this.count('joined')
      if (key === undefined || key !== job.submission.key) this.fail(`${line.name} is joined to ${handle}, not its own`)
      if (job.endedAt < entry.deliveredAt) this.fail(`${line.name} is joined to ${handle}, which has ended`)
    }
    if (submission.background) {
      job.isBackground = true
      if (this.options.isDurable) this.durability.acknowledged(job, entry)
      return
    }
    this.audience.join(line, job)
    if (line.state !== 'open') this.#noteWaiterLeaves(job)
  }

  /** A job is made while another one of its unique is there. */
  #checkTwins(job: JobRecord, entry: Entry): void {
    const { key, background } = job.submission
    for (const other of this.#byKey.get(key ?? '') ?? []) {
      if (other === job || other.isTwin || other.createdAt >= entry.deliveredAt || other.mayEndAt !== Infinity) continue
      // If the store can't say whether it has one, foreground jobs go on.
      if (!background && this.durability.isTroubledSince(entry.deliveredAt)) job.isTwin = true
      else this.fail(`${job.handle} is made beside ${other.handle}, which has the same unique`)
    }
  }

  #refused(submission: Submission, { args: [code = '', text = ''] }: IncomingPacket): void {
    const { entry, background, key } = submission
    const isForStore = text.startsWith('The job could not be stored')
    this.count(isForStore ? 'not stored' : code)
    const isAllowed =
      code === 'SHUTTING_DOWN'
        ? this.isShuttingDown
        : isForStore
          ? // A foreground submission that joins a background one shares its fate.
            (background || key !== undefined) && this.durability.isTroubledSince(entry.deliveredAt)
          : code !== 'QUEUE_ERROR' || this.options.isLimited
    if (!isAllowed) this.fail(`${entry.line.name}: ${code} ${text} for ${showCommand(entry.command)}`)
    // The store may have it all the same, but nobody is to do it, unless the server crashes before it has put that right.
    const number = this.durability.madeBy(entry)
    if (number === undefined || this.jobs.has(handleOf(number))) return
    if (isForStore) this.end(this.#add(handleOf(number), submission))
    else this.durability.notMadeBy(entry)
  }

  /** Its connection has gone before the answer could come. */
  #notAnswered(submission: Submission): void {
    const number = this.durability.madeBy(submission.entry)
    if (number === undefined) this.ghosts.set(submission.entry, submission)
    else if (!this.jobs.has(handleOf(number))) this.adopt(handleOf(number), submission)
  }

  /** A job that is on the disk, and whose submitter will not be told. */
  adopt(handle: string, submission: Submission): void {
    this.ghosts.delete(submission.entry)
    this.#add(handle, submission).isBackground = true
  }

  #cancelled({ command, line, rows }: Entry): void {
    if (command.name !== 'TEXT' || !command.line.startsWith('cancel job ') || rows[0] !== 'OK') return
    const job = this.jobs.get(command.line.slice('cancel job '.length))
    if (job !== undefined) this.durability.cancelled(job, line)
  }

  #assigned(entry: Entry, packet: IncomingPacket): void {
    const { line } = entry
    const handle = packet.args[0] ?? ''
    const what = `${line.name} gets ${handle}`
    this.count('assigned')
    const job = this.jobs.get(handle) ?? this.#discover(handle, packet)
    if (job === undefined) return this.fail(`${what}, which nobody has submitted`)
    const pendingRelease = [...line.pending()].find(({ command }) => isRelease(command, job.function))
    const isLate = this.options.isDurable
      ? line.stuckInTurn >= entry.deliveredInTurn
      : entry.deliveredInTurn !== this.turn
    const isStale = isLate || pendingRelease !== undefined || line.state !== 'open'
    const nowMs = this.options.nowMs()
    if (!isAsSubmitted(job, packet, entry.command.name)) this.fail(`${what}, which is not what was submitted`)
    if (!line.abilities.has(job.function)) this.fail(`${what}, which it can't do`)
    if (job.isSure && this.options.wallMsMax() < job.submission.runAtMs) this.fail(`${what} before its time`)
    if (job.goneAt < entry.deliveredAt) this.fail(`${what}, which was ${job.goneBecause}`)
    if (this.options.isDurable && !isStale) this.durability.given(job)
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
    const isSure = ![...this.unanswered()].some(isRival)
    const job = new JobRecord({ handle, submission, isSure, createdAt: this.moment })
    this.jobs.set(handle, job)
    this.#enlist(job)
    for (const line of this.lines) if (line.state !== 'open') this.#disturb(line)
    if (this.options.attemptsMax !== Infinity && this.#isDisturbed(job)) this.#mayBeExhausted(job)
    if (this.isShuttingDown) this.#mayBeShutDown(job)
    const highest = this.#highest
    if (highest === undefined || job.number > highest.number) this.#highest = job
    else if (isSure && highest.createdAt < entry.deliveredAt) this.fail(`${handle} is younger than ${highest.handle}`)
    return job
  }

  #enlist(job: JobRecord): void {
    const { key } = job.submission
    addTo(this.live, job.function, job)
    if (key !== undefined) addTo(this.#byKey, key, job)
  }

  /** A job whose submitter has not been answered, or had gone before it could be. */
  #discover(handle: string, { args, data }: IncomingPacket): JobRecord | undefined {
    // A background job that is given out is on the disk.
    const isIt = (submission: Submission) =>
      !(submission.background && this.options.isDurable) &&
      submission.function === args[1] &&
      submission.workload === data &&
      (args[2] === undefined || submission.unique === args[2])
    const number = numberOf(handle)
    const submission = this.durability.submissionOf(number) ?? [...this.unanswered()].find(isIt)
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
    if ([...this.unanswered()].some(mayHaveJoined)) return
    for (const line of this.lines) if (line.hasPendingGrab()) return
    this.end(job)
  }

  /** A job that it has not been told of yet can come to its timeout. */
  #mayTimeOut(line: Line): void {
    if ([...line.abilities.values()].some(({ timeoutMs }) => timeoutMs > 0)) this.#disturb(line)
  }

  /** The line may give back jobs that it has not been seen to get. */
  #disturb(line: Line, isGrabbing: boolean = line.hasPendingGrab()): void {
    if (!isGrabbing) return
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
    if (this.options.attemptsMax === Infinity) {
      // What is on the disk stays there.
      if (!this.durability.has(job)) this.mayEnd(job)
    } else this.#mayBeExhausted(job)
  }

  #mayBeExhausted(job: JobRecord): void {
    job.mayBeExhausted = true
    this.mayEnd(job)
  }

  #isDisturbed(job: JobRecord): boolean {
    return (this.#disturbedAt.get(job.function) ?? -1) >= job.submission.entry.deliveredAt
  }

  /** Commands that were delivered and have not been answered, and never will be in some cases. */
  *unanswered(): Generator<Submission, void> {
    yield* this.submissions.values()
    yield* this.ghosts.values()
  }

  /** The server has gone, and with it all but what is on its disk. */
  restart(how: 'crash' | 'close'): void {
    for (const line of this.lines) line.state = 'gone'
    this.lines.clear()
    this.live.clear()
    this.#byKey.clear()
    this.durability.restart(how)
    this.submissions.clear()
    this.ghosts.clear()
    this.#discovered.clear()
    this.#disturbedAt.clear()
    this.#fresh = []
    this.#order.forget()
    this.audience.leave()
    this.isShuttingDown = false
  }

  /** An earlier server has left it. */
  restore(job: JobRecord): void {
    this.jobs.set(job.handle, job)
    this.#enlist(job)
  }

  /** Which of them comes first is promised. With a disk, those in memory do not wait for those that are on it. */
  areInOrder(one: JobRecord, other: JobRecord): boolean {
    if (!this.options.isDurable) return true
    const isTransient = (job: JobRecord) => !job.isBackground && job.submission.unique === ''
    if (isTransient(one) && isTransient(other)) return true
    if (!one.submission.background || !other.submission.background) return false
    return one.function === other.function && one.submission.priority === other.submission.priority
  }

  /** It stood in line from its submission until it was first given out. */
  isPlain(job: JobRecord): boolean {
    return job.isSure && !job.isJoined && job.submission.runAtMs === 0 && !this.#isDisturbed(job)
  }
}

function isReleasedBy(command: PacketCommand, { job }: Assignment): boolean {
  return isRelease(command, job.function)
}

function isRelease(command: { readonly name: string; readonly args?: readonly string[] }, name: string): boolean {
  return command.name === 'RESET_ABILITIES' || (command.name === 'CANT_DO' && command.args?.[0] === name)
}

function addTo<T>(sets: Map<string, Set<T>>, key: string, item: T): void {
  const items = sets.get(key)
  if (items === undefined) sets.set(key, new Set([item]))
  else items.add(item)
}
