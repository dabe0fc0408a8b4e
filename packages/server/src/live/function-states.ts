import type { JobFunction, Policy } from '@geartrain/engine'
import { functionTotals } from '../cluster/totals.ts'
import type { Figures } from '../metrics/figures.ts'
import type { FunctionFigures } from '../metrics/function-figures.ts'
import { oldestReadyAt } from '../metrics/oldest-ready.ts'
import { functionState } from './function-state.ts'

/** A function that is gone is remembered for so many ticks, which is longer than anybody's interval. */
export const ticksKept = 64

interface Known {
  readonly figures: FunctionFigures
  /** JSON. */
  written: string
  /** The tick at which it became so. */
  changedAt: number
  /** What it was made of: while that is the same, so is the state. */
  readonly madeOf: MadeOf
}

interface MadeOf {
  changes: number
  jobCount: number
  high: number
  normal: number
  delayed: number
  running: number
  workers: number
  dead: number
  policy: Policy | undefined
  oldest: number | undefined
}

/** The states of all functions as of the last tick, and when each was last another one. */
export class FunctionStates {
  readonly #figures: Figures
  readonly #byName = new Map<string, Known>()
  /** The tick at which each was missed. */
  readonly #gone = new Map<string, number>()

  constructor(figures: Figures) {
    this.#figures = figures
  }

  update(tick: number): void {
    const { engine, functions, dead, clock } = this.#figures
    const now = clock.now()
    for (const jobFunction of engine.functions()) this.#look(jobFunction.name, jobFunction, tick, now)
    for (const name of dead.byName.keys()) {
      if (engine.findFunction(name) === undefined) this.#look(name, undefined, tick, now)
    }
    for (const name of this.#byName.keys()) {
      if (engine.findFunction(name) !== undefined || dead.byName.has(name)) continue
      this.#byName.delete(name)
      if (functions.find(name) !== undefined || !this.#gone.has(name)) this.#gone.set(name, tick)
    }
    for (const [name, at] of this.#gone) if (at <= tick - ticksKept) this.#gone.delete(name)
  }

  /** Those that have changed after that tick, as JSON; `names` undefined: of all. */
  written(since: number, maySee: (name: string) => boolean, names: readonly string[] | undefined): string[] {
    const written: string[] = []
    const take = (name: string, known: Known | undefined) => {
      if (known !== undefined && known.changedAt > since && maySee(name)) written.push(known.written)
    }
    if (names === undefined) for (const [name, known] of this.#byName) take(name, known)
    else for (const name of names) take(name, this.#byName.get(name))
    return written
  }

  /** The names of those that were missed after that tick. */
  gone(since: number, maySee: (name: string) => boolean, names: readonly string[] | undefined): string[] {
    const gone: string[] = []
    for (const [name, at] of this.#gone) {
      if (at > since && maySee(name) && (names === undefined || names.includes(name))) gone.push(name)
    }
    return gone
  }

  /** Nobody wants to know. */
  clear(): void {
    this.#byName.clear()
    this.#gone.clear()
  }

  #look(name: string, jobFunction: JobFunction | undefined, tick: number, now: number): void {
    const known = this.#byName.get(name)
    const figures = known?.figures ?? this.#figures.functions.named(name)
    const dead = this.#figures.dead.byName.get(name) ?? 0
    const madeOf = makings(figures, jobFunction, dead)
    if (known !== undefined && figures.isQuiet(now) && isSame(madeOf, known.madeOf)) return
    const written = JSON.stringify(functionState(figures, jobFunction, dead, now, this.#figures.wallTime.offsetMs))
    if (known?.written === written) return
    this.#gone.delete(name)
    this.#byName.set(name, { figures, written, changedAt: tick, madeOf })
  }
}

function makings(figures: FunctionFigures, jobFunction: JobFunction | undefined, dead: number): MadeOf {
  const totals = jobFunction && functionTotals(jobFunction)
  return {
    changes: figures.changes,
    jobCount: totals?.all ?? 0,
    high: totals?.ready[0] ?? 0,
    normal: totals?.ready[1] ?? 0,
    delayed: totals?.delayed ?? 0,
    running: totals?.running ?? 0,
    workers: totals?.workers ?? 0,
    dead,
    policy: jobFunction?.policy,
    oldest: jobFunction && oldestReadyAt(jobFunction),
  }
}

function isSame(one: MadeOf, other: MadeOf): boolean {
  return (
    one.changes === other.changes &&
    one.jobCount === other.jobCount &&
    one.high === other.high &&
    one.normal === other.normal &&
    one.delayed === other.delayed &&
    one.running === other.running &&
    one.workers === other.workers &&
    one.dead === other.dead &&
    one.policy === other.policy &&
    one.oldest === other.oldest
  )
}
