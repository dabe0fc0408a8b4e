import { isUtf8 } from 'node:buffer'
import type { Database } from 'better-sqlite3'
import { toFailure } from './failure.ts'
import type { StoreSnapshot } from './snapshot.ts'
import { fromColumn, toColumn } from './text.ts'
import { uniqueKey } from './unique-key.ts'

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

  /** Each job by itself, and whether the table counts holds as many as there are. */
  #checkJobs(): void {
    const total = Number(this.#database.prepare('SELECT total(ready + delayed) FROM counts').pluck().get())
    const counts = new Map<string, { ready: number; delayed: number }>()
    const rows = this.#rows<Row>(`
      SELECT number, function_id, priority, position, run_at, unique_name, unique_key, clash, reducer, workload
      FROM jobs ORDER BY number`)
    for (const row of rows) {
      if (this.#jobs++ % jobsBetweenProgress === 0) this.#options.onProgress('jobs', this.#jobs, total)
      for (const what of faultsOf(row)) this.#fault(`job ${String(row[0])}: ${what}`)
      const [, functionId, priority, position] = row
      const key = `${String(functionId)} ${String(priority)}`
      let count = counts.get(key)
      if (count === undefined) counts.set(key, (count = { ready: 0, delayed: 0 }))
      if (position === 0) count.delayed++
      else count.ready++
    }
    this.#compareCounts(counts)
  }

  #compareCounts(counts: ReadonlyMap<string, { readonly ready: number; readonly delayed: number }>): void {
    const left = new Map(counts)
    const rows = this.#rows<[number, number, number, number]>(
      'SELECT function_id, priority, ready, delayed FROM counts',
    )
    for (const [functionId, priority, ready, delayed] of rows) {
      const key = `${functionId} ${priority}`
      const real = left.get(key) ?? { ready: 0, delayed: 0 }
      left.delete(key)
      if (real.ready === ready && real.delayed === delayed) continue
      this.#fault(
        `counts has ${ready} ready and ${delayed} delayed jobs ${this.#line(functionId, priority)}, and there are ${real.ready} and ${real.delayed}`,
      )
    }
    for (const [key, { ready, delayed }] of left) {
      const [functionId, priority] = key.split(' ').map(Number)
      this.#fault(
        `counts has no row for the ${ready} ready and ${delayed} delayed jobs ${this.#line(functionId ?? 0, priority ?? 0)}`,
      )
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
    const last = this.#database
      .prepare<[], number>('SELECT number FROM jobs ORDER BY number DESC LIMIT 1')
      .pluck()
      .get()
    if (last !== undefined && last >= reserved) {
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
  const [number, functionId, priority, position, runAt, unique, key, clash, reducer, workload] = row
  if (!isWhole(number, 1)) yield 'its number is no whole number above 0'
  if (!isWhole(functionId, 0)) yield 'its function is no number'
  if (!isWhole(priority, 0) || priority > 2) yield 'its priority is none of 0, 1 and 2'
  if (!isWhole(clash, 0)) yield 'its clash is no whole number'
  if (!isWhole(position, 0) || !isWhole(runAt, 0)) yield 'its position or its time is no whole number'
  else if (position > 0 === runAt > 0)
    yield `it is ${position > 0 ? 'both ready and delayed' : 'neither ready nor delayed'}`
  if (!isName(reducer)) yield 'its reducer is neither text nor a BLOB of other bytes'
  if (!Buffer.isBuffer(workload)) yield 'its workload is no BLOB'
  if (!isName(unique)) yield 'its unique is neither text nor a BLOB of other bytes'
  else if (Buffer.isBuffer(workload) && key !== uniqueKey(fromColumn(unique), workload)) {
    yield 'its unique key is not that of its unique'
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
