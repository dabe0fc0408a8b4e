import type { Priority } from '@geartrain/engine'
import type { Database, Statement } from 'better-sqlite3'
import type { StoredSummary } from '../store.ts'
import type { FunctionTable } from './functions.ts'
import { type SummaryRow, summaryColumns, toSummary } from './summaries.ts'
import type { Uniques } from './uniques.ts'

type Removed = [functionId: number, priority: Priority, position: number]
type RemovedWithKey = [...SummaryRow, key: number | null, clash: number, position: number]

const rowsMax = 32

/** Takes jobs out of the table. */
export class Removals {
  readonly #functions: FunctionTable
  readonly #uniques: Uniques
  readonly #deleteMany: Statement<[number[]], Removed>
  readonly #deleteOne: Statement<[number], RemovedWithKey>
  readonly #numbers: number[] = Array(rowsMax).fill(0)

  constructor(database: Database, functions: FunctionTable, uniques: Uniques) {
    this.#functions = functions
    this.#uniques = uniques
    this.#deleteMany = database
      .prepare<[number[]], Removed>(`
        DELETE FROM jobs WHERE number IN (${Array(rowsMax).fill('?').join(', ')})
        RETURNING function_id, priority, position`)
      .raw()
    this.#deleteOne = database
      .prepare<[number], RemovedWithKey>(`
        DELETE FROM jobs WHERE number = ? RETURNING ${summaryColumns}, unique_key, clash, position`)
      .raw()
  }

  /** Within a transaction, as is `cancel`. */
  forget(numbers: Float64Array): void {
    let from = 0
    if (!this.#uniques.haveClashes) {
      for (; from + rowsMax <= numbers.length; from += rowsMax) this.#forgetMany(numbers, from)
    }
    for (; from < numbers.length; from++) this.remove(numbers[from] ?? 0)
  }

  /** Those that were there. */
  cancel(numbers: readonly number[]): StoredSummary[] {
    return numbers.map((number) => this.remove(number)).filter((removed) => removed !== undefined)
  }

  /** The same of one. */
  remove(number: number): StoredSummary | undefined {
    const row = this.#deleteOne.get(number)
    if (row === undefined) return undefined
    const [removed, functionId, unique, priority, runAt, attempts, key, clash, position] = row
    this.#count(functionId, priority, position)
    this.#uniques.closeGap(functionId, key, clash)
    return toSummary(this.#functions, [removed, functionId, unique, priority, runAt, attempts])
  }

  #forgetMany(numbers: Float64Array, from: number): void {
    for (let i = 0; i < rowsMax; i++) this.#numbers[i] = numbers[from + i] ?? 0
    for (const [functionId, priority, position] of this.#deleteMany.all(this.#numbers)) {
      this.#count(functionId, priority, position)
    }
  }

  #count(functionId: number, priority: Priority, position: number): void {
    this.#functions.touched(functionId).leave(priority, position)
  }
}
