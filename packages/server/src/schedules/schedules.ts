import type { Submission } from '@geartrain/engine'
import type { ScheduleDefinition, ScheduleRun, ScheduleState } from '@geartrain/protocol'
import type { Clock } from '../clock.ts'
import type { Handles } from '../handles.ts'
import type { HeardDocument, StoredDocument } from '../store/store.ts'
import type { WallTime } from '../wall-time.ts'
import { type ClientSchedule, clientDefinition, clientScheduleName } from './client-schedule.ts'
import { type NameLimits, readDefinition } from './definition.ts'
import { type Run, Schedule } from './schedule.ts'
import { type DocumentsContext, ScheduleDocuments } from './schedule-documents.ts'
import { ScheduleError } from './schedule-error.ts'
import { ScheduleTable } from './schedule-table.ts'
import { checkTiming, isSameTiming, makeTiming, type TimingFields } from './timing.ts'

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
export interface ScheduleContext extends DocumentsContext {
  readonly clock: Clock
  readonly wallTime: Pick<WallTime, 'now' | 'offsetMs'>
  readonly handles: Pick<Handles, 'text' | 'total' | 'numberOf'>
  readonly limits: NameLimits
  /** Before anything that is no answer to a packet. */
  begin(): void
  /** `onJoined` is called later, with the number of the job that the store has and that this one has joined. */
  submit(submission: Submission, onJoined: (number: number) => void): Submitted
  /** What is due waits until it works again. */
  isStoreFailing(): boolean
  /** The number of a handle that no job has. */
  takeNumber(): number
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
  readonly #table = new ScheduleTable()
  readonly #documents: ScheduleDocuments
  /** Times before this date are missed: nobody was here, or the date has jumped over them. */
  #missedBefore = 0
  #offsetMs: number
  #stopTimer: (() => void) | undefined
  /** The date for which it is set; Infinity: it is not. */
  #timerAt = never
  #isStopped = false

  constructor(context: ScheduleContext) {
    this.#context = context
    this.#documents = new ScheduleDocuments(context, this.#table)
    this.#offsetMs = context.wallTime.offsetMs
  }

