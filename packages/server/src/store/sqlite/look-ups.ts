import type { Database, Statement } from 'better-sqlite3'
import type { StoredSummary, StoreRequest } from '../store.ts'
import type { FunctionTable } from './functions.ts'
import { type SummaryRow, summaryColumns, toSummary } from './summaries.ts'
import type { Uniques } from './uniques.ts'

/** Finds jobs without claiming them. */
export class LookUps {
  readonly #functions: FunctionTable
  readonly #uniques: Uniques
  readonly #byNumber: Statement<[number], SummaryRow>
  readonly #after: Statement<[number, number], SummaryRow>

  constructor(database: Database, functions: FunctionTable, uniques: Uniques) {
    this.#functions = functions
    this.#uniques = uniques
    const select = `SELECT ${summaryColumns} FROM jobs`
    this.#byNumber = database.prepare<[number], SummaryRow>(`${select} WHERE number = ?`).raw()
    this.#after = database
      .prepare<[number, number], SummaryRow>(`${select} WHERE number > ? ORDER BY number LIMIT ?`)
      .raw()
  }

  find(number: number | undefined): StoredSummary | undefined {
    const row = number === undefined ? undefined : this.#byNumber.get(number)
    return row && toSummary(this.#functions, row)
  }

  findUnique(unique: string): StoredSummary | undefined {
    return this.find(this.#uniques.findInAnyFunction(unique))
  }

  findSame(request: Extract<StoreRequest, { kind: 'find same' }>): StoredSummary | undefined {
    const { unique, workload } = request
    const owner = this.#functions.find(request.function)
    const key = this.#uniques.key(unique, workload)
    if (owner === undefined || key === null) return undefined
    return this.find(this.#uniques.find(owner.id, key, unique, workload))
  }

  list(after: number, jobsMax: number): StoredSummary[] {
    return this.#after.all(after, jobsMax).map((row) => toSummary(this.#functions, row))
  }
}
