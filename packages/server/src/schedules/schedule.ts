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

/** A named schedule: what it is to do, and how far it has got. All of it is kept in one document. */
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
    const { definition, origin, anchor, nextAt, paused, history, handleTotal } = kept
    const isRight =
      isOrigin(origin) &&
      typeof anchor === 'number' &&
      (nextAt === undefined || typeof nextAt === 'number') &&
      typeof paused === 'boolean' &&
      isHistory(history) &&
      (handleTotal === undefined || typeof handleTotal === 'number')
    if (!isRight) throw new Error('a field is missing or wrong')
    const state = { anchor, nextAt: nextAt ?? never, paused, history, handleTotal }
    return new Schedule(readDefinition(definition, noNameLimits), origin, state)
  }

  /** Its document. */
  written(): string {
    const { definition, origin, anchor, paused, history, handleTotal } = this
    const nextAt = this.nextAt === never ? undefined : this.nextAt
    return JSON.stringify({ definition, origin, anchor, nextAt, paused, history, handleTotal })
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

const outcomes = ['submitted', 'skipped: still running', 'skipped: missed', 'refused']

function isOrigin(value: unknown): value is Origin {
  return value === 'config' || value === 'runtime' || value === 'client'
}

function isHistory(value: unknown): value is ScheduleRun[] {
  return Array.isArray(value) && value.every(isRun)
}

function isRun(value: unknown): boolean {
  if (!isRecord(value)) return false
  const { dueAt, at, outcome } = value
  return typeof dueAt === 'number' && typeof at === 'number' && outcomes.some((known) => known === outcome)
}
