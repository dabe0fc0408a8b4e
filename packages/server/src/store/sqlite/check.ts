import { isUtf8 } from 'node:buffer'
import type { Database } from 'better-sqlite3'
import { toFailure } from './failure.ts'
import type { StoreSnapshot } from './snapshot.ts'
import { fromColumn, toColumn } from './text.ts'
import { uniqueKey } from './unique-key.ts'
import { isNamed } from './uniques.ts'

/** So many faults are told; of a file that is badly damaged nobody reads more. */
const faultsMax = 100
const jobsBetweenProgress = 1024
const priorityNames = ['high', 'normal', 'low']

export interface CheckOptions {
  /** Compare each index with its table as well. */
  readonly isFull: boolean
  /** `total` is 0 where nobody knows. */
  onProgress(what: string, done: number, total: number): void
}

export interface CheckResult {
  /** Sentences; none: all is well. */
  readonly faults: readonly string[]
  /** There are more than were told. */
  readonly hasMore: boolean
  readonly jobs: number
  readonly functions: number
}

interface Counts {
  ready: number
  delayed: number
  dead: number
  kept: number
}

type Row = readonly [
  number: unknown,
  functionId: unknown,
  priority: unknown,
  position: unknown,
  runAt: unknown,
  unique: unknown,
  key: unknown,
  clash: unknown,
  reducer: unknown,
  workload: unknown,
  expireAt: unknown,
  attempts: unknown,
  failures: unknown,
  then: unknown,
  options: unknown,
  trace: unknown,
  readyAt: unknown,
]

type EndedRow = readonly [
  number: unknown,
  functionId: unknown,
  priority: unknown,
  unique: unknown,
  key: unknown,
  failures: unknown,
  bytes: unknown,
]

/** Reads all there is in a store and compares it with itself. Nothing is changed. */
export function checkStore(snapshot: StoreSnapshot, options: CheckOptions): CheckResult {
  return new Check(snapshot.database, options).run()
}

class Check {
  readonly #database: Database
  readonly #options: CheckOptions
  readonly #faults: string[] = []
  #hasMore = false
  #jobs = 0
  #functions = 0
  /** What there is, by function and priority. */
  readonly #counts = new Map<string, Counts>()

  constructor(database: Database, options: CheckOptions) {
    this.#database = database
    this.#options = options
  }

  run(): CheckResult {
    const { isFull } = this.#options
    this.#step(isFull ? 'pages and indexes' : 'pages', () => this.#checkPages(isFull))
    this.#step('references', () => this.#checkReferences())
    this.#step('functions', () => this.#checkFunctions())
    this.#step('jobs', () => this.#checkJobs())
    this.#step('dead jobs', () => this.#checkEnded('dead', 'workload'))
    this.#step('results', () => this.#checkEnded('results', 'data'))
    this.#step('counts', () => this.#compareCounts())
    this.#step('positions', () => this.#checkPositions())
    this.#step('uniques', () => this.#checkUniques())
    this.#step('numbers', () => this.#checkNumbers())
    return { faults: this.#faults, hasMore: this.#hasMore, jobs: this.#jobs, functions: this.#functions }
  }

  /** What can't be read is a fault as well. */
  #step(what: string, check: () => void): void {
    this.#options.onProgress(what, 0, 0)
    try {
      check()
    } catch (error) {
      const failure = toFailure(error)
      if (failure === undefined) throw error
      this.#fault(`the ${what} can't be read to the end: ${failure.message} (${failure.code})`)
    }
  }

  #fault(sentence: string): void {
    if (this.#faults.length === faultsMax) this.#hasMore = true
    else this.#faults.push(sentence)
  }

