import type { Database, Statement } from 'better-sqlite3'
import type { StoreAnswer, StoreRequest } from '../store.ts'
import type { FunctionTable } from './functions.ts'
import { type SummaryRow, summaryColumns, toSummary } from './summaries.ts'
import { fromOptionalColumn, type NameColumn } from './text.ts'

type ExpiredRow = [expireAt: number, options: NameColumn | null, ...SummaryRow]

/** Jobs that should have begun by some time, in the order of these times. */
export class Expiries {
  readonly #functions: FunctionTable
  readonly #expired: Statement<[number, number, number, number], ExpiredRow>
  readonly #next: Statement<[number, number], number>

  constructor(database: Database, functions: FunctionTable) {
    this.#functions = functions
    this.#expired = database
      .prepare<[number, number, number, number], ExpiredRow>(`
        SELECT expire_at, options, ${summaryColumns} FROM jobs
        WHERE expire_at <= ? AND (expire_at, number) > (?, ?) ORDER BY expire_at, number LIMIT ?`)
      .raw()
    this.#next = database
      .prepare<[number, number], number>(`
        SELECT expire_at FROM jobs
        WHERE expire_at IS NOT NULL AND (expire_at, number) > (?, ?) ORDER BY expire_at, number LIMIT 1`)
      .pluck()
  }

  /** Of all; Infinity if there is none. */
  get nextExpiryAt(): number {
    return this.#nextBehind(0, 0)
  }

  list(request: Extract<StoreRequest, { kind: 'list expired' }>): Extract<StoreAnswer, { kind: 'list expired' }> {
    const { until, jobsMax } = request
    let { expireAt, number } = request.after ?? { expireAt: 0, number: 0 }
    const jobs = this.#expired.all(until, expireAt, number, jobsMax).map((row) => {
      const [at, options, ...summary] = row
      return { ...toSummary(this.#functions, summary), expireAt: at, options: fromOptionalColumn(options) }
    })
    const last = jobs.at(-1)
    if (last !== undefined) ({ expireAt, number } = last)
    return { kind: 'list expired', jobs, nextExpiryAt: this.#nextBehind(expireAt, number) }
  }

  #nextBehind(expireAt: number, number: number): number {
    return this.#next.get(expireAt, number) ?? Number.POSITIVE_INFINITY
  }
}
