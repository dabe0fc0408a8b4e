import type { DeathReason, Priority } from '@geartrain/engine'
import type { Database, Statement } from 'better-sqlite3'
import { failureMessage } from '../failure-message.ts'
import { readNotes } from '../failure-notes.ts'
import type { StoreAnswer, StoredFilter, StoredGroup, StoredRow, StoredScan, StoreRequest } from '../store.ts'
import { mergedGroup } from '../stored-group.ts'
import type { FunctionRow, FunctionTable } from './functions.ts'
import { fromColumn, type NameColumn, toColumn } from './text.ts'
import type { Uniques } from './uniques.ts'

type Answer<Kind extends StoreAnswer['kind']> = Extract<StoreAnswer, { kind: Kind }>
type Table = 'jobs' | 'dead' | 'results'
type Row = [
  number: number,
  functionId: number,
  unique: NameColumn,
  priority: Priority,
  runAt: number,
  attempts: number,
  submittedAt: number,
  endedAt: number,
  /** Why it is dead; empty of one that is not. */
  word: string,
  failures: string | null,
]
/** Each row that is looked at, so that somebody looks at the time as well. */
type Look = [number: number, fits: 0 | 1]
type Value = number | string | Buffer

/** A part of a statement. */
interface Term {
  readonly sql: string
  readonly values: readonly Value[]
}

/** Which rows a step looks at, and where the next one begins; undefined: there are no more behind them. */
interface Range extends Term {
  readonly way: string
  readonly last: number | undefined
}

/** A step ends with the row after so long. With large workloads it is by far not the same for one row as for another. */
const stepMs = 10
/** An index that does not go by number is read as a whole, if it has no more entries; if their rows are needed, so many. */
const entriesMax = 100_000
const entryRowsMax = 2000
/** Of such an index, so many rows are looked at in a step. */
const foundMax = 1000

const columns: Readonly<Record<Table, string>> = {
  jobs: "run_at, attempts, submitted_at, 0, ''",
  dead: '0, attempts, submitted_at, died_at, reason',
  results: "0, attempts, submitted_at, ended_at, ''",
}

/** Looks through jobs, a part of them at a time: whatever is asked for, others wait for a few milliseconds. */
export class Scans {
  readonly #database: Database
  readonly #functions: FunctionTable
  readonly #uniques: Uniques
  /** By their text: there are as many as combinations of what can be asked. */
  readonly #lookStatements = new Map<string, Statement<Value[], Look>>()
  readonly #rows: Readonly<Record<Table, Statement<[number], Row>>>
  readonly #numberStatements = new Map<string, Statement<Value[], number>>()

  constructor(database: Database, functions: FunctionTable, uniques: Uniques) {
    this.#database = database
    this.#functions = functions
    this.#uniques = uniques
    const rows = (table: Table) =>
      database
        .prepare<[number], Row>(`
          SELECT number, function_id, unique_name, priority, ${columns[table]}, failures FROM ${table} WHERE number = ?`)
        .raw()
    this.#rows = { jobs: rows('jobs'), dead: rows('dead'), results: rows('results') }
  }

