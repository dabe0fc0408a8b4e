import type { Submission } from '@geartrain/engine'
import type { ScheduleDefinition, ScheduleRun, ScheduleState } from '@geartrain/protocol'
import type { Clock } from '../clock.ts'
import type { Handles } from '../handles.ts'
import type { Log } from '../log.ts'
import type { HeardDocument, StoredDocument } from '../store/store.ts'
import type { WallTime } from '../wall-time.ts'
import { type ClientSchedule, clientDefinition, clientScheduleName } from './client-schedule.ts'
import { type NameLimits, readDefinition } from './definition.ts'
import { type OtherRun, type Progress, type Run, readOtherRun, readProgress, Schedule } from './schedule.ts'
import { ScheduleError } from './schedule-error.ts'
import { checkTiming, isSameTiming, makeTiming, type TimingFields } from './timing.ts'

const documentKind = 'schedule'
/** With a store that several servers use, see Progress and OtherRun. */
const progressKind = 'schedule progress'
const runKind = 'schedule run'
const schedulesMax = 10_000
/** Of all schedules together, as they are written. They are in memory all the time. */
const workloadCharactersMax = 64 * 1024 * 1024
/** Missed times that are made up for in one go, of one schedule. */
const catchUpMax = 1000
/** A time that is seen to later than this is missed. */
const lateMsMax = 60_000
/** The date may be set at any time: it is looked at so often. */
const lookMs = 60_000
/** What the date moves on beside the time that passes, and is no jump. */
const driftMsMax = 1000
/** While the store fails, it is looked at so often. */
const restMs = 1000
/** Next times that are shown of a schedule, unless it is said, and at most. */
const shownTimes = 5
const shownTimesMax = 100
/** What schedules may take before others have their turn. */
const lookShareMs = 10
const never = Number.POSITIVE_INFINITY

/**
 * What has become of a submission. `kept`: it is kept, in one piece with all that is said in this turn, however often
 * the store has to be told. `joined`: nothing, a job of that unique is there already.
 */
export type Submitted =
  | { readonly outcome: 'kept' | 'joined'; readonly number: number }
  | { readonly outcome: 'refused'; readonly why: string }

/** What schedules need of the server. */
export interface ScheduleContext {
  readonly clock: Clock
  readonly wallTime: Pick<WallTime, 'now' | 'offsetMs'>
  readonly handles: Pick<Handles, 'text' | 'total' | 'numberOf'>
  readonly limits: NameLimits
  readonly log: Log
  /** Before anything that is no answer to a packet. */
  begin(): void
  /** `onJoined` is called later, with the number of the job that the store has and that this one has joined. */
  submit(submission: Submission, onJoined: (number: number) => void): Submitted
  /** What is due waits until it works again. */
  isStoreFailing(): boolean
  /** The number of a handle that no job has. */
  takeNumber(): number
  /** In one piece with what was submitted in the same turn; without a body it is removed. */
  keepDocument(kind: string, name: string, body: string | undefined): void
  /** Several servers use the store, and one of them fires the schedules; undefined: this one has it alone. */
  readonly shared?: SharedSchedules | undefined
}

interface SharedSchedules {
  /** What is submitted and kept meanwhile is not said again when another server fires the schedules. */
  asLeader(act: () => void): void
  /** Another server has changed it, or it has run. */
  onHeard(name: string): void
}

/**
 * Named schedules: jobs at times. For each time there is one job, though the server is killed: the job goes to the
 * store together with the schedule's document, which says what time comes next. That time only moves on, also when the
 * machine's date is put back.
 *
 * With a store that several servers use, one of them fires them, the leader; any may change them, and hears what the
 * others have changed.
 *
 * Methods that fail throw a ScheduleError and have done nothing.
 */
