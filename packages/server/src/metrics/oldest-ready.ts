import type { Engine, JobFunction } from '@geartrain/engine'
import type { Archive } from '../archive.ts'
import type { Clock } from '../clock.ts'
import type { WallTime } from '../wall-time.ts'
import { StoreQuestion } from './store-question.ts'

/** The store is asked about so many functions at a time. */
export const askedFunctions = 500

/**
 * Since when, in the engine's time, the job of a function that waits longest for a worker could have been begun. Undefined:
 * none is in memory; where nobody does them, they are on disk alone.
 */
export function oldestReadyAt({ ready }: JobFunction): number | undefined {
  let oldest = Number.POSITIVE_INFINITY
  for (const { first } of ready) if (first !== undefined) oldest = Math.min(oldest, first.readyAt)
  return Number.isFinite(oldest) ? oldest : undefined
}

/** One of its lines begins on disk. */
export function hasUnknownHead({ ready, backlog }: JobFunction): boolean {
  return ready.some(({ length }, priority) => length === 0 && (backlog.ready[priority] ?? 0) > 0)
}

/** The same of jobs that are on disk alone. */
export class OldestOnDisk {
  readonly #engine: Engine
  readonly #archive: Archive
  readonly #wallTime: WallTime
  readonly #question: StoreQuestion<ReadonlyMap<string, number>>

  constructor(engine: Engine, archive: Archive, clock: Clock, wallTime: WallTime) {
    this.#engine = engine
    this.#archive = archive
    this.#wallTime = wallTime
    this.#question = new StoreQuestion(clock, new Map(), () => this.#ask())
  }

  /** In memory or on disk; undefined if none is, or if it is not known. */
  readyAt(jobFunction: JobFunction): number | undefined {
    const inMemory = oldestReadyAt(jobFunction)
    const onDisk = hasUnknownHead(jobFunction) ? this.#question.answer.get(jobFunction.name) : undefined
    if (inMemory === undefined || onDisk === undefined) return inMemory ?? onDisk
    return Math.min(inMemory, onDisk)
  }

  /** Resolves when what is known of the disk is not older than that, or when the store takes too long or can't say. */
  async refresh(ageMsMax: number): Promise<void> {
    await this.#question.refresh(ageMsMax)
  }

  async #ask(): Promise<ReadonlyMap<string, number> | undefined> {
    const unknown: string[] = []
    for (const jobFunction of this.#engine.functions()) {
      if (hasUnknownHead(jobFunction)) unknown.push(jobFunction.name)
    }
    const oldest = new Map<string, number>()
    for (let start = 0; start < unknown.length; start += askedFunctions) {
      const functions = unknown.slice(start, start + askedFunctions)
      const dates = await this.#askOf(functions)
      if (dates === undefined) return undefined
      for (const [index, date] of dates.entries()) {
        if (date > 0) oldest.set(functions[index] ?? '', date - this.#wallTime.offsetMs)
      }
    }
    return oldest
  }

  #askOf(functions: readonly string[]): Promise<readonly number[] | undefined> {
    return new Promise((resolve) => {
      this.#archive.lookUp({ kind: 'oldest ready', functions }, (answer) => {
        resolve(answer.kind === 'oldest ready' ? answer.readyAt : undefined)
      })
    })
  }
}
