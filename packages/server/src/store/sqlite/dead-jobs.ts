import type { DeathReason, Priority } from '@geartrain/engine'
import type { Database, Statement } from 'better-sqlite3'
import { withNote } from '../failure-notes.ts'
import { type ChangeOutcome, type StoredChange, sweptMax } from '../store.ts'
import type { FunctionRow, FunctionTable } from './functions.ts'
import type { LiveJobs } from './live-jobs.ts'
import type { Positions } from './positions.ts'
import type { Removals } from './removals.ts'
import { fromColumn, type NameColumn } from './text.ts'
import type { Uniques } from './uniques.ts'

type Bury = Extract<StoredChange, { kind: 'bury' }>
type Revive = Extract<StoredChange, { kind: 'revive' }>

type Gone = [functionId: number, priority: Priority]
type DeadRow = [functionId: number, priority: Priority, unique: NameColumn]
const noBytes = Buffer.alloc(0)

/** The table `dead`. All that changes it is within a transaction. */
export class DeadJobs {
  readonly #functions: FunctionTable
  readonly #uniques: Uniques
  readonly #positions: Positions
  readonly #live: LiveJobs
  readonly #removals: Removals
  readonly #bury: Statement<[number, DeathReason, number, number, string | null, number]>
  readonly #removeOldest: Statement<[number, number], Gone>
  readonly #find: Statement<[number], DeadRow>
  readonly #workload: Statement<[number], Buffer>
  readonly #revive: Statement<[number, number | null, number, Uint8Array | null, number, number]>
  readonly #remove: Statement<[number], Gone>
  readonly #sweep: Statement<[number, number], Gone>
  readonly #nextSweepAt: Statement<[], number>

  constructor(
    database: Database,
    functions: FunctionTable,
    uniques: Uniques,
    positions: Positions,
    live: LiveJobs,
    removals: Removals,
  ) {
    this.#functions = functions
    this.#uniques = uniques
    this.#positions = positions
    this.#live = live
    this.#removals = removals
    this.#bury = database.prepare(`
      INSERT INTO dead (number, function_id, priority, unique_name, unique_key, reducer, then_function, submitted_at,
        options, trace, workload, died_at, reason, attempts, keep_until, failures)
      SELECT number, function_id, priority, unique_name, unique_key, reducer, then_function, submitted_at,
        options, trace, workload, ?, ?, ?, ?, ? FROM jobs WHERE number = ?`)
    this.#removeOldest = database
      .prepare<[number, number], Gone>(`
        DELETE FROM dead WHERE number IN (
          SELECT number FROM dead WHERE function_id = ? ORDER BY died_at, number LIMIT ?)
        RETURNING function_id, priority`)
      .raw()
    this.#find = database
      .prepare<[number], DeadRow>('SELECT function_id, priority, unique_name FROM dead WHERE number = ?')
      .raw()
    this.#workload = database.prepare<[number], Buffer>('SELECT workload FROM dead WHERE number = ?').pluck()
    this.#revive = database.prepare(`
      INSERT INTO jobs (number, function_id, priority, position, run_at, unique_name, unique_key, clash, reducer,
        workload, submitted_at, then_function, options, trace, ready_at)
      SELECT number, function_id, priority, ?, 0, unique_name, ?, ?, reducer,
        ifnull(?, workload), submitted_at, then_function, options, trace, ? FROM dead WHERE number = ?`)
    this.#remove = database
      .prepare<[number], Gone>('DELETE FROM dead WHERE number = ? RETURNING function_id, priority')
      .raw()
    this.#sweep = database
      .prepare<[number, number], Gone>(`
        DELETE FROM dead WHERE number IN (
          SELECT number FROM dead WHERE keep_until <= ? ORDER BY keep_until, number LIMIT ?)
        RETURNING function_id, priority`)
      .raw()
    this.#nextSweepAt = database.prepare<[], number>('SELECT keep_until FROM dead ORDER BY keep_until LIMIT 1').pluck()
  }

  /** A job has ended here. False: it is not there. */
  bury({ number, reason, diedAt, attempts, failure, keepUntil, deadMax }: Bury): boolean {
    const row = this.#live.find(number)
    if (row === undefined) return false
    const [functionId, priority, , , , known, failures] = row
    const isKnown = failure === undefined || attempts <= known
    const noted = isKnown ? failures : withNote(failures, known, failure)
    this.#bury.run(diedAt, reason, Math.max(attempts, known), keepUntil, noted, number)
    this.#removals.remove(number)
    const owner = this.#functions.touched(functionId)
    owner.deadAdded[priority]++
    this.#trim(owner, deadMax)
    return true
  }

  /** The line in which it waits now, or why it does not. */
  revive(
    { number, workload }: Revive,
    now: number,
  ): { owner: FunctionRow; priority: Priority } | Exclude<ChangeOutcome, 'done'> {
    const row = this.#find.get(number)
    if (row === undefined) return 'not found'
    const [functionId, priority, column] = row
    const unique = fromColumn(column)
    const bytes = unique !== '-' ? noBytes : (workload ?? this.#workload.get(number) ?? noBytes)
    const key = this.#uniques.key(unique, bytes)
    if (key !== null && this.#uniques.find(functionId, key, unique, bytes) !== undefined) return 'joined'
    const clash = key === null ? 0 : this.#uniques.nextClash(functionId, key)
    const position = this.#positions.next()
    this.#revive.run(position, key, clash, workload ?? null, now, number)
    this.remove(number)
    const owner = this.#functions.touched(functionId)
    owner.enter(priority, position, false)
    return { owner, priority }
  }

  remove(number: number): boolean {
    return this.#count(this.#remove.all(number)) > 0
  }

  /** Those whose time is over. */
  sweep(now: number): void {
    this.#count(this.#sweep.all(now, sweptMax))
  }

  get nextSweepAt(): number {
    return this.#nextSweepAt.get() ?? Number.POSITIVE_INFINITY
  }

  /** Those that have been dead for longest go. */
  #trim(owner: FunctionRow, deadMax: number): void {
    const excess = owner.deadSoon - deadMax
    if (excess > 0) this.#count(this.#removeOldest.all(owner.id, excess))
  }

  #count(gone: readonly Gone[]): number {
    for (const [functionId, priority] of gone) this.#functions.touched(functionId).deadAdded[priority]--
    return gone.length
  }
}
