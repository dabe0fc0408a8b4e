import type { Database, Statement } from 'better-sqlite3'
import type { StoredSummary, StoreRequest } from '../store.ts'
import type { FunctionTable } from './functions.ts'
import { type SummaryRow, summaryColumns, toSummary } from './summaries.ts'
import type { Uniques } from './uniques.ts'

type ListRequest = Extract<StoreRequest, { kind: 'list function' }>
type OfFunction = Statement<[number, number, number], SummaryRow>
type Amounts = [ofFunction: number, ofState: number, all: number]

/** Finds jobs without claiming them. */
export class LookUps {
  readonly #functions: FunctionTable
  readonly #uniques: Uniques
  readonly #byNumber: Statement<[number], SummaryRow>
  readonly #after: Statement<[number, number], SummaryRow>
  readonly #line: Statement<[number, number, number], [position: number, readyAt: number]>
  readonly #amounts: Record<ListRequest['state'], Statement<[number], Amounts>>
  /** Go by number, and pass over what belongs to others. */
  readonly #byNumbers: Record<ListRequest['state'], OfFunction>
  /** Go through an index and sort: the line of the function, and all that is delayed. */
  readonly #byIndex: Record<ListRequest['state'], OfFunction>

  constructor(database: Database, functions: FunctionTable, uniques: Uniques) {
    this.#functions = functions
    this.#uniques = uniques
    const select = `SELECT ${summaryColumns} FROM jobs`
    this.#byNumber = database.prepare<[number], SummaryRow>(`${select} WHERE number = ?`).raw()
    this.#after = database
      .prepare<[number, number], SummaryRow>(`${select} WHERE number > ? ORDER BY number LIMIT ?`)
      .raw()
    this.#line = database
      .prepare<[number, number, number], [number, number]>(`
        SELECT position, ifnull(ready_at, submitted_at) FROM jobs INDEXED BY jobs_ready
        WHERE function_id = ? AND priority = ? AND position > ? AND position > 0 ORDER BY position`)
      .raw()
    const amounts = (count: string, indexed: string) =>
      database
        .prepare<[number], Amounts>(`
          SELECT total(${count}) FILTER (WHERE function_id = ?), ${indexed}, total(ready + delayed) FROM counts`)
        .raw()
    this.#amounts = {
      ready: amounts('ready', '0'),
      delayed: amounts('delayed', 'total(delayed)'),
    }
    const list = (way: string, condition: string): OfFunction =>
      database
        .prepare<[number, number, number], SummaryRow>(`
          ${select} ${way} WHERE function_id = ? AND number > ? AND ${condition} ORDER BY number LIMIT ?`)
        .raw()
    this.#byNumbers = {
      ready: list('NOT INDEXED', 'position > 0'),
      delayed: list('NOT INDEXED', 'run_at > 0'),
    }
    this.#byIndex = {
      ready: list('INDEXED BY jobs_ready', 'position > 0'),
      delayed: list('INDEXED BY jobs_delayed', 'run_at > 0'),
    }
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

  /**
   * No index has a function's jobs by number. One of few jobs is read as a whole; of one that has many, enough are soon
   * met on the way by number. Of ten million, either way looks at some hundred thousand.
   */
  listFunction({ function: name, state, after, jobsMax }: ListRequest): StoredSummary[] {
    const owner = this.#functions.find(name)
    if (owner === undefined) return []
    const [ofFunction, ofState, all] = this.#amounts[state].get(owner.id) ?? [0, 0, 0]
    const way = Math.max(ofFunction, ofState) * ofFunction < all * jobsMax ? this.#byIndex : this.#byNumbers
    return way[state].all(owner.id, after, jobsMax).map((row) => toSummary(this.#functions, row))
  }

  /** Of the first in each of a function's lines that is not claimed, the lowest time; 0: there is none. */
  oldestReady(name: string): number {
    const owner = this.#functions.find(name)
    let oldest = 0
    for (const priority of owner === undefined ? [] : ([0, 1, 2] as const)) {
      for (const [position, readyAt] of this.#line.iterate(owner?.id ?? 0, priority, owner?.cursors[priority] ?? 0)) {
        if (owner?.isClaimed(priority, position) === true) continue
        if (oldest === 0 || (readyAt > 0 && readyAt < oldest)) oldest = readyAt
        break
      }
    }
    return oldest
  }

  list(after: number, jobsMax: number): StoredSummary[] {
    return this.#after.all(after, jobsMax).map((row) => toSummary(this.#functions, row))
  }
}
