import { priorities, type Submission } from '@geartrain/engine'
import type { ScheduleDefinition, ScheduleRun, ScheduleState } from '@geartrain/protocol'
import { fromBytes } from '../control/bytes.ts'
import { isRecord, noNameLimits, readDefinition } from './definition.ts'
import { isSameTiming, makeTiming, type Timing } from './timing.ts'

/** Runs that are remembered, the latest ones. */
const historyMax = 20
const noBytes = new Uint8Array(0)
const never = Number.POSITIVE_INFINITY

export type Origin = ScheduleState['origin']
/** It may turn out that the store has a job that this one's has joined. */
export type Run = { -readonly [Key in keyof ScheduleRun]: ScheduleRun[Key] }

interface Kept {
  /** From which `every` is counted. */
  readonly anchor: number
  readonly nextAt: number
  readonly paused: boolean
  readonly history: readonly ScheduleRun[]
  /** The digits of its handle, if a client has one. */
  readonly handleTotal: number | undefined
}

/**
 * How far a schedule has got, in a document of its own: with a store that several servers use, one of them fires it while
 * any may change it, and neither overwrites what the other has said.
 */
export interface Progress {
  /** Of the definition that it is about; with another one, that one's own next time counts. */
  readonly changedAt: number | undefined
  /** All times up to this date have been seen to, whatever the definition says. */
  readonly doneUntil: number
  readonly nextAt: number | undefined
  readonly history: readonly ScheduleRun[]
}

/** A named schedule: what it is to do, and how far it has got. All of it is kept in one document, see also Progress. */
export class Schedule {
  definition: ScheduleDefinition
  origin: Origin
  anchor: number
  timing: Timing
  handleTotal: number | undefined
  /** The next time that has not been seen to; Infinity if it is paused or over. */
  nextAt: number
  paused: boolean
  /** The latest first. */
  readonly history: Run[]
  /** With a store that several servers use: when it was changed last, and up to when its times have been seen to. */
  changedAt: number | undefined
  doneUntil = 0

  constructor(definition: ScheduleDefinition, origin: Origin, kept: Kept) {
    this.definition = definition
    this.origin = origin
    this.anchor = kept.anchor
    this.timing = makeTiming(definition, kept.anchor)
    this.handleTotal = kept.handleTotal
    this.nextAt = kept.nextAt
    this.paused = kept.paused
    this.history = [...kept.history]
  }

  /** One that counts from now on. */
  static begin(definition: ScheduleDefinition, origin: Origin, now: number, handleTotal?: number): Schedule {
    const paused = definition.paused ?? false
    const schedule = new Schedule(definition, origin, { anchor: now, nextAt: never, paused, history: [], handleTotal })
    if (!paused) schedule.nextAt = schedule.timing.after(now)
    return schedule
  }

  /** From its document. Throws an Error that says what is wrong with it. */
  static read(body: string): Schedule {
    const kept: unknown = JSON.parse(body)
    if (!isRecord(kept)) throw new Error('it is no object')
    const { definition, origin, anchor, nextAt, paused, history, handleTotal, changedAt } = kept
    const isRight =
      isOrigin(origin) &&
      typeof anchor === 'number' &&
      (nextAt === undefined || typeof nextAt === 'number') &&
      typeof paused === 'boolean' &&
      isHistory(history) &&
      (handleTotal === undefined || typeof handleTotal === 'number') &&
      (changedAt === undefined || typeof changedAt === 'number')
    if (!isRight) throw new Error('a field is missing or wrong')
    const state = { anchor, nextAt: nextAt ?? never, paused, history, handleTotal }
    const schedule = new Schedule(readDefinition(definition, noNameLimits), origin, state)
    schedule.changedAt = changedAt
    return schedule
  }

  /** Its document. */
  written(): string {
    const { definition, origin, anchor, paused, history, handleTotal, changedAt } = this
    const nextAt = this.nextAt === never ? undefined : this.nextAt
    return JSON.stringify({ definition, origin, anchor, nextAt, paused, history, handleTotal, changedAt })
  }

  /** The document of its progress. */
  writtenProgress(): string {
    const { changedAt, doneUntil, history } = this
    const progress: Progress = {
      changedAt,
      doneUntil,
      nextAt: this.nextAt === never ? undefined : this.nextAt,
      history,
    }
    return JSON.stringify(progress)
  }

  /** It was changed here; no two changes are of the same time. */
  touch(now: number): void {
    this.changedAt = Math.max(now, (this.changedAt ?? 0) + 1)
  }