  /** What the store has kept, and what stands in the configuration file. What was missed meanwhile is seen to. */
  start(documents: readonly StoredDocument[], config: readonly ScheduleDefinition[]): void {
    const { wallTime } = this.#context
    this.#context.begin()
    const { now } = wallTime
    this.#offsetMs = wallTime.offsetMs
    this.#missedBefore = now
    const stored = this.#documents.readAll(documents)
    for (const definition of config) {
      const before = stored.get(definition.name)
      stored.delete(definition.name)
      if (before !== undefined && this.#isSaidBefore(definition, before)) this.#table.add(before)
      else this.#put(this.#configured(definition, before, now))
    }
    for (const schedule of stored.values()) {
      if (schedule.origin === 'config') this.#documents.remove(schedule)
      else this.#table.add(schedule)
    }
    this.#look()
  }

  // With a store that several servers use

  /** From now on this server fires them, or another one does. What that one has missed is seen to. */
  lead(isLeader: boolean): void {
    this.#documents.isLeader = isLeader
    if (!isLeader) {
      this.#stopTimer?.()
      this.#timerAt = never
      return
    }
    // The date is the store's since.
    const { offsetMs } = this.#context.wallTime
    this.#missedBefore += offsetMs - this.#offsetMs
    this.#offsetMs = offsetMs
    this.#documents.takeRuns()
    this.#look()
  }

  /** Other servers have changed these. */
  hear(documents: readonly HeardDocument[]): void {
    this.#documents.hear(documents)
    this.#look()
  }

  /** The store was opened anew, and has these. */
  reload(documents: readonly StoredDocument[]): void {
    for (const schedule of this.#table.all) this.#table.remove(schedule)
    for (const schedule of this.#documents.readAll(documents).values()) this.#table.add(schedule)
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
    for (const { definition } of this.#table.all) if (isCounted(definition.function)) count++
    return count
  }

  list(functionName?: string): ScheduleState[] {
    return this.#table.all
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
    const before = this.#table.get(definition.name)
    if (before?.origin === 'config') throw changedInFile(before)
    this.#table.refuseMore(definition, before)
    if (before === undefined || !isSameTiming(before.definition, definition)) refusePast(definition, now)
    const schedule = before ?? Schedule.begin(definition, 'runtime', now)
    this.#table.remove(before)
    before?.become(definition, 'runtime', definition.paused ?? false, now)
    this.#put(schedule)
    return schedule.state(shownTimes)
  }

  pause(name: string): ScheduleState {
    const schedule = this.#find(name)
    if (!schedule.paused) {
      schedule.pause()
      this.#documents.keep(schedule)
    }
    return schedule.state(shownTimes)
  }

  /** From now on. */
  resume(name: string): ScheduleState {
    const schedule = this.#find(name)
    if (schedule.paused) {
      schedule.resume(this.#context.wallTime.now)
      this.#documents.keep(schedule)
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
    const run = this.#submit(schedule, now, now, (joined) => this.#documents.keepRun(schedule, joined))
    this.#documents.keepRun(schedule, run)
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
    const before = known === undefined ? undefined : this.#table.get(known)
    if (before !== undefined && before.origin !== 'client') {
      throw new ScheduleError('CONFLICT', 'there is a schedule of this function and unique that is not from a client')
    }
    // Before a number is taken.
    this.#table.refuseMore(readDefinition(clientDefinition('-', asked), limits), before)
    const total = before?.handleTotal ?? handles.total(this.#context.takeNumber())
    const definition = clientDefinition(known ?? `${asked.function}:${total}`, asked)
    const schedule = before ?? Schedule.begin(definition, 'client', wallTime.now, total)
    this.#table.remove(before)
    // Someone may have paused it: that a client says it again does not undo that.
    before?.become(definition, 'client', before.paused, wallTime.now)
    this.#put(schedule)
    return handles.numberOf(total)
  }

  /** False: it is the handle of none. */
  removeByHandle(number: number): boolean {
    const schedule = this.#table.byHandle(this.#context.handles.total(number))
    if (schedule === undefined) return false
    this.#remove(schedule)
    return true
  }

  /** Of whose jobs it is; undefined: there is no such schedule. */
  functionOf(name: string): string | undefined {
    return this.#table.get(name)?.definition.function
  }

  functionByHandle(number: number): string | undefined {
    return this.#table.byHandle(this.#context.handles.total(number))?.definition.function
  }

  // What is there

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
    const schedule = this.#table.get(name)
    if (schedule === undefined) throw new ScheduleError('NOT_FOUND', `there is no schedule "${name}"`)
    return schedule
  }

  #put(schedule: Schedule): void {
    this.#table.add(schedule)
    this.#documents.keep(schedule)
    this.#arm(schedule)
  }

  #remove(schedule: Schedule): void {
    this.#table.remove(schedule)
    this.#documents.remove(schedule)
  }

  #refuseAtTheEnd(): void {
    if (this.#isStopped) throw new ScheduleError('SHUTTING_DOWN', 'the server is shutting down')
  }

  // What is due

  /** The one timer is for the time that comes first. One that moves away leaves it where it is: it will find nothing due. */
  #arm({ nextAt }: Schedule): void {
    if (this.#documents.isLeader && this.#noticeJump()) this.#armForAll()
    else if (nextAt < this.#timerAt) this.#armFor(nextAt)
  }

  #armForAll(): void {
    let soonest = never
    for (const { nextAt } of this.#table.all) soonest = Math.min(soonest, nextAt)
    this.#armFor(soonest)
  }

  /** Never far away: the date may jump. */
  #armFor(nextAt: number): void {
    this.#stopTimer?.()
    this.#timerAt = this.#documents.isLeader ? nextAt : never
    if (this.#isStopped || this.#timerAt === never) return
    const { clock, wallTime } = this.#context
    const leastMs = this.#context.isStoreFailing() ? restMs : 0
    this.#stopTimer = clock.after(Math.min(lookMs, Math.max(leastMs, nextAt - wallTime.now)), () => {
      this.#context.begin()
      this.#look()
    })
  }

  #look(): void {
    if (!this.#documents.isLeader) return
    this.#noticeJump()
    const { now } = this.#context.wallTime
    if (!this.#context.isStoreFailing()) this.#tickAll(now)
    this.#armForAll()
  }

  /** Those that are due, in the order of their times; if there are very many, the rest comes in the next loop iteration. */
  #tickAll(now: number): void {
    const { clock } = this.#context
    const due = this.#table.all.filter(({ nextAt }) => nextAt <= now)
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
    this.#documents.keepProgress(schedule)
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
    onJoined: (run: Run) => void = () => this.#documents.keepProgress(schedule),
  ): Run {
    const { handles } = this.#context
    const run = schedule.record({ dueAt, at, outcome: 'submitted' })
    const submitted = this.#context.submit(schedule.submission(), (number) => {
      join(run, handles.text(number))
      if (this.#table.get(schedule.definition.name) === schedule) onJoined(run)
    })
    if (submitted.outcome === 'refused') {
      run.outcome = 'refused'
      run.why = submitted.why
    } else if (submitted.outcome === 'joined') join(run, handles.text(submitted.number))
    else run.handle = handles.text(submitted.number)
    return run
  }
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
