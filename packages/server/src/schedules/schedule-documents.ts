import type { Log } from '../log.ts'
import type { HeardDocument, StoredDocument } from '../store/store.ts'
import type { WallTime } from '../wall-time.ts'
import { type OtherRun, type Progress, type Run, readOtherRun, readProgress, Schedule } from './schedule.ts'
import type { ScheduleTable } from './schedule-table.ts'

const documentKind = 'schedule'
/** With a store that several servers use, see Progress and OtherRun. */
const progressKind = 'schedule progress'
const runKind = 'schedule run'

interface SharedSchedules {
  /** What is submitted and kept meanwhile is not said again when another server fires the schedules. */
  asLeader(act: () => void): void
  /** Another server has changed it, or it has run. */
  onHeard(name: string): void
}

export interface DocumentsContext {
  readonly wallTime: Pick<WallTime, 'now'>
  readonly log: Log
  /** In one piece with what was submitted in the same turn; without a body it is removed. */
  keepDocument(kind: string, name: string, body: string | undefined): void
  /** Several servers use the store, and one of them fires the schedules; undefined: this one has it alone. */
  readonly shared?: SharedSchedules | undefined
}

/**
 * What the store keeps of schedules. With one that several servers use, what a schedule is to do, how far it has got and
 * runs that other servers were asked for are in documents of their own, and each server hears what the others have
 * written.
 */
export class ScheduleDocuments {
  /** This server fires the schedules, and writes how far they have got. */
  isLeader: boolean
  readonly #context: DocumentsContext
  readonly #table: ScheduleTable
  /** How far each had got when it was heard of last, also of those that are yet to be heard of. */
  readonly #progress = new Map<string, Progress>()
  /** Runs that other servers were asked for, until they are in the history, by their documents' names. */
  readonly #otherRuns = new Map<string, OtherRun>()

  constructor(context: DocumentsContext, table: ScheduleTable) {
    this.#context = context
    this.#table = table
    this.isLeader = context.shared === undefined
  }

  // What is written

  /** What it is to do. */
  keep(schedule: Schedule): void {
    if (this.#context.shared !== undefined) schedule.touch(this.#context.wallTime.now)
    this.#context.keepDocument(documentKind, schedule.definition.name, schedule.written())
  }

  /** How far it has got. */
  keepProgress(schedule: Schedule): void {
    const { shared } = this.#context
    const { name } = schedule.definition
    if (shared === undefined) this.#context.keepDocument(documentKind, name, schedule.written())
    else if (this.isLeader)
      shared.asLeader(() => this.#context.keepDocument(progressKind, name, schedule.writtenProgress()))
  }

  /** One that was asked for here. Who fires them has it in the history. */
  keepRun(schedule: Schedule, run: Run): void {
    const { name } = schedule.definition
    if (this.isLeader) this.keepProgress(schedule)
    else this.#context.keepDocument(runKind, `${name} ${run.at}`, JSON.stringify({ schedule: name, run }))
  }

  remove({ definition: { name } }: Schedule): void {
    this.#context.keepDocument(documentKind, name, undefined)
    if (this.#context.shared !== undefined) this.#context.keepDocument(progressKind, name, undefined)
    this.#progress.delete(name)
  }

  /** What other servers were asked for is in the history from now on. */
  takeRuns(): void {
    for (const [key, { schedule }] of this.#otherRuns) this.#takeRun(key, schedule)
  }

  #takeRun(key: string, name: string): void {
    const schedule = this.#table.get(name)
    this.#otherRuns.delete(key)
    this.#context.shared?.asLeader(() => {
      if (schedule !== undefined) this.#context.keepDocument(progressKind, name, schedule.writtenProgress())
      this.#context.keepDocument(runKind, key, undefined)
    })
  }

  // What is read

  /** All schedules, as the store has them. */
  readAll(documents: readonly StoredDocument[]): Map<string, Schedule> {
    this.#progress.clear()
    this.#otherRuns.clear()
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

  /** Other servers have changed these. */
  hear(documents: readonly HeardDocument[]): void {
    for (const { kind, name, body } of documents) {
      if (kind === documentKind) this.#hearDefinition(name, body)
      else if (kind === progressKind) this.#hearProgress(name, body)
      else if (kind === runKind) this.#hearRun(name, body)
    }
  }

  #hearDefinition(name: string, body: string | undefined): void {
    const before = this.#table.get(name)
    const schedule = body === undefined ? undefined : this.#read(name, body)
    if (body !== undefined && schedule === undefined) return
    this.#table.remove(before)
    if (schedule === undefined) this.#removeProgress(name)
    else {
      // What has run here since is not forgotten, and no time comes twice.
      const { history = [], doneUntil = 0 } = before ?? {}
      const isNewer = (history[0]?.at ?? 0) > (schedule.history[0]?.at ?? 0)
      if (isNewer) schedule.history.splice(0, schedule.history.length, ...history)
      const progress = this.#progress.get(name)
      if (progress !== undefined) schedule.follow(progress)
      schedule.skip(doneUntil)
      this.#table.add(schedule)
    }
    this.#context.shared?.onHeard(name)
  }

  /** It may have been written here once more after it was removed there. */
  #removeProgress(name: string): void {
    this.#progress.delete(name)
    if (this.isLeader) this.#context.shared?.asLeader(() => this.#context.keepDocument(progressKind, name, undefined))
  }

  #hearProgress(name: string, body: string | undefined): void {
    const progress = body === undefined ? undefined : readProgress(body)
    if (progress === undefined) return void this.#progress.delete(name)
    this.#progress.set(name, progress)
    this.#table.get(name)?.follow(progress)
    this.#context.shared?.onHeard(name)
  }

  #hearRun(key: string, body: string | undefined): void {
    const heard = body === undefined ? undefined : readOtherRun(body)
    if (heard === undefined) return void this.#otherRuns.delete(key)
    this.#otherRuns.set(key, heard)
    this.#table.get(heard.schedule)?.recordOther(heard.run)
    if (this.isLeader) this.#takeRun(key, heard.schedule)
    this.#context.shared?.onHeard(heard.schedule)
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
}