  /** As far as another server, or this one before it was started again, has got with it. */
  follow({ changedAt, doneUntil, nextAt, history }: Progress): void {
    if (changedAt === this.changedAt) {
      this.nextAt = nextAt ?? never
      this.history.splice(0, historyMax, ...history)
    } else if (this.history.length === 0) this.history.push(...history)
    this.skip(doneUntil)
  }

  /** All times up to this date have been seen to. */
  skip(doneUntil: number): void {
    this.doneUntil = Math.max(this.doneUntil, doneUntil)
    if (this.nextAt <= this.doneUntil) this.nextAt = this.timing.after(this.doneUntil)
  }

  /** Another definition in its place. It goes on where it was if its times are the same, else it counts from now on. */
  become(definition: ScheduleDefinition, origin: Origin, paused: boolean, now: number): void {
    const isSame = isSameTiming(this.definition, definition)
    if (!isSame) {
      this.timing = makeTiming(definition, now)
      this.anchor = now
    }
    if (paused) this.pause()
    else if (this.paused || !isSame) this.resume(now)
    this.definition = definition
    this.origin = origin
    if (origin !== 'client') this.handleTotal = undefined
  }

  pause(): void {
    this.paused = true
    this.nextAt = never
  }

  /** What it has missed meanwhile is not made up for. */
  resume(now: number): void {
    this.paused = false
    this.nextAt = this.timing.after(now)
  }

  /** A run that another server has told of, perhaps not for the first time. */
  recordOther(run: ScheduleRun): void {
    const index = this.history.findIndex(({ dueAt, at }) => dueAt === run.dueAt && at === run.at)
    if (index >= 0) this.history[index] = { ...run }
    else this.record({ ...run })
  }

  record(run: Run): Run {
    this.history.unshift(run)
    if (this.history.length > historyMax) this.history.length = historyMax
    return run
  }

  /** The next times, at most so many. */
  next(count: number): number[] {
    const times: number[] = []
    for (let at = this.nextAt; times.length < count && at !== never; ) {
      times.push(at)
      // It takes long to look for another one.
      if (times.length < count) at = this.timing.after(at)
    }
    return times
  }

  state(nextCount: number): ScheduleState {
    return { ...this.definition, ...this.#state(nextCount, historyMax) }
  }

  /** As one of many, which are to fit in an answer: without its workload, with the last of its runs. */
  row(): ScheduleState {
    const { workload: _workload, ...definition } = this.definition
    return { ...definition, ...this.#state(1, 1) }
  }

  #state(nextCount: number, runCount: number): Omit<ScheduleState, keyof ScheduleDefinition> & { paused: boolean } {
    const { origin, paused, history } = this
    return {
      origin,
      paused,
      next: this.next(nextCount),
      history: history.slice(0, runCount).map((run) => ({ ...run })),
    }
  }

  submission(): Submission {
    const { name, function: functionName, unique = '', workload, priority = 'normal', overlap = true } = this.definition
    return {
      function: functionName,
      unique: unique === '' && !overlap ? `schedule:${name}` : unique,
      workload: workload === undefined ? noBytes : fromBytes(workload),
      priority: priorities[priority],
      background: true,
      runAt: 0,
      reducer: '',
      then: this.definition.then ?? '',
      options: '',
      trace: '',
    }
  }
}

/** Undefined: it is not what a server has written. */
export function readProgress(body: string): Progress | undefined {
  const { changedAt, doneUntil, nextAt, history } = parseRecord(body)
  const isRight =
    (changedAt === undefined || typeof changedAt === 'number') &&
    typeof doneUntil === 'number' &&
    (nextAt === undefined || typeof nextAt === 'number') &&
    isHistory(history)
  return isRight ? { changedAt, doneUntil, nextAt, history } : undefined
}

/** A run that was asked for at a server which does not fire schedules, in a document of its own. */
export interface OtherRun {
  readonly schedule: string
  readonly run: ScheduleRun
}

/** Undefined: as above. */
export function readOtherRun(body: string): OtherRun | undefined {
  const { schedule, run } = parseRecord(body)
  return typeof schedule === 'string' && isRun(run) ? { schedule, run } : undefined
}

function parseRecord(body: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body)
    return isRecord(value) ? value : {}
  } catch {
    return {}
  }
}

const outcomes = ['submitted', 'skipped: still running', 'skipped: missed', 'refused']

function isOrigin(value: unknown): value is Origin {
  return value === 'config' || value === 'runtime' || value === 'client'
}

function isHistory(value: unknown): value is ScheduleRun[] {
  return Array.isArray(value) && value.every(isRun)
}

function isRun(value: unknown): value is ScheduleRun {
  if (!isRecord(value)) return false
  const { dueAt, at, outcome } = value
  return typeof dueAt === 'number' && typeof at === 'number' && outcomes.some((known) => known === outcome)
}