  /** SQLite's own. */
  #checkPages(isFull: boolean): void {
    const pragma = isFull ? 'integrity_check' : 'quick_check'
    for (const [line] of this.#rows<[string]>(`PRAGMA ${pragma}(${faultsMax})`)) {
      // A list with a heading.
      const parts = line.split('\n').filter((part) => part !== 'ok' && !part.startsWith('***'))
      for (const part of parts) this.#fault(`SQLite: ${part}`)
    }
  }

  #checkReferences(): void {
    for (const row of this.#rows<[string, number, string]>('PRAGMA foreign_key_check')) {
      const [table, rowid, parent] = row
      this.#fault(`row ${rowid} of ${table} refers to a row of ${parent} that is not there`)
    }
  }

  #checkFunctions(): void {
    for (const [id, name] of this.#rows<[number, unknown]>('SELECT id, name FROM functions')) {
      this.#functions++
      if (!isName(name)) this.#fault(`the name of function ${id} is neither text nor a BLOB of other bytes`)
    }
  }

  /** Each job by itself. */
  #checkJobs(): void {
    const total = Number(this.#database.prepare('SELECT total(ready + delayed) FROM counts').pluck().get())
    const rows = this.#rows<Row>(`
      SELECT number, function_id, priority, position, run_at, unique_name, unique_key, clash, reducer, workload,
        expire_at, attempts, failures, then_function, options, trace, ready_at
      FROM jobs ORDER BY number`)
    for (const row of rows) {
      if (this.#jobs++ % jobsBetweenProgress === 0) this.#options.onProgress('jobs', this.#jobs, total)
      for (const what of faultsOf(row)) this.#fault(`job ${String(row[0])}: ${what}`)
      const [, functionId, priority, position] = row
      const count = this.#countsOf(functionId, priority)
      if (position === 0) count.delayed++
      else count.ready++
    }
  }

  /** Each job that is dead, or of which a result is kept; none of them is anywhere else. */
  #checkEnded(table: 'dead' | 'results', bytesColumn: string): void {
    const others = ['jobs', 'dead', 'results'].filter((each) => each !== table)
    const rows = this.#rows<[...EndedRow, string | null]>(`
      SELECT number, function_id, priority, unique_name, unique_key, failures, ${bytesColumn},
        (${others.map((each) => `SELECT '${each}' FROM ${each} WHERE number = ${table}.number`).join(' UNION ALL ')})
      FROM ${table} ORDER BY number`)
    for (const row of rows) {
      const [number, functionId, priority, unique, key, failures, bytes, other] = row
      const fault = (what: string) => this.#fault(`job ${String(number)} in ${table}: ${what}`)
      if (other !== null) fault(`it is in ${other} as well`)
      if (!isNotes(failures)) fault('its failures are no JSON array')
      if (!Buffer.isBuffer(bytes)) fault(`its ${bytesColumn} is no BLOB`)
      else if (!isName(unique)) fault('its unique is neither text nor a BLOB of other bytes')
      else if (key !== endedKey(table, fromColumn(unique), bytes)) fault('its unique key is not that of its unique')
      const count = this.#countsOf(functionId, priority)
      if (table === 'dead') count.dead++
      else count.kept++
    }
  }

  #countsOf(functionId: unknown, priority: unknown): Counts {
    const key = `${String(functionId)} ${String(priority)}`
    let count = this.#counts.get(key)
    if (count === undefined) this.#counts.set(key, (count = { ready: 0, delayed: 0, dead: 0, kept: 0 }))
    return count
  }

  /** The table counts holds as many as there are. */
  #compareCounts(): void {
    const left = new Map(this.#counts)
    const rows = this.#rows<[number, number, number, number, number, number]>(
      'SELECT function_id, priority, ready, delayed, dead, kept FROM counts',
    )
    for (const [functionId, priority, ready, delayed, dead, kept] of rows) {
      const key = `${functionId} ${priority}`
      const real = left.get(key) ?? { ready: 0, delayed: 0, dead: 0, kept: 0 }
      left.delete(key)
      const line = this.#line(functionId, priority)
      if (real.ready !== ready || real.delayed !== delayed) {
        this.#fault(
          `counts has ${ready} ready and ${delayed} delayed jobs ${line}, and there are ${real.ready} and ${real.delayed}`,
        )
      }
      if (real.dead !== dead || real.kept !== kept) {
        this.#fault(
          `counts has ${dead} dead jobs and ${kept} results ${line}, and there are ${real.dead} and ${real.kept}`,
        )
      }
    }
    for (const [key, { ready, delayed, dead, kept }] of left) {
      const [functionId, priority] = key.split(' ').map(Number)
      const line = this.#line(functionId ?? 0, priority ?? 0)
      const ended = dead + kept === 0 ? '' : `, the ${dead} dead jobs and ${kept} results`
      this.#fault(`counts has no row for the ${ready} ready and ${delayed} delayed jobs${ended} ${line}`)
    }
  }

  /** One counter gives them all out. */
  #checkPositions(): void {
    const rows = this.#rows<[number, number, number, number]>(`
      SELECT function_id, priority, position, count(*) FROM jobs WHERE position > 0
      GROUP BY function_id, priority, position HAVING count(*) > 1`)
    for (const [functionId, priority, position, count] of rows) {
      this.#fault(`${count} jobs ${this.#line(functionId, priority)} have the position ${position}`)
    }
  }

  /** Of those whose keys are the same: are their uniques different, and is there no gap in what tells them apart? */
  #checkUniques(): void {
    const groups = this.#rows<[number, number, number, number, number]>(`
      SELECT function_id, unique_key, count(*), min(clash), max(clash) FROM jobs INDEXED BY jobs_unique
      WHERE unique_key IS NOT NULL GROUP BY unique_key, function_id HAVING count(*) > 1 OR max(clash) > 0`)
    const same = this.#database
      .prepare<[number, number], [number, unknown, Buffer]>(
        'SELECT number, unique_name, workload FROM jobs WHERE unique_key = ? AND function_id = ?',
      )
      .raw()
    for (const [functionId, key, count, least, most] of groups) {
      if (least !== 0 || most !== count - 1) {
        this.#fault(`the jobs of function ${functionId} with the unique key ${key} have a gap in their clashes`)
      }
      const seen = new Map<string, number>()
      for (const [number, unique, workload] of same.all(key, functionId)) {
        const name = isName(unique) ? fromColumn(unique) : String(unique)
        const identity = name === '-' ? `-${workload.toString('latin1')}` : ` ${name}`
        const other = seen.get(identity)
        if (other !== undefined) this.#fault(`the jobs ${other} and ${number} of one function have the same unique`)
        seen.set(identity, number)
      }
    }
  }

  #checkNumbers(): void {
    const [reserved] = this.#database.prepare<[], number>('SELECT reserved_until FROM numbers').pluck().all()
    if (reserved === undefined) return this.#fault('the table numbers has no row')
    const lastOf = (table: string) =>
      this.#database.prepare<[], number | null>(`SELECT max(number) FROM ${table}`).pluck().get() ?? 0
    const last = Math.max(lastOf('jobs'), lastOf('dead'), lastOf('results'))
    if (last > 0 && last >= reserved) {
      this.#fault(`job ${last} has a number that may be given out again: numbers are reserved until ${reserved}`)
    }
  }

  #line(functionId: number, priority: number): string {
    const name: unknown = this.#database.prepare('SELECT name FROM functions WHERE id = ?').pluck().get(functionId)
    const called = typeof name === 'string' ? JSON.stringify(name) : `number ${functionId}`
    return `of function ${called} with priority ${priorityNames[priority] ?? priority}`
  }

  #rows<Columns>(sql: string): IterableIterator<Columns> {
    return this.#database.prepare<[], Columns>(sql).raw().iterate()
  }
}

function* faultsOf(row: Row): Generator<string> {
  const [number, functionId, priority, position, runAt, unique, key, clash, reducer, workload, ...rest] = row
  const [expireAt, attempts, failures, then, options, trace, readyAt] = rest
  if (!isWhole(number, 1)) yield 'its number is no whole number above 0'
  if (!isWhole(functionId, 0)) yield 'its function is no number'
  if (!isWhole(priority, 0) || priority > 2) yield 'its priority is none of 0, 1 and 2'
  if (!isWhole(clash, 0)) yield 'its clash is no whole number'
  if (!isWhole(position, 0) || !isWhole(runAt, 0)) yield 'its position or its time is no whole number'
  else if (position > 0 === runAt > 0)
    yield `it is ${position > 0 ? 'both ready and delayed' : 'neither ready nor delayed'}`
  if (!isName(reducer)) yield 'its reducer is neither text nor a BLOB of other bytes'
  if (!isName(then)) yield 'the function of its result is neither text nor a BLOB of other bytes'
  if (!isWhole(attempts, 0)) yield 'its attempts are no whole number'
  if (expireAt !== null && typeof expireAt !== 'number') yield 'the time at which it expires is no number'
  if (!isNotes(failures)) yield 'its failures are no JSON array'
  if (options !== null && !isName(options)) yield 'its options are neither text nor a BLOB of other bytes'
  if (trace !== null && !isName(trace)) yield 'its trace is neither text nor a BLOB of other bytes'
  if (readyAt !== null && typeof readyAt !== 'number') yield 'the time since which it can be begun is no number'
  if (!Buffer.isBuffer(workload)) yield 'its workload is no BLOB'
  if (!isName(unique)) yield 'its unique is neither text nor a BLOB of other bytes'
  else if (Buffer.isBuffer(workload) && key !== uniqueKey(fromColumn(unique), workload)) {
    yield 'its unique key is not that of its unique'
  }
}

/** Of a result, only a name has one. */
function endedKey(table: 'dead' | 'results', unique: string, bytes: Buffer): number | null {
  return table === 'dead' || isNamed(unique) ? uniqueKey(unique, bytes) : null
}

function isNotes(value: unknown): boolean {
  if (value === null) return true
  if (typeof value !== 'string') return false
  try {
    return Array.isArray(JSON.parse(value))
  } catch {
    return false
  }
}

function isWhole(value: unknown, min: number): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= min
}

/** As it is written: it is looked up by comparing columns. */
function isName(value: unknown): value is string | Buffer {
  if (typeof value === 'string') return toColumn(fromColumn(value)) === value
  return Buffer.isBuffer(value) && !isUtf8(value)
}