export class Schedules {
  readonly #context: ScheduleContext
  readonly #schedules = new Map<string, Schedule>()
  readonly #byHandle = new Map<number, Schedule>()
  #workloadCharacters = 0
  /** Times before this date are missed: nobody was here, or the date has jumped over them. */
  #missedBefore = 0
  #offsetMs: number
  #stopTimer: (() => void) | undefined
  /** The date for which it is set; Infinity: it is not. */
  #timerAt = never
  #isStopped = false
  #isLeader: boolean
  /** How far each had got when it was heard of last, also of those that are yet to be heard of. */
  readonly #progress = new Map<string, Progress>()
  /** Runs that other servers were asked for, until they are in the history, by their documents' names. */
  readonly #otherRuns = new Map<string, OtherRun>()

  constructor(context: ScheduleContext) {
    this.#context = context
    this.#isLeader = context.shared === undefined
    this.#offsetMs = context.wallTime.offsetMs
  }

  /** What the store has kept, and what stands in the configuration file. What was missed meanwhile is seen to. */
  start(documents: readonly StoredDocument[], config: readonly ScheduleDefinition[]): void {
    const { wallTime } = this.#context
    this.#context.begin()
    const { now } = wallTime
    this.#offsetMs = wallTime.offsetMs
    this.#missedBefore = now
    const stored = this.#readAll(documents)
    for (const definition of config) {
      const before = stored.get(definition.name)
      stored.delete(definition.name)
      if (before !== undefined && this.#isSaidBefore(definition, before)) this.#place(before)
      else this.#put(this.#configured(definition, before, now))
    }
    for (const schedule of stored.values()) {
      if (schedule.origin === 'config') this.#forget(schedule)
      else this.#place(schedule)
    }
    this.#look()
  }

  // With a store that several servers use

  /** From now on this server fires them, or another one does. What that one has missed is seen to. */
  lead(isLeader: boolean): void {
    this.#isLeader = isLeader
    if (!isLeader) {
      this.#stopTimer?.()
      this.#timerAt = never
      return
    }
    // The date is the store's since.
    const { offsetMs } = this.#context.wallTime
    this.#missedBefore += offsetMs - this.#offsetMs
    this.#offsetMs = offsetMs
    for (const [key, { schedule }] of this.#otherRuns) this.#takeRun(key, schedule)
    this.#look()
  }

  /** Other servers have changed these. */
  hear(documents: readonly HeardDocument[]): void {
    for (const { kind, name, body } of documents) {
      if (kind === documentKind) this.#hearDefinition(name, body)
      else if (kind === progressKind) this.#hearProgress(name, body)
      else if (kind === runKind) this.#hearRun(name, body)
    }
    this.#look()
  }

  /** The store was opened anew, and has these. */
  reload(documents: readonly StoredDocument[]): void {
    for (const schedule of this.#schedules.values()) this.#unplace(schedule)
    this.#progress.clear()
    this.#otherRuns.clear()
    for (const schedule of this.#readAll(documents).values()) this.#place(schedule)
  }

  #hearDefinition(name: string, body: string | undefined): void {
    const before = this.#schedules.get(name)
    const schedule = body === undefined ? undefined : this.#read(name, body)
    if (body !== undefined && schedule === undefined) return
    this.#unplace(before)
    if (schedule !== undefined) {
      // What has run here since is not forgotten, and no time comes twice.
      const { history = [], doneUntil = 0 } = before ?? {}
      const isNewer = (history[0]?.at ?? 0) > (schedule.history[0]?.at ?? 0)
      if (isNewer) schedule.history.splice(0, schedule.history.length, ...history)
      const progress = this.#progress.get(name)
      if (progress !== undefined) schedule.follow(progress)
      schedule.skip(doneUntil)
      this.#place(schedule)
    }
    this.#context.shared?.onHeard(name)
  }

  #hearProgress(name: string, body: string | undefined): void {
    const progress = body === undefined ? undefined : readProgress(body)
    if (progress === undefined) return void this.#progress.delete(name)
    this.#progress.set(name, progress)
    this.#schedules.get(name)?.follow(progress)
    this.#context.shared?.onHeard(name)
  }

  #hearRun(key: string, body: string | undefined): void {
    const heard = body === undefined ? undefined : readOtherRun(body)
    if (heard === undefined) return void this.#otherRuns.delete(key)
    this.#otherRuns.set(key, heard)
    this.#schedules.get(heard.schedule)?.recordOther(heard.run)
    if (this.#isLeader) this.#takeRun(key, heard.schedule)
    this.#context.shared?.onHeard(heard.schedule)
  }

  /** It is in the history from now on. */
  #takeRun(key: string, name: string): void {
    const schedule = this.#schedules.get(name)
    this.#otherRuns.delete(key)
    this.#context.shared?.asLeader(() => {
      if (schedule !== undefined) this.#context.keepDocument(progressKind, name, schedule.writtenProgress())
      this.#context.keepDocument(runKind, key, undefined)
    })
  }

  /** The file says what it has said at another server. */
  #isSaidBefore(definition: ScheduleDefinition, before: Schedule): boolean {
    const isSame = JSON.stringify(definition) === JSON.stringify(before.definition)
    return this.#context.shared !== undefined && before.origin === 'config' && isSame
  }

  /** From now on there are no more jobs. */
  stop(): void {
    this.#isStopped = true
    this.#stopTimer?.()
  }

  // What people ask

  /** Those of some functions. */
  countOf(isCounted: (functionName: string) => boolean): number {
    let count = 0
    for (const { definition } of this.#schedules.values()) if (isCounted(definition.function)) count++
    return count
  }

  list(functionName?: string): ScheduleState[] {
    return [...this.#schedules.values()]
      .filter(({ definition }) => functionName === undefined || definition.function === functionName)
      .sort((one, other) => (one.definition.name < other.definition.name ? -1 : 1))
      .map((schedule) => schedule.row())
  }

  show(name: string, nextCount: number = shownTimes): ScheduleState {
    return this.#find(name).state(Math.min(nextCount, shownTimesMax))
  }

  /** The next times of a schedule that would begin now. */
  preview(fields: TimingFields, count: number): number[] {
    checkTiming(fields)
    const { now } = this.#context.wallTime
    const timing = makeTiming(fields, now)
    const times: number[] = []
    for (let at = timing.after(now); times.length < count && at !== never; at = timing.after(at)) times.push(at)
    return times
  }

  /** A new one, or in the place of the one of that name. `given` is looked at. */
  put(given: unknown): ScheduleState {
    const definition = readDefinition(given, this.#context.limits)
    this.#refuseAtTheEnd()
    const { now } = this.#context.wallTime
    const before = this.#schedules.get(definition.name)
    if (before?.origin === 'config') throw changedInFile(before)
    this.#refuseMore(definition, before)
    if (before === undefined || !isSameTiming(before.definition, definition)) refusePast(definition, now)
    const schedule = before ?? Schedule.begin(definition, 'runtime', now)
    this.#unplace(before)
    before?.become(definition, 'runtime', definition.paused ?? false, now)
    this.#put(schedule)
    return schedule.state(shownTimes)
  }

  pause(name: string): ScheduleState {
    const schedule = this.#find(name)
    if (!schedule.paused) {
      schedule.pause()
      this.#keep(schedule)
    }
    return schedule.state(shownTimes)
  }

  /** From now on. */
  resume(name: string): ScheduleState {
    const schedule = this.#find(name)
    if (schedule.paused) {
      schedule.resume(this.#context.wallTime.now)
      this.#keep(schedule)
      this.#arm(schedule)
    }
    return schedule.state(shownTimes)
  }

  /** Now, beside its times, and though it is paused. When it is kept, the run says which job it is. */
  run(name: string): ScheduleRun {
    const schedule = this.#find(name)
    this.#refuseAtTheEnd()
    if (this.#context.isStoreFailing()) {
      throw new ScheduleError(
        'STORE_FAILED',
        'the store has failed: there are no jobs of schedules until it works again',
      )
    }
    this.#context.begin()
    const { now } = this.#context.wallTime
    const run = this.#submit(schedule, now, now, (joined) => this.#keepRun(schedule, joined))
    this.#keepRun(schedule, run)
    if (run.outcome === 'refused') throw new ScheduleError('CONFLICT', run.why ?? '')
    return run
  }

  remove(name: string): void {
    const schedule = this.#find(name)
    if (schedule.origin === 'config') throw changedInFile(schedule)
    this.#remove(schedule)
  }

  // What clients ask

  /** SUBMIT_JOB_SCHED. The same function and unique are one schedule. The number is that of the schedule's handle. */
  putClient(asked: ClientSchedule): number {
    this.#refuseAtTheEnd()
    const { handles, limits, wallTime } = this.#context
    const known = clientScheduleName(asked)
    const before = known === undefined ? undefined : this.#schedules.get(known)
    if (before !== undefined && before.origin !== 'client') {
      throw new ScheduleError('CONFLICT', 'there is a schedule of this function and unique that is not from a client')
    }
    // Before a number is taken.
    this.#refuseMore(readDefinition(clientDefinition('-', asked), limits), before)
    const total = before?.handleTotal ?? handles.total(this.#context.takeNumber())
    const definition = clientDefinition(known ?? `${asked.function}:${total}`, asked)
    const schedule = before ?? Schedule.begin(definition, 'client', wallTime.now, total)
    this.#unplace(before)
    // Someone may have paused it: that a client says it again does not undo that.
    before?.become(definition, 'client', before.paused, wallTime.now)
    this.#put(schedule)
    return handles.numberOf(total)
  }

  /** False: it is the handle of none. */
  removeByHandle(number: number): boolean {
    const schedule = this.#byHandle.get(this.#context.handles.total(number))
    if (schedule === undefined) return false
    this.#remove(schedule)
    return true
  }

  /** Of whose jobs it is; undefined: there is no such schedule. */
  functionOf(name: string): string | undefined {
    return this.#schedules.get(name)?.definition.function
  }

  functionByHandle(number: number): string | undefined {
    return this.#byHandle.get(this.#context.handles.total(number))?.definition.function
  }

  // What is there

  #readAll(documents: readonly StoredDocument[]): Map<string, Schedule> {
    const schedules = new Map<string, Schedule>()
    for (const { kind, name, body } of documents) {
      const progress = kind === progressKind ? readProgress(body) : undefined
      if (progress !== undefined) this.#progress.set(name, progress)
      const otherRun = kind === runKind ? readOtherRun(body) : undefined
      if (otherRun !== undefined) this.#otherRuns.set(name, otherRun)
      const schedule = kind === documentKind ? this.#read(name, body) : undefined
      if (schedule !== undefined) schedules.set(name, schedule)
    }
    for (const [name, progress] of this.#progress) schedules.get(name)?.follow(progress)
    for (const { schedule, run } of this.#otherRuns.values()) schedules.get(schedule)?.recordOther(run)
    return schedules
  }

  /** Undefined: that can't be done, as the log says. */
  #read(name: string, body: string): Schedule | undefined {
    try {
      return Schedule.read(body)
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      this.#context.log.warn(`the schedule "${name}" can't be read and is left out: ${why}`)
      return undefined
    }
  }

  /** What was paused at runtime stays so, until the file says otherwise than before. */
  #configured(definition: ScheduleDefinition, before: Schedule | undefined, now: number): Schedule {
    const { log } = this.#context
    const { name, at, paused = false } = definition
    if (before === undefined) {
      const schedule = Schedule.begin(definition, 'config', now)
      if (at !== undefined && schedule.timing.after(now) === never) {
        log.warn(`the schedule "${name}" never comes: ${at} has passed`)
      }
      return schedule
    }
    if (before.origin !== 'config') log.warn(`the schedule "${name}" is from now on that of the configuration file`)
    const isSaidAnew = before.origin !== 'config' || (before.definition.paused ?? false) !== paused
    before.become(definition, 'config', isSaidAnew ? paused : before.paused, now)
    return before
  }

  #find(name: string): Schedule {
    const schedule = this.#schedules.get(name)
    if (schedule === undefined) throw new ScheduleError('NOT_FOUND', `there is no schedule "${name}"`)
    return schedule
  }

  #put(schedule: Schedule): void {
    this.#place(schedule)
    this.#keep(schedule)
    this.#arm(schedule)
  }

  #place(schedule: Schedule): void {
    this.#schedules.set(schedule.definition.name, schedule)
    this.#workloadCharacters += workloadCharacters(schedule.definition)
    if (schedule.handleTotal !== undefined) this.#byHandle.set(schedule.handleTotal, schedule)
  }

  #unplace(schedule: Schedule | undefined): void {
    if (schedule === undefined) return
    this.#schedules.delete(schedule.definition.name)
    this.#workloadCharacters -= workloadCharacters(schedule.definition)
    if (schedule.handleTotal !== undefined) this.#byHandle.delete(schedule.handleTotal)
  }

  #remove(schedule: Schedule): void {
    this.#unplace(schedule)
    this.#forget(schedule)
  }

  #forget({ definition: { name } }: Schedule): void {
    const { shared } = this.#context
    this.#context.keepDocument(documentKind, name, undefined)
    if (shared !== undefined) this.#context.keepDocument(progressKind, name, undefined)
    this.#progress.delete(name)
  }

  /** What it is to do. */
  #keep(schedule: Schedule): void {
    if (this.#context.shared !== undefined) schedule.touch(this.#context.wallTime.now)
    this.#context.keepDocument(documentKind, schedule.definition.name, schedule.written())
  }

  /** How far it has got. */
  #keepProgress(schedule: Schedule): void {
    const { name } = schedule.definition
    if (this.#context.shared === undefined) this.#context.keepDocument(documentKind, name, schedule.written())
    else if (this.#isLeader)
      this.#context.shared.asLeader(() => this.#context.keepDocument(progressKind, name, schedule.writtenProgress()))
  }

  /** One that was asked for here. Who fires them has it in the history. */
  #keepRun(schedule: Schedule, run: Run): void {
    const { name } = schedule.definition
    if (this.#isLeader) this.#keepProgress(schedule)
    else this.#context.keepDocument(runKind, `${name} ${run.at}`, JSON.stringify({ schedule: name, run }))
  }

  #refuseMore(definition: ScheduleDefinition, before: Schedule | undefined): void {
    if (before === undefined && this.#schedules.size >= schedulesMax) {
      throw new ScheduleError('CONFLICT', `there are ${schedulesMax} schedules, which is as many as there can be`)
    }
    const freed = before === undefined ? 0 : workloadCharacters(before.definition)
    const added = workloadCharacters(definition)
    if (added > freed && this.#workloadCharacters - freed + added > workloadCharactersMax) {
      const why = `the workloads of all schedules have at most ${workloadCharactersMax / 1024 / 1024} MiB together`
      throw new ScheduleError('CONFLICT', `${why}: give this one a shorter workload, or remove others`)
    }
  }

  #refuseAtTheEnd(): void {
    if (this.#isStopped) throw new ScheduleError('SHUTTING_DOWN', 'the server is shutting down')
  }

  // What is due

  /** The one timer is for the time that comes first. One that moves away leaves it where it is: it will find nothing due. */
  #arm({ nextAt }: Schedule): void {
    if (this.#isLeader && this.#noticeJump()) this.#armForAll()
    else if (nextAt < this.#timerAt) this.#armFor(nextAt)
  }

  #armForAll(): void {
    let soonest = never
    for (const { nextAt } of this.#schedules.values()) soonest = Math.min(soonest, nextAt)
    this.#armFor(soonest)
  }

  /** Never far away: the date may jump. */
  #armFor(nextAt: number): void {
    this.#stopTimer?.()
    this.#timerAt = this.#isLeader ? nextAt : never
    if (this.#isStopped || this.#timerAt === never) return
    const { clock, wallTime } = this.#context
    const leastMs = this.#context.isStoreFailing() ? restMs : 0
    this.#stopTimer = clock.after(Math.min(lookMs, Math.max(leastMs, nextAt - wallTime.now)), () => {
      this.#context.begin()
      this.#look()
    })
  }

  #look(): void {
    if (!this.#isLeader) return
    this.#noticeJump()
    const { now } = this.#context.wallTime
    if (!this.#context.isStoreFailing()) this.#tickAll(now)
    this.#armForAll()
  }

  /** Those that are due, in the order of their times; if there are very many, the rest comes in the next loop iteration. */
  #tickAll(now: number): void {
    const { clock } = this.#context
    const due = [...this.#schedules.values()].filter(({ nextAt }) => nextAt <= now)
    const until = clock.now() + lookShareMs
    for (const schedule of due.sort((one, other) => one.nextAt - other.nextAt)) {
      const { shared } = this.#context
      if (shared === undefined) this.#tick(schedule, now)
      else shared.asLeader(() => this.#tick(schedule, now))
      if (clock.now() >= until) return
    }
  }

  #noticeJump(): boolean {
    const { wallTime, log } = this.#context
    const { offsetMs } = wallTime
    const jumpMs = offsetMs - this.#offsetMs
    this.#offsetMs = offsetMs
    if (Math.abs(jumpMs) <= driftMsMax) return false
    this.#missedBefore = jumpMs > 0 ? wallTime.now : Math.min(this.#missedBefore, wallTime.now)
    const what = jumpMs > 0 ? 'put on: times in between are missed' : 'put back: no time comes twice'
    log.warn(`the date was ${what} (${jumpMs / 1000} s)`)
    return true
  }

  /** Its times up to now, in one piece with what comes next. */
  #tick(schedule: Schedule, now: number): void {
    const { timing, nextAt } = schedule
    const lateBefore = Math.max(this.#missedBefore, now - lateMsMax)
    let due = nextAt
    if (due < lateBefore) {
      this.#missed(schedule, lateBefore, now)
      due = timing.after(lateBefore - 1)
    }
    for (; due <= now; due = timing.after(due)) this.#submit(schedule, due, now)
    schedule.nextAt = due
    schedule.doneUntil = now
    this.#keepProgress(schedule)
  }

  #missed(schedule: Schedule, until: number, now: number): void {
    const { timing, nextAt: firstAt, definition } = schedule
    if (definition.missed === 'once') return void this.#submit(schedule, firstAt, now)
    let due = firstAt
    if (definition.missed === 'all') {
      for (let count = 0; due < until && count < catchUpMax; count++) {
        this.#submit(schedule, due, now)
        due = timing.after(due)
      }
      if (due >= until) return
    }
    const more = timing.after(due) < until ? `, and all others before ${new Date(until).toISOString()}` : ''
    const why = due === firstAt ? '' : `more than ${catchUpMax} were missed; `
    const what = `${why}nothing was submitted for this time${more}`
    schedule.record({ dueAt: due, at: now, outcome: 'skipped: missed', why: what })
  }

  /** The run is in the history. */
  #submit(
    schedule: Schedule,
    dueAt: number,
    at: number,
    onJoined: (run: Run) => void = () => this.#keepProgress(schedule),
  ): Run {
    const { handles } = this.#context
    const run = schedule.record({ dueAt, at, outcome: 'submitted' })
    const submitted = this.#context.submit(schedule.submission(), (number) => {
      join(run, handles.text(number))
      if (this.#schedules.get(schedule.definition.name) === schedule) onJoined(run)
    })
    if (submitted.outcome === 'refused') {
      run.outcome = 'refused'
      run.why = submitted.why
    } else if (submitted.outcome === 'joined') join(run, handles.text(submitted.number))
    else run.handle = handles.text(submitted.number)
    return run
  }
}

function workloadCharacters({ workload }: ScheduleDefinition): number {
  if (workload === undefined) return 0
  return 'text' in workload ? workload.text.length : workload.base64.length
}

function refusePast(definition: ScheduleDefinition, now: number): void {
  const { at } = definition
  if (at === undefined || makeTiming(definition, now).after(now) !== never) return
  const today = new Date(now).toISOString()
  throw new ScheduleError('BAD_REQUEST', `at must be a date to come, and ${at} has passed: it is ${today}`, 'at')
}

/** The handle is that of the job which was there. */
function join(run: Run, handle: string): void {
  run.outcome = 'skipped: still running'
  run.handle = handle
}

function changedInFile({ definition: { name } }: Schedule): ScheduleError {
  return new ScheduleError(
    'CONFLICT',
    `the schedule "${name}" is from the configuration file: change it there and start the server again; it can be paused, resumed and run`,
  )
}
