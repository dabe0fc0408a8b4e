import { finalPackets, isGrab, workPackets } from '../simulation/command.ts'
import { checkJobs, checkPriorityStatus, checkStatus } from './census.ts'
import { type Event, type Message, showMessage } from './event.ts'
import { JobBook } from './job-book.ts'
import { type End, JobRecord, type Note } from './job-record.ts'
import { Line, type Sent } from './line.ts'
import type { Fault, Rule } from './rules.ts'
import { isAssignedAs, readAssigned, readSubmission, type Submission, Unanswered } from './submission.ts'

/** A server and its users are of one machine, and yet their clocks need not agree on when a second begins. */
const clockSkewMs = 50
/** A job that has gone is remembered with all it went through until so many servers later; its handle for ever. */
const livesRemembered = 4

/**
 * What a server has promised, kept outside of it from what its users have sent and heard, over all of its lives. A
 * command is acted on after it is sent and before its answer is heard, the commands of one connection in their order;
 * when exactly is not known, nor what becomes of a command whose answer never came. A rule counts as broken only if
 * no order of events within these bounds would allow what was heard.
 */
export class Ledger {
  /** The first thing that was wrong. What comes after it is not looked at. */
  fault: Fault | undefined
  /** The server that runs, or ran last; 0 before the first. */
  life = 0
  readonly jobs = new JobBook()
  readonly unanswered = new Unanswered()
  /** How much was seen, to know that a run tests anything. */
  readonly seen = new Map<string, number>()

  #moment = 0
  #nowMs = 0
  /** What is happening. */
  #event: Event = { kind: 'killed', atMs: 0 }
  /** By peer. */
  readonly #lines = new Map<string, Line>()
  /** Jobs that have ended in this life; their end may not be on disk. */
  readonly #unkept = new Set<JobRecord>()
  readonly #lives: Note[] = []
  /** Workers have left this server. When it notices is not known. */
  #hasLeavers = false

  see(event: Event): void {
    if (this.fault !== undefined) return
    this.#moment++
    this.#nowMs = event.atMs
    this.#event = event
    switch (event.kind) {
      case 'ready':
        return this.#ready()
      case 'killed':
        return this.#killed()
      case 'sends':
        return this.#sends(this.#lineOf(event.peer), event.message)
      case 'hears':
        return this.#hears(this.#lineOf(event.peer), event.message)
      case 'leaves':
        return this.#leaves(this.#lineOf(event.peer))
    }
  }

  count(what: string, times = 1): void {
    this.seen.set(what, (this.seen.get(what) ?? 0) + times)
  }

  fail(rule: Rule, text: string, ...jobs: readonly (JobRecord | undefined)[]): void {
    if (this.fault !== undefined) return
    const notes = [...this.#lives.slice(-10), ...jobs.flatMap((job) => job?.history() ?? [])]
    this.fault = { rule, text, history: notes.sort((one, other) => one.moment - other.moment) }
  }

  // What those who drive a server ask

  /** What the server has not done yet of what it must do at once. */
  owed(): string | undefined {
    for (const line of this.#lines.values()) {
      const sent = line.owed()
      if (sent !== undefined) return `${line.peer} has no answer to ${showMessage(sent.message)}`
      for (const job of line.waits.keys()) {
        if (!job.mayBeAlive) return `${line.peer} is not told that ${job.handle} has ended`
      }
    }
    return undefined
  }

  /** It is known what each worker has: nothing is on its way, and nobody has left. */
  get isQuiet(): boolean {
    if (this.#hasLeavers || this.owed() !== undefined) return false
    for (const job of this.jobs.live) if (job.ends.length > 0 && job.mayBeAlive) return false
    return true
  }

  // Servers

  #ready(): void {
    this.life++
    this.#hasLeavers = false
    this.#lives.push({ moment: this.#moment, what: this.#event })
    this.jobs.retire(this.life - livesRemembered + 1)
  }

  #killed(): void {
    this.#lives.push({ moment: this.#moment, what: this.#event })
    this.#lines.clear()
    this.#unkept.clear()
    for (const job of this.jobs.live) {
      if (job.lasting === 'no') {
        // Made or joined by one that was not answered, in this life or an earlier one.
        const mayLast = this.unanswered.withKey(job.key).some(({ background }) => background)
        if (mayLast) job.lasting = 'maybe'
        else this.gone(job, 'it was a foreground job when the server was killed')
      }
      if (job.lasting === 'maybe' || job.ends.length > 0 || job.endedAt !== Infinity) job.isUncertain = true
      job.endLife()
    }
  }

