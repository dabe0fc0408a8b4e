import type { Priority } from '@geartrain/engine'
import type { Database } from 'better-sqlite3'
import { toFailure } from './failure.ts'
import type { StoreSnapshot } from './snapshot.ts'
import { fromColumn, fromOptionalColumn, type NameColumn } from './text.ts'
import type { StoredJob } from './transfer.ts'

type Row = readonly [
  name: NameColumn,
  priority: Priority,
  runAt: number,
  unique: NameColumn,
  reducer: NameColumn,
  workload: Buffer,
  expireAt: number | null,
  attempts: number,
  then: NameColumn,
  options: NameColumn | null,
  trace: NameColumn | null,
]

/** Ways to the numbers of jobs, each with the order that it has anyway. */
const ways = [
  ['NOT INDEXED', ['number']],
  ['INDEXED BY jobs_ready WHERE position > 0', ['function_id', 'priority', 'position']],
  ['INDEXED BY jobs_delayed WHERE run_at > 0', ['run_at', 'number']],
  ['INDEXED BY jobs_expiring WHERE expire_at IS NOT NULL', ['expire_at', 'number']],
  ['INDEXED BY jobs_unique WHERE unique_key IS NOT NULL', ['unique_key', 'function_id', 'clash']],
] as const

/**
 * The jobs of a damaged store that can be read, in the order of their numbers. Those that an index knows and that can't
 * be are told; of those that nothing knows any more nobody can tell.
 */
export function* salvageJobs(snapshot: StoreSnapshot, onLost: (number: number) => void): Generator<StoredJob> {
  const { database } = snapshot
  const find = database
    .prepare<[number], Row>(`
      SELECT name, priority, run_at, unique_name, reducer, workload, expire_at, attempts, then_function, options,
        trace
      FROM jobs JOIN functions ON functions.id = function_id WHERE number = ?`)
    .raw()
  let last: number | undefined
  for (const number of findNumbers(database)) {
    if (number === last) continue
    last = number
    const row = attempt(() => find.get(number))
    if (row === undefined) {
      onLost(number)
      continue
    }
    const [name, priority, runAt, unique, reducer, workload, expireAt, attempts, then, ...rest] = row
    const [options, trace] = rest
    yield {
      number,
      function: fromColumn(name),
      unique: fromColumn(unique),
      reducer: fromColumn(reducer),
      then: fromColumn(then),
      options: fromOptionalColumn(options),
      trace: fromOptionalColumn(trace),
      priority,
      runAt,
      expireAt: expireAt ?? 0,
      attempts,
      workload,
    }
  }
}

/**
 * Sorted; many are there more than once. Every way is gone from both ends, so that a damaged page hides only what is on
 * it.
 */
function findNumbers(database: Database): Float64Array {
  const numbers: number[] = []
  for (const [way, order] of ways) {
    for (const direction of ['ASC', 'DESC']) {
      const by = order.map((column) => `${column} ${direction}`).join(', ')
      attempt(() => {
        const rows = database.prepare<[], number>(`SELECT number FROM jobs ${way} ORDER BY ${by}`).pluck().iterate()
        for (const number of rows) numbers.push(number)
      })
    }
  }
  return Float64Array.from(numbers).sort()
}

/** Undefined where the file can't be read. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (toFailure(error) === undefined) throw error
    return undefined
  }
}
