import type { DeathReason, Ending, Priority } from '@geartrain/engine'
import type { Database, Statement } from 'better-sqlite3'
import { readNotes } from '../failure-notes.ts'
import type { StoredDescription, StoreRequest } from '../store.ts'
import type { FunctionTable } from './functions.ts'
import { fromColumn, fromOptionalColumn, type NameColumn, toColumn } from './text.ts'
import type { Uniques } from './uniques.ts'

/** What every table with jobs has. */
const columns = `number, function_id, unique_name, priority, reducer, then_function, submitted_at, attempts, failures`

type Row = [
  number: number,
  functionId: number,
  unique: NameColumn,
  priority: Priority,
  reducer: NameColumn,
  then: NameColumn,
  submittedAt: number,
  attempts: number,
  failures: string | null,
]
type Policied = [options: NameColumn | null, trace: NameColumn | null]
type LiveRow = [position: number, runAt: number, expireAt: number | null, workload: Buffer, ...Policied, ...Row]
type DeadRow = [diedAt: number, reason: DeathReason, keepUntil: number, workload: Buffer, ...Policied, ...Row]
type ResultRow = [
  endedAt: number,
  outcome: Ending['outcome'],
  numerator: number,
  denominator: number,
  keepUntil: number,
  data: Buffer,
  ...Row,
]
/** `describe unique` without a function asks for any. */
type Search = Statement<[number, NameColumn, number | null], number | null>

/** What is so of a job that neither waits nor has ended. */
const nothing = {
  runAt: 0,
  expireAt: 0,
  options: '',
  trace: '',
  workload: undefined,
  endedAt: 0,
  keepUntil: 0,
  reason: undefined,
  result: undefined,
  numerator: 0,
  denominator: 0,
} as const

/** All that is known of one job, in whichever table it is. */
export class Descriptions {
  readonly #functions: FunctionTable
  readonly #uniques: Uniques
  readonly #live: Statement<[number], LiveRow>
  readonly #dead: Statement<[number], DeadRow>
  readonly #results: Statement<[number], ResultRow>
  readonly #lastLive: Search
  readonly #lastDead: Search
  readonly #lastResult: Search

  constructor(database: Database, functions: FunctionTable, uniques: Uniques) {
    this.#functions = functions
    this.#uniques = uniques
    this.#live = database
      .prepare<[number], LiveRow>(`
        SELECT position, run_at, expire_at, workload, options, trace, ${columns} FROM jobs WHERE number = ?`)
      .raw()
    this.#dead = database
      .prepare<[number], DeadRow>(`
        SELECT died_at, reason, keep_until, workload, options, trace, ${columns} FROM dead WHERE number = ?`)
      .raw()
    this.#results = database
      .prepare<[number], ResultRow>(`
        SELECT ended_at, outcome, numerator, denominator, keep_until, data, ${columns}
        FROM results WHERE number = ?`)
      .raw()
    const last = (table: string): Search =>
      database
        .prepare<[number, NameColumn, number | null], number | null>(`
          SELECT max(number) FROM ${table}
          WHERE unique_key = ? AND unique_name = ? AND function_id = ifnull(?, function_id)`)
        .pluck()
    this.#lastLive = last('jobs')
    this.#lastDead = last('dead')
    this.#lastResult = last('results')
  }

  describe(number: number): StoredDescription | undefined {
    return this.#describeLive(number) ?? this.#describeDead(number) ?? this.#describeResult(number)
  }

  /** One that has not ended, or else the one that came last. */
  describeUnique({ unique, function: name }: Extract<StoreRequest, { kind: 'describe unique' }>) {
    const owner = name === undefined ? undefined : this.#functions.find(name)
    const key = this.#uniques.keyOfName(unique)
    if (key === null || (name !== undefined && owner === undefined)) return undefined
    const find = (search: Search) => search.get(key, toColumn(unique), owner?.id ?? null) ?? 0
    return this.describe(find(this.#lastLive) || Math.max(find(this.#lastDead), find(this.#lastResult)))
  }

  #describeLive(number: number): StoredDescription | undefined {
    const row = this.#live.get(number)
    if (row === undefined) return undefined
    const [position, runAt, expireAt, workload, options, trace, ...common] = row
    return {
      ...nothing,
      ...this.#common(common),
      state: position === 0 ? 'delayed' : 'ready',
      runAt,
      expireAt: expireAt ?? 0,
      options: fromOptionalColumn(options),
      trace: fromOptionalColumn(trace),
      workload,
    }
  }

  #describeDead(number: number): StoredDescription | undefined {
    const row = this.#dead.get(number)
    if (row === undefined) return undefined
    const [endedAt, reason, keepUntil, workload, options, trace, ...common] = row
    const policied = { options: fromOptionalColumn(options), trace: fromOptionalColumn(trace) }
    return { ...nothing, ...this.#common(common), ...policied, state: 'dead', endedAt, reason, keepUntil, workload }
  }

  #describeResult(number: number): StoredDescription | undefined {
    const row = this.#results.get(number)
    if (row === undefined) return undefined
    const [endedAt, state, numerator, denominator, keepUntil, data, ...common] = row
    const result = keepUntil === 0 ? undefined : data
    return { ...nothing, ...this.#common(common), state, endedAt, numerator, denominator, keepUntil, result }
  }

  #common([number, functionId, unique, priority, reducer, then, submittedAt, attempts, failures]: Row) {
    return {
      number,
      function: this.#functions.withId(functionId).name,
      unique: fromColumn(unique),
      priority,
      reducer: fromColumn(reducer),
      then: fromColumn(then),
      submittedAt,
      attempts,
      failures: readNotes(failures),
    }
  }
}
