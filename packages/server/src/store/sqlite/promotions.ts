import type { Priority } from '@geartrain/engine'
import type { Database, Statement } from 'better-sqlite3'
import { type BatchResult, promotedMax } from '../store.ts'
import type { FunctionTable } from './functions.ts'
import { LineCounts } from './line-counts.ts'
import type { Positions } from './positions.ts'

type Due = [number: number, functionId: number, priority: Priority, workloadBytes: number]

/** A row is written anew, workload and all: large ones become ready in several batches. */
const promotedBytesMax = 32 * 1024 * 1024

/** Lets delayed jobs become ready. */
export class Promotions {
  readonly #functions: FunctionTable
  readonly #positions: Positions
  readonly #due: Statement<[number, number], Due>
  readonly #promote: Statement<[number, number]>
  readonly #nextDueAt: Statement<[], number>

  constructor(database: Database, functions: FunctionTable, positions: Positions) {
    this.#functions = functions
    this.#positions = positions
    this.#due = database
      .prepare<[number, number], Due>(`
        SELECT number, function_id, priority, length(workload) FROM jobs
        WHERE run_at <= ? AND run_at > 0 ORDER BY run_at, number LIMIT ?`)
      .raw()
    this.#promote = database.prepare('UPDATE jobs SET position = ?, ready_at = run_at, run_at = 0 WHERE number = ?')
    this.#nextDueAt = database
      .prepare<[], number>('SELECT run_at FROM jobs WHERE run_at > 0 ORDER BY run_at LIMIT 1')
      .pluck()
  }

  get nextDueAt(): number {
    return this.#nextDueAt.get() ?? Number.POSITIVE_INFINITY
  }

  /** Within a transaction. */
  promote(until: number): BatchResult['promoted'] {
    const counts = new LineCounts()
    let bytes = 0
    for (const [number, functionId, priority, workloadBytes] of this.#due.all(until, promotedMax)) {
      bytes += workloadBytes
      if (bytes > promotedBytesMax && !counts.isEmpty) break
      this.#promote.run(this.#positions.next(), number)
      const owner = this.#functions.touched(functionId)
      owner.delayedAdded[priority]--
      owner.readyAdded[priority]++
      counts.add(owner, priority)
    }
    return counts.all
  }
}
