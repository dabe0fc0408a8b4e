import type { Ending, Priority } from '@geartrain/engine'
import type { Database, Statement } from 'better-sqlite3'
import { type StoredChange, sweptMax } from '../store.ts'
import type { FunctionTable } from './functions.ts'
import type { LiveJobs } from './live-jobs.ts'
import type { Removals } from './removals.ts'
import { fromColumn, type NameColumn, toColumn } from './text.ts'
import { isNamed } from './uniques.ts'

type Keep = Extract<StoredChange, { kind: 'keep' }>
type Due = [number: number, functionId: number, priority: Priority, uniqueUntil: number]

const noBytes = Buffer.alloc(0)

/** The table `results`. All that changes it is within a transaction. */
export class Results {
  readonly #functions: FunctionTable
  readonly #live: LiveJobs
  readonly #removals: Removals
  readonly #keep: Statement<
    [number | null, number, Ending['outcome'], number, number, number, number, number, Uint8Array, number]
  >
  readonly #recent: Statement<[number, number, number, NameColumn], number>
  readonly #due: Statement<[number, number], Due>
  readonly #empty: Statement<[Uint8Array, number]>
  readonly #remove: Statement<[number]>
  readonly #readable: Statement<[number], Due>
  readonly #nextSweepAt: Statement<[], number>

  constructor(database: Database, functions: FunctionTable, live: LiveJobs, removals: Removals) {
    this.#functions = functions
    this.#live = live
    this.#removals = removals
    this.#keep = database.prepare(`
      INSERT INTO results (number, function_id, priority, unique_name, reducer, then_function, submitted_at, attempts,
        failures, unique_key, ended_at, outcome, numerator, denominator, keep_until, unique_until, sweep_at, data)
      SELECT number, function_id, priority, unique_name, reducer, then_function, submitted_at, attempts,
        failures, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM jobs WHERE number = ?`)
    this.#recent = database
      .prepare<[number, number, number, NameColumn], number>(`
        SELECT number FROM results WHERE unique_key = ? AND function_id = ? AND unique_until > ? AND unique_name = ?
        ORDER BY unique_until DESC, number DESC LIMIT 1`)
      .pluck()
    this.#due = database
      .prepare<[number, number], Due>(`
        SELECT number, function_id, priority, unique_until FROM results
        WHERE sweep_at <= ? ORDER BY sweep_at, number LIMIT ?`)
      .raw()
    this.#empty = database.prepare(
      'UPDATE results SET data = ?, keep_until = 0, sweep_at = unique_until WHERE number = ?',
    )
    this.#remove = database.prepare('DELETE FROM results WHERE number = ?')
    this.#readable = database
      .prepare<[number], Due>(`
        SELECT number, function_id, priority, unique_until FROM results WHERE number = ? AND keep_until > 0`)
      .raw()
    this.#nextSweepAt = database.prepare<[], number>('SELECT sweep_at FROM results ORDER BY sweep_at LIMIT 1').pluck()
  }

  /** A job has ended here. False: it is not there. */
  keep({ number, outcome, data, numerator, denominator, endedAt, keepUntil, uniqueUntil }: Keep): boolean {
    const row = this.#live.find(number)
    if (row === undefined) return false
    const [functionId, priority, , unique, key] = row
    const hasName = isNamed(fromColumn(unique))
    const joinedUntil = hasName ? uniqueUntil : 0
    const sweepAt = keepUntil === 0 ? joinedUntil : keepUntil
    if (sweepAt > 0) {
      const nameKey = hasName ? key : null
      const kept = keepUntil === 0 ? noBytes : data
      const values = [nameKey, endedAt, outcome, numerator, denominator, keepUntil, joinedUntil, sweepAt, kept] as const
      this.#keep.run(...values, number)
      this.#functions.touched(functionId).keptAdded[priority]++
    }
    this.#removals.remove(number)
    return true
  }

  /** The job of this unique that another one joins although it has ended. */
  findRecent(functionId: number, key: number, unique: string, now: number): number | undefined {
    return this.#recent.get(key, functionId, now, toColumn(unique))
  }

  /** Those whose times are over go; of one that can still be joined, what can be read. */
  sweep(now: number): void {
    for (const due of this.#due.all(now, sweptMax)) this.#drop(due, now)
  }

  /** What can be read of it. False: nothing is there. */
  remove(number: number): boolean {
    const row = this.#readable.get(number)
    // The next sweep sees whether others may still join it.
    if (row !== undefined) this.#drop(row, 0)
    return row !== undefined
  }

  #drop([number, functionId, priority, uniqueUntil]: Due, now: number): void {
    if (uniqueUntil > now) this.#empty.run(noBytes, number)
    else {
      this.#remove.run(number)
      this.#functions.touched(functionId).keptAdded[priority]--
    }
  }

  get nextSweepAt(): number {
    return this.#nextSweepAt.get() ?? Number.POSITIVE_INFINITY
  }
}