  // Connections

  #lineOf(peer: string): Line {
    const known = this.#lines.get(peer)
    if (known !== undefined) return known
    const line = new Line(peer, this.life)
    this.#lines.set(peer, line)
    return line
  }

  #leaves(line: Line): void {
    line.isOpen = false
    if (line.abilities.size > 0) this.#hasLeavers = true
    this.#lines.delete(line.peer)
    for (const job of line.holds) {
      if (job.holder === line) job.holder = undefined
      this.#note(job)
    }
    for (const job of line.waits.keys()) {
      job.waits.delete(line)
      this.#note(job)
    }
  }

  #sends(line: Line, message: Message): void {
    const { name } = message
    const submission = readSubmission(message, line.peer, this.life, this.#moment)
    if (submission !== undefined) {
      this.unanswered.add(submission)
      this.count(submission.background ? 'background submissions' : 'foreground submissions')
    }
    const end = name === 'cancel job' ? this.#cancels(line, message) : this.#lastWord(line, message)
    line.send({ message, event: this.#event, moment: this.#moment, index: line.nextIndex, submission, end })
    if (name === 'CAN_DO') line.abilities.add(message.args[0] ?? '')
    else if (name === 'CANT_DO') this.#release(line, message.args[0] ?? '')
  }

  /** Its jobs of that function go to others. */
  #release(line: Line, functionName: string): void {
    line.abilities.delete(functionName)
    for (const job of line.holds) {
      if (job.function !== functionName) continue
      line.holds.delete(job)
      if (job.holder === line) job.holder = undefined
      this.#note(job)
    }
  }

  #cancels(line: Line, { args: [handle = ''] }: Message): End | undefined {
    const job = this.jobs.find(handle)
    return job === undefined ? undefined : this.#mayEnd(job, line, false, 'cancel job', '')
  }

  #lastWord(line: Line, { name, args: [handle = '', result = ''] }: Message): End | undefined {
    if (name !== 'WORK_COMPLETE' && name !== 'WORK_FAIL' && name !== 'WORK_EXCEPTION') return undefined
    const job = this.jobs.find(handle)
    const isHolder = job?.holder === line && line.holds.has(job)
    const hasSpoken = job?.ends.some((end) => end.line === line) === true
    if (job === undefined || !isHolder || hasSpoken) {
      this.count('words on jobs of others')
      // The server may just be giving it the job, or was then.
      if (job !== undefined && (isHolder || line.hasGrabbed())) this.#mayEnd(job, line, isHolder, name, result)
      return undefined
    }
    line.holds.delete(job)
    const end = this.#mayEnd(job, line, true, name, result)
    line.words.push(end)
    this.count(name)
    return end
  }

  #mayEnd(job: JobRecord, line: Line, isOwn: boolean, cause: End['cause'], result: string): End {
    this.#note(job)
    const end = { job, line, index: line.nextIndex, sentAt: this.#moment, isOwn, cause, result, takenAt: Infinity }
    job.ends.push(end)
    return end
  }

  #hears(line: Line, message: Message): void {
    if (message.name === 'NOOP') return
    if (workPackets.has(message.name)) return this.#told(line, message)
    const sent = line.answer(message)
    if (typeof sent === 'string') return this.fail('h', `${line.peer}: ${sent}`)
    this.count('answers')
    this.#taken(line, sent)
    const { name } = sent.message
    if (sent.submission !== undefined) this.#submitted(line, sent, sent.submission, message)
    else if (isGrab(name)) this.#grabbed(line, sent, message)
    else if (name === 'GET_STATUS') this.#statusOf(sent, message)
    else if (name === 'GET_STATUS_UNIQUE') this.#statusOfUnique(sent, message)
    else if (name === 'cancel job') this.#cancelled(line, sent, message)
    else if (name === 'show jobs') checkJobs(this, message.args, sent.moment)
    else if (name === 'status') checkStatus(this, message.args, sent.moment)
    else if (name === 'prioritystatus') checkPriorityStatus(this, message.args, sent.moment)
  }

  /** The server has acted on all that was sent before the command that it answers now. */
  #taken(line: Line, { index }: Sent): void {
    while (line.words[0] !== undefined && line.words[0].index < index) {
      const end = line.words.shift()
      if (end === undefined) return
      end.takenAt = this.#moment
      this.#ended(end.job)
    }
  }

  // Answers

  #submitted(line: Line, sent: Sent, submission: Submission, { name, args }: Message): void {
    this.unanswered.remove(submission)
    if (name !== 'JOB_CREATED') {
      return this.fail('h', `${line.peer}: ${args.join(' ')} answers ${showMessage(sent.message)}`)
    }
    const [handle = ''] = args
    const { key } = submission
    this.count('acknowledged')
    if (this.jobs.isRetired(handle)) return this.fail('c', `${handle} is given out again`)
    if (submission.made !== undefined && submission.made !== handle) {
      const made = this.jobs.find(submission.made)
      const text = `${showMessage(sent.message)} is answered with ${handle}, and a worker got it as ${submission.made}`
      return this.fail('c', text, made)
    }
    const known = this.jobs.find(handle)
    const job = known ?? this.#add(handle, submission.background ? 'yes' : 'no')
    job.note(sent.moment, sent.event)
    this.#note(job)
    if (known !== undefined) this.#joins(known, submission)
    else {
      const mayHaveMadeIt = (other: Submission) => other.made === undefined || other.made === handle
      this.jobs.identify(job, [submission, ...this.unanswered.withKey(key).filter(mayHaveMadeIt)])
    }
    job.answers++
    if (submission.background) {
      if (job.lasting !== 'yes') job.lasting = 'yes'
      this.#keep(line, sent)
    } else {
      line.waits.set(job, (line.waits.get(job) ?? 0) + 1)
      job.waits.set(line, (job.waits.get(line) ?? 0) + 1)
    }
    this.#checkTwins(job)
  }

  /** The answer is a handle that was known before. */
  #joins(job: JobRecord, submission: Submission): void {
    const { key } = submission
    const { handle } = job
    if (key === undefined) {
      // A worker can have seen it before its submitter heard of it.
      const isItsOwn =
        job.answers === 0 && job.knownAt > submission.sentAt && job.creators?.includes(submission) !== false
      if (!isItsOwn) this.fail('c', `${handle} is given to a job of its own, and was another's`, job)
      return
    }
    let creators = job.creators
    if (creators === undefined) {
      creators = [submission, ...this.unanswered.withKey(key)].filter(({ sentAt }) => sentAt < job.knownAt)
    }
    const possible = creators.filter((creator) => creator.key === key)
    if (possible.length === 0) return this.fail('c', `${handle} is given to two jobs`, job)
    this.jobs.identify(job, possible)
    this.seenAlive(job, submission.sentAt, 'd', 'is joined')
    if (job.answers > 0) this.count('joined')
    if (job.knownAt < this.#lifeBegan) this.count('joined after a restart')
  }

  #grabbed(line: Line, sent: Sent, message: Message): void {
    if (message.name === 'NO_JOB') return
    const assigned = readAssigned(message, sent.message.name)
    const [handle = ''] = message.args
    const what = `${line.peer} is given ${handle}`
    this.count('assigned')
    const { job, isNew } = this.#assignedJob(handle, message, sent.message.name)
    if (job === undefined) return
    this.#note(job)
    if (!isNew) this.seenAlive(job, sent.moment, 'b', `is given to ${line.peer}`)
    const creators = (job.creators ?? this.unanswered.assignedAs(assigned)).filter((one) => isAssignedAs(one, assigned))
    if (creators.length === 0) return this.fail('a', `${what}, which is not what was submitted`, job)
    this.jobs.identify(job, creators)
    this.#settleCreator(job, creators)
    if (!line.abilities.has(assigned.function)) this.fail('h', `${what}, which it can't do`, job)
    if (this.#nowMs + clockSkewMs < job.runAtMsMin) {
      this.fail('e', `${what} ${job.runAtMsMin - this.#nowMs} ms before its time`, job)
    }
    if (job.holder?.isOpen === true) this.fail('g', `${what}, which ${job.holder.peer} has`, job)
    job.ends = job.ends.filter(mayStillEnd)
    job.holder = line
    line.holds.add(job)
    job.runs++
    if (job.runs > 1) this.count('assigned again')
    this.#checkTwins(job)
  }

  /** The job of that handle; one that nobody was told of yet is taken up if it is as somebody has submitted it. */
  #assignedJob(handle: string, message: Message, grab: string): { job: JobRecord | undefined; isNew: boolean } {
    const known = this.jobs.find(handle)
    if (known !== undefined) return { job: known, isNew: false }
    if (this.jobs.isRetired(handle)) {
      this.fail('b', `${showMessage(message)}, which ended long ago`)
      return { job: undefined, isNew: false }
    }
    const creators = this.unanswered.assignedAs(readAssigned(message, grab))
    if (creators.length === 0) {
      this.fail('a', `${showMessage(message)}, which nobody has submitted`)
      return { job: undefined, isNew: false }
    }
    this.count('discovered')
    // No worker sees a background job before it is on disk.
    const isEach = creators.every(({ background }) => background)
    const isAny = creators.some(({ background }) => background)
    const job = this.#add(handle, isEach ? 'yes' : isAny ? 'maybe' : 'no')
    this.jobs.identify(job, creators)
    return { job, isNew: true }
  }

  /** A worker has shown which submission made the job, if what it was given is unlike any other. */
  #settleCreator(job: JobRecord, creators: readonly Submission[]): void {
    const [creator] = creators
    if (creator === undefined || creators.length > 1) return
    creator.made = job.handle
    if (creator.background) job.lasting = 'yes'
    // Nobody will be told of it any more.
    if (!this.#lines.has(creator.peer)) this.unanswered.remove(creator)
  }

  #statusOf({ moment }: Sent, { args: [handle = '', known] }: Message): void {
    const job = this.jobs.find(handle)
    this.count(known === '1' ? 'status known' : 'status unknown')
    if (job === undefined) return
    this.#note(job)
    if (known === '1') this.seenAlive(job, moment, 'b', 'is known to GET_STATUS')
    else if (job.isSurelyAlive && job.knownAt < moment) this.fail('a', `${job.handle} is not known to GET_STATUS`, job)
  }

  #statusOfUnique({ moment }: Sent, { args: [unique = '', known] }: Message): void {
    if (unique === '' || unique === '-') return
    const jobs = this.jobs.withUnique(unique)
    if (known === '0') {
      const missed = jobs.find((job) => job.isSurelyAlive && job.knownAt < moment)
      if (missed !== undefined) this.fail('a', `${missed.handle} is not known to GET_STATUS_UNIQUE`, missed)
      return
    }
    const isPossible =
      jobs.some((job) => job.mayBeAlive) || [...this.unanswered].some((submission) => submission.unique === unique)
    const ended = [...this.jobs.all.values()].filter((job) => job.unique === unique)
    // Any of them can have lived when the question was sent.
    const justEnded = ended.some((job) => Math.min(job.goneAt, job.endedAt) > moment)
    if (!isPossible && !justEnded)
      this.fail('b', `GET_STATUS_UNIQUE knows ${unique}, all of whose jobs have ended`, ended.at(-1))
  }

  #cancelled(line: Line, sent: Sent, { name }: Message): void {
    const { end } = sent
    if (end === undefined) return
    const { job } = end
    this.#note(job)
    if (name === 'OK') {
      this.count('cancelled')
      const isDurable = job.lasting === 'yes' && job.knownAt < sent.moment
      this.seenAlive(job, sent.moment, 'b', 'is cancelled')
      this.#ended(job)
      this.gone(job, `it was cancelled, ${line.peer} was told`)
      if (isDurable) this.#keep(line, sent)
      return
    }
    job.ends = job.ends.filter((other) => other !== end)
    if (job.isSurelyAlive && job.knownAt < sent.moment) this.fail('a', `${job.handle} is not known to cancel job`, job)
  }

  /** A client hears what a worker said, or what else became of a job that it waits for. */
  #told(line: Line, message: Message): void {
    const [handle = '', result = ''] = message.args
    const job = this.jobs.find(handle)
    const count = job === undefined ? undefined : line.waits.get(job)
    const what = `${line.peer} hears ${showMessage(message)}`
    if (job === undefined || count === undefined) return this.fail('h', `${what}, for which it does not wait`, job)
    this.#note(job)
    if (!finalPackets.has(message.name)) return
    this.count('told')
    const isCause = (end: End) =>
      message.name === 'WORK_COMPLETE'
        ? end.cause === 'WORK_COMPLETE' && end.result === result
        : end.cause !== 'WORK_COMPLETE'
    if (!job.ends.some(isCause)) this.fail('h', `${what}, which nothing has caused`, job)
    if (count > 1) line.waits.set(job, count - 1)
    else {
      line.waits.delete(job)
      job.waits.delete(line)
    }
    this.#ended(job)
    this.gone(job, `${line.peer}, which waited for it, was told`)
  }

  // What becomes of jobs

  #note(job: JobRecord): void {
    job.note(this.#moment, this.#event)
  }

  #add(handle: string, lasting: JobRecord['lasting']): JobRecord {
    const job = new JobRecord(handle, this.#moment, this.life, lasting)
    this.jobs.add(job)
    this.count('jobs')
    return job
  }

  /** A table has a handle that nobody was told of. */
  addStranger(handle: string): JobRecord | undefined {
    if (this.jobs.isRetired(handle)) {
      this.fail('b', `show jobs has ${handle}, which ended long ago`)
      return undefined
    }
    this.count('discovered')
    // What this server was asked and has not answered may not be on disk.
    const isOfLastLife = ![...this.unanswered].some(({ life }) => life === this.life)
    const job = this.#add(handle, isOfLastLife ? 'yes' : 'maybe')
    job.note(this.#moment, `${this.#event.atMs} show jobs has it`)
    return job
  }

  /** By this moment it has ended; whether on disk too is not said. */
  #ended(job: JobRecord): void {
    if (job.isGone) return
    job.endedAt = Math.min(job.endedAt, this.#moment)
    job.holder = undefined
    this.#unkept.add(job)
  }

  /** It must never be seen again. */
  gone(job: JobRecord, because: string): void {
    if (job.isGone) return
    job.goneAt = this.#moment
    job.goneIn = this.life
    job.goneBecause = because
    job.note(this.#moment, `gone for good: ${because}`)
    this.jobs.bury(job)
    this.#unkept.delete(job)
    if (job.runs > 1) this.count('jobs that ran again')
    this.count('jobs that have ended')
  }

  /** An acknowledgement of what is on disk: so is all that the server had taken before it. */
  #keep(line: Line, { moment, index, message }: Sent): void {
    for (const job of this.#unkept) {
      const isBefore = (end: End) => end.line === line && end.index < index && end.takenAt !== Infinity
      if (job.endedAt >= moment && !job.ends.some(isBefore)) continue
      this.gone(job, `its end was taken before ${line.peer}'s ${showMessage(message)}, which was acknowledged`)
    }
  }

  /** The server knew it at some time after `since`. */
  seenAlive(job: JobRecord, since: number, rule: Rule, how: string): void {
    if (job.goneAt <= since) this.fail(rule, `${job.handle} ${how} although it has ended: ${job.goneBecause}`, job)
    else if (job.endedAt <= since)
      this.fail(rule === 'd' ? 'd' : 'g', `${job.handle} ${how} although it has ended`, job)
    else if (!job.isGone && job.life !== this.life) {
      // It is on disk, and what was said to earlier servers has not ended it.
      job.life = this.life
      job.lasting = 'yes'
      job.isUncertain = false
    }
  }

  /** A table of all jobs that was asked for then does not have it, and it need not. */
  missed(job: JobRecord, since: number): void {
    if (job.knownAt > since) return
    // A cancellation that nobody was told of may have ended it in this server alone.
    if (job.isUncertain && job.ends.length === 0) this.gone(job, 'it was not there after a restart')
    else this.#ended(job)
  }

  #checkTwins(job: JobRecord): void {
    if (job.key === undefined || !job.isSurelyAlive) return
    for (const other of this.jobs.withKey(job.key)) {
      if (other === job || !other.isSurelyAlive) continue
      this.fail('d', `${job.handle} and ${other.handle} live at a time and have the same unique`, job, other)
    }
  }

  get #lifeBegan(): number {
    return this.#lives.at(-1)?.moment ?? 0
  }
}

/**
 * The job was given to another worker. A last word of one that had the job and has left came too late: the server knew
 * that it had left. Of one that had asked for a job it knew no such thing: it can give it the job when the other leaves,
 * and then read the word.
 */
function mayStillEnd({ line, isOwn, index, cause }: End): boolean {
  return !finalPackets.has(cause) || line.isOpen || (!isOwn && line.hasGrabbed(index))
}
