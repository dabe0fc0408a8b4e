import type { Database, Statement } from 'better-sqlite3'
import { emptyHead, RecordWriter } from '../records.ts'
import type { StoreAnswer, StoreRequest } from '../store.ts'
import type { FunctionTable } from './functions.ts'
import { fromColumn, fromOptionalColumn, type NameColumn } from './text.ts'

type Row = [
  number: number,
  position: number,
  unique: NameColumn,
  reducer: NameColumn,
  workload: Buffer,
  expireAt: number | null,
  attempts: number,
  then: NameColumn,
  options: NameColumn | null,
  trace: NameColumn | null,
  readyAt: number,
]

const scratchBytes = 256 * 1024

/**
 * Gives out jobs that are ready. That they were claimed is not written anywhere: a cursor for each function and
 * priority says how far this server has come, and which jobs behind it it had from the start; when it comes back, it
 * begins anew.
 */
export class Claims {
  readonly #functions: FunctionTable
  /** Most claims fit: a buffer is not made for each, and what is given out is not larger than its jobs. */
  readonly #scratch: Buffer = Buffer.allocUnsafeSlow(scratchBytes)
  readonly #ready: Statement<[number, number, number], Row>

  constructor(database: Database, functions: FunctionTable) {
    this.#functions = functions
    this.#ready = database
      .prepare<[number, number, number], Row>(`
        SELECT number, position, unique_name, reducer, workload, expire_at, attempts, then_function, options, trace,
          ifnull(ready_at, submitted_at)
        FROM jobs
        -- The cursor first: SQLite starts at the first bound that it reads. The other one is that of the index.
        WHERE function_id = ? AND priority = ? AND position > ? AND position > 0
        ORDER BY position`)
      .raw()
  }

  claim(request: Extract<StoreRequest, { kind: 'claim' }>): Extract<StoreAnswer, { kind: 'claim' }> {
    const { priority, jobsMax, bytesMax } = request
    const writer = new RecordWriter(this.#scratch)
    const owner = this.#functions.find(request.function)
    if (owner !== undefined) {
      const head = { ...emptyHead(), priority, isClaimed: true }
      const ahead = owner.claimedAhead[priority]
      let bytes = 0
      let last = owner.cursors[priority]
      for (const row of this.#ready.iterate(owner.id, priority, last)) {
        const [number, position, unique, reducer, workload, expireAt, attempts, then, options, trace, readyAt] = row
        if (!ahead.has(position)) {
          bytes += workload.length
          if (writer.count === jobsMax || (bytes > bytesMax && writer.count > 0)) break
          head.number = number
          head.attempts = attempts
          head.expireAt = expireAt ?? 0
          head.readyAt = readyAt
          const names = {
            unique: fromColumn(unique),
            reducer: fromColumn(reducer),
            then: fromColumn(then),
            options: fromOptionalColumn(options),
            trace: fromOptionalColumn(trace),
          }
          writer.add(head, names, workload)
        }
        last = position
      }
      // Not before all of it has succeeded.
      owner.moveCursor(priority, last)
    }
    return { kind: 'claim', count: writer.count, jobs: this.#given(writer) }
  }

  /** A buffer that the server can have: a piece of the scratch one is copied, a larger one is given away. */
  #given(writer: RecordWriter): Uint8Array {
    const records = writer.written()
    return records.buffer === this.#scratch.buffer ? new Uint8Array(records) : records
  }
}