  scan({ jobsMax, ...scan }: Extract<StoreRequest, { kind: 'scan' }>): Answer<'scan'> {
    const jobs: StoredRow[] = []
    const next = this.#step(scan, (row, error) => {
      jobs.push(this.#toRow(scan.filter.state, row, error()))
      return jobs.length < jobsMax
    })
    return { kind: 'scan', jobs, next }
  }

  count(scan: StoredScan): Answer<'count'> {
    const counts = new Map<number, number>()
    const next = this.#step(scan, ([, id]) => {
      counts.set(id, (counts.get(id) ?? 0) + 1)
      return true
    })
    const functions = Array.from(counts, ([id, count]) => ({ name: this.#functions.withId(id).name, count }))
    return { kind: 'count', functions, next }
  }

  groupDead({ groupsMax, ...scan }: Extract<StoreRequest, { kind: 'group dead' }>): Answer<'group dead'> {
    const groups = new Map<string, StoredGroup>()
    const next = this.#step(scan, ([number, functionId, , , , , , at, word], error) => {
      // Only reasons are written there.
      const reason = word as DeathReason
      const message = failureMessage(error())
      const key = `${functionId} ${reason} ${message}`
      const { name } = this.#functions.withId(functionId)
      const group = { function: name, reason, message, count: 1, firstAt: at, lastAt: at, number }
      groups.set(key, mergedGroup(groups.get(key), group))
      return groups.size < groupsMax
    })
    return { kind: 'group dead', groups: [...groups.values()], next }
  }

  /** Gives what fits to `take`, until that has enough; and where to go on. */
  #step(scan: StoredScan, take: (row: Row, error: () => string) => boolean): number | undefined {
    const { filter, isDescending } = scan
    const { error, message } = filter
    const owners = filter.function === undefined ? undefined : this.#functions.fitting(filter.function)
    const table = tableOf(filter)
    const range = owners?.length === 0 ? undefined : this.#range(table, scan, owners)
    if (range === undefined) return undefined
    const terms = conditions(table, filter, owners)
    const looks = this.#lookStatement(`
      SELECT number, ${['TRUE', ...terms.map(({ sql }) => sql)].join(' AND ')} FROM ${table} ${range.way}
      WHERE ${range.sql} ORDER BY number ${isDescending ? 'DESC' : 'ASC'}`)
    const wanted = error?.toLowerCase()
    const deadline = performance.now() + stepMs
    for (const [number, fits] of looks.iterate(...[...terms, range].flatMap(({ values }) => values))) {
      const row = fits === 1 ? this.#rows[table].get(number) : undefined
      const isEnough = row !== undefined && hasError(row, wanted, message) && !take(row, () => lastError(row))
      if (isEnough || performance.now() >= deadline) return number
    }
    return range.last
  }

  /** Undefined: there are none. */
  #range(table: Table, scan: StoredScan, owners: readonly FunctionRow[] | undefined): Range | undefined {
    const { filter, isDescending, from } = scan
    const behind = isDescending ? 'number < ?' : 'number > ?'
    const key = filter.unique === undefined ? null : this.#uniques.keyOfName(filter.unique)
    if (key !== null) {
      return {
        way: `INDEXED BY ${table}_unique`,
        sql: `unique_key = ? AND ${behind}`,
        values: [key, from],
        last: undefined,
      }
    }
    const [only] = owners ?? []
    if (table === 'dead' && only !== undefined && owners?.length === 1) {
      const ofFunction = { sql: `function_id = ? AND ${behind}`, values: [only.id, from] }
      return { way: 'INDEXED BY dead_of_function', ...ofFunction, last: undefined }
    }
    const isIndexed = table === 'jobs' && (owners !== undefined || filter.state === 'delayed')
    const numbers = isIndexed ? this.#byIndexes(scan, owners) : undefined
    if (numbers === undefined) return { way: 'NOT INDEXED', sql: behind, values: [from], last: undefined }
    if (numbers.length === 0) return undefined
    return {
      way: 'NOT INDEXED',
      sql: 'number IN (SELECT value FROM json_each(?))',
      values: [JSON.stringify(numbers)],
      last: numbers.length < foundMax ? undefined : numbers.at(-1),
    }
  }

  /** The first ones, found by what they wait for; undefined: it is quicker to look at all by number. */
  #byIndexes(
    { filter: { state }, isDescending, from }: StoredScan,
    owners: readonly FunctionRow[] | undefined,
  ): number[] | undefined {
    const ids = owners && JSON.stringify(owners.map(({ id }) => id))
    const ofOwners = ids === undefined ? 'TRUE' : 'function_id IN (SELECT value FROM json_each(?))'
    const idValues = ids === undefined ? [] : [ids]
    const total = (count: string) => this.#numbers(`SELECT total(${count}) FROM counts WHERE ${ofOwners}`, idValues)[0]
    const ready = state === 'delayed' ? 0 : (total('ready') ?? 0)
    const delayed = state === 'ready' ? 0 : (total('delayed') ?? 0)
    if (ready > entriesMax) return undefined
    if (delayed > 0) {
      const [entries = 0] = this.#numbers('SELECT total(delayed) FROM counts', [])
      if (entries > (ids === undefined ? entriesMax : entryRowsMax)) return undefined
    }
    const numbers = (index: string, condition: string) =>
      this.#numbers(
        `
        SELECT number FROM jobs INDEXED BY ${index}
        WHERE ${condition} AND ${ofOwners} AND ${isDescending ? 'number < ?' : 'number > ?'}
        ORDER BY number ${isDescending ? 'DESC' : 'ASC'} LIMIT ${foundMax}`,
        [...idValues, from],
      )
    const found = [
      ...(ready > 0 ? numbers('jobs_ready', 'position > 0') : []),
      ...(delayed > 0 ? numbers('jobs_delayed', 'run_at > 0') : []),
    ]
    return found.sort((one, other) => (isDescending ? other - one : one - other)).slice(0, foundMax)
  }

  #lookStatement(sql: string): Statement<Value[], Look> {
    const statement = this.#lookStatements.get(sql) ?? this.#database.prepare<Value[], Look>(sql).raw()
    this.#lookStatements.set(sql, statement)
    return statement
  }

  #numbers(sql: string, values: readonly Value[]): number[] {
    const statement = this.#numberStatements.get(sql) ?? this.#database.prepare<Value[], number>(sql).pluck()
    this.#numberStatements.set(sql, statement)
    return statement.all(...values)
  }

  #toRow(state: StoredFilter['state'], row: Readonly<Row>, error: string): StoredRow {
    const [number, functionId, unique, priority, runAt, attempts, submittedAt, endedAt, word] = row
    const isWaiting = state === 'live' || state === 'ready' || state === 'delayed'
    return {
      number,
      function: this.#functions.withId(functionId).name,
      unique: fromColumn(unique),
      priority,
      runAt,
      attempts,
      state: !isWaiting ? state : runAt > 0 ? 'delayed' : 'ready',
      submittedAt,
      endedAt,
      // Only reasons are written there.
      reason: state === 'dead' ? (word as DeathReason) : undefined,
      error,
    }
  }
}

/** What its last error says, and what message it has. */
function hasError(row: Row, wanted: string | undefined, message: string | undefined): boolean {
  if (wanted !== undefined && !lastError(row).toLowerCase().includes(wanted)) return false
  return message === undefined || failureMessage(lastError(row)) === message
}

function lastError([, , , , , , , , , failures]: Row): string {
  return readNotes(failures).at(-1)?.error ?? ''
}

function tableOf({ state }: StoredFilter): Table {
  if (state === 'live' || state === 'ready' || state === 'delayed') return 'jobs'
  return state === 'dead' ? 'dead' : 'results'
}

/** What must be so of a row, but for what its last error says. What stands behind a workload comes last. */
function conditions(table: Table, filter: StoredFilter, owners: readonly FunctionRow[] | undefined): Term[] {
  const { state, priority, unique, submittedFrom, submittedUntil, error, message, reason } = filter
  const terms: Term[] = []
  const add = (sql: string, ...values: Value[]) => terms.push({ sql, values })
  if (state === 'ready') add('position > 0')
  if (state === 'delayed') add('run_at > 0')
  if (table === 'results') add('outcome = ? AND keep_until > 0', state)
  const [only] = owners ?? []
  if (only !== undefined && owners?.length === 1) add('function_id = ?', only.id)
  else if (owners !== undefined) {
    add('function_id IN (SELECT value FROM json_each(?))', JSON.stringify(owners.map(({ id }) => id)))
  }
  if (priority !== undefined) add('priority = ?', priority)
  if (unique !== undefined) add('unique_name = ?', toColumn(unique))
  if (reason !== undefined) add(table === 'dead' ? 'reason = ?' : 'FALSE AND ? IS NULL', reason)
  if (submittedFrom !== undefined) add('submitted_at > 0 AND submitted_at >= ?', submittedFrom)
  if (submittedUntil !== undefined) add('submitted_at > 0 AND submitted_at <= ?', submittedUntil)
  // Without an attempt there is no message; a dead one may have had none.
  if (error !== undefined || (message !== undefined && message !== '')) add('failures IS NOT NULL')
  return terms
}
