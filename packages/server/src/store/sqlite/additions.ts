import assert from 'node:assert/strict'
import type { Priority } from '@geartrain/engine'
import type { Database, Statement } from 'better-sqlite3'
import { RecordReader } from '../records.ts'
import type { BatchResult } from '../store.ts'
import { FunctionRow, type FunctionTable } from './functions.ts'
import type { Positions } from './positions.ts'
import type { Results } from './results.ts'
import { toColumn, toOptionalColumn } from './text.ts'
import { isNamed, type Uniques } from './uniques.ts'

/** A job on its way into the table. */
interface Row {
  /** In the batch. */
  index: number
  owner: FunctionRow
  number: number
  priority: Priority
  position: number
  runAt: number
  unique: string
  key: number | null
  clash: number
  reducer: string
  then: string
  options: string
  trace: string
  workload: Buffer
  expireAt: number
  attempts: number
  isClaimed: boolean
  isThrottled: boolean
}

const noBytes = Buffer.alloc(0)

/** Rows in one statement: a call costs as much as several rows do. */
const rowsMax = 64

/**
 * Puts jobs into the table, or finds those that they join. Many rows go in at once, and the unique index decides; only
 * when it refused some is each of them looked at.
 */
export class Additions {
  readonly #functions: FunctionTable
  readonly #uniques: Uniques
  readonly #positions: Positions
  readonly #results: Results
  /** By what the rows have; the largest first. */
  readonly #inserts: Readonly<Record<Shape, readonly Insert[]>>
  readonly #insertOne: Insert
  readonly #functionOf: Statement<[number], number>
  /** The same of one that is dead or whose result is kept. */
  readonly #functionOfEnded: Statement<[number, number], number>
  /** No job has a higher number. */
  #numberMax: number
  /** Those that wait until a statement is full; filled anew again and again. */
  readonly #rows: readonly Row[] = Array.from({ length: rowsMax }, newRow)
  #rowCount = 0
  /** Of the one that has most. */
  #shape: Shape = 0
  /** The date of this batch. */
  #now = 0
  #joined: number[] = []
  #throttled: number[] = []

  constructor(
    database: Database,
    functions: FunctionTable,
    uniques: Uniques,
    positions: Positions,
    results: Results,
    numberMax: number,
  ) {
    this.#functions = functions
    this.#uniques = uniques
    this.#positions = positions
    this.#results = results
    this.#numberMax = numberMax
    const inserts = (shape: Shape) => [rowsMax, 8, 1].map((size) => new Insert(database, size, shape))
    this.#inserts = { 0: inserts(0), 1: inserts(1), 2: inserts(2) }
    this.#insertOne = at(this.#inserts[2], 2)
    this.#functionOf = database.prepare<[number], number>('SELECT function_id FROM jobs WHERE number = ?').pluck()
    this.#functionOfEnded = database
      .prepare<[number, number], number>(`
        SELECT function_id FROM dead WHERE number = ?
        UNION ALL SELECT function_id FROM results WHERE number = ?`)
      .pluck()
  }

  /** Within a transaction. */
  add(names: readonly string[], records: Uint8Array, now: number): Pick<BatchResult, 'joined' | 'throttled'> {
    const owners = names.map((name) => this.#functions.findOrAdd(name))
    const reader = new RecordReader(records)
    this.#now = now
    this.#joined = []
    this.#throttled = []
    this.#rowCount = 0
    for (let index = 0; reader.next(); index++) {
      const isNew = reader.number > this.#numberMax
      if (!isNew) this.#flush()
      const row = at(this.#rows, this.#rowCount)
      this.#fill(row, index, at(owners, reader.function), reader)
      if (!isNew) this.#addAgain(row)
      else if (!this.#isThrottled(row)) this.#append(row)
    }
    this.#flush()
    this.#letGo()
    return { joined: Float64Array.from(this.#joined), throttled: Float64Array.from(this.#throttled) }
  }

  /** The buffer of a batch must not be kept by a row that is not filled again for long. */
  #letGo(): void {
    for (const row of this.#rows) row.workload = noBytes
    for (const insert of Object.values(this.#inserts).flat()) insert.letGo()
  }

  #fill(row: Row, index: number, owner: FunctionRow, reader: RecordReader): void {
    row.index = index
    row.owner = owner
    row.number = reader.number
    row.priority = reader.priority
    row.runAt = reader.runAt
    row.position = reader.runAt === 0 ? this.#positions.next() : 0
    row.unique = reader.unique
    row.reducer = reader.reducer
    row.then = reader.then
    row.options = reader.options
    row.trace = reader.trace
    row.expireAt = reader.expireAt
    row.attempts = reader.attempts
    row.workload = reader.workload
    row.key = row.unique === '' ? null : this.#uniques.key(row.unique, row.workload)
    row.clash = 0
    row.isClaimed = reader.isClaimed
    row.isThrottled = reader.isThrottled
  }

  /** It joins one that has ended, and is not added. */
  #isThrottled({ index, owner, unique, key, isThrottled }: Row): boolean {
    if (!isThrottled || key === null || !isNamed(unique)) return false
    const ended = this.#results.findRecent(owner.id, key, unique, this.#now)
    if (ended === undefined) return false
    this.#throttled.push(index, ended)
    return true
  }

  #append(row: Row): void {
    this.#numberMax = row.number
    this.#rowCount++
    const shape = shapeOf(row)
    if (shape > this.#shape) this.#shape = shape
    if (this.#rowCount === rowsMax) this.#flush()
  }

  #flush(): void {
    let from = 0
    for (const insert of this.#inserts[this.#shape]) {
      for (; this.#rowCount - from >= insert.size; from += insert.size) this.#insert(insert, from)
    }
    this.#rowCount = 0
    this.#shape = 0
  }

  #insert(insert: Insert, from: number): void {
    const areAllIn = insert.run(this.#rows, from, this.#now) === insert.size
    for (let i = from; i < from + insert.size; i++) {
      const row = at(this.#rows, i)
      // None of the numbers was there before, so one that is there now has just been inserted.
      if (areAllIn || this.#functionOf.get(row.number) !== undefined) this.#count(row)
      else this.#join(row)
    }
  }

  /**
   * A number that may be there already. When a store breaks down nobody knows whether the batch was kept, and what it
   * added may come again.
   */
  #addAgain(row: Row): void {
    const functionId = this.#functionOf.get(row.number) ?? this.#functionOfEnded.get(row.number, row.number)
    if (functionId === undefined) {
      if (this.#isThrottled(row)) return
      if (this.#insertOne.run([row], 0, this.#now) === 1) this.#count(row)
      else this.#join(row)
      return
    }
    assert.equal(functionId, row.owner.id, `job ${row.number} is another function's`)
    this.#joined.push(row.index, row.number)
  }

  /** The index has refused it: its unique is there, or another one with the same key. */
  #join(row: Row): void {
    const { owner, key, unique, workload } = row
    assert(key !== null)
    const existing = this.#uniques.find(owner.id, key, unique, workload)
    if (existing !== undefined) {
      this.#joined.push(row.index, existing)
      return
    }
    row.clash = this.#uniques.nextClash(owner.id, key)
    assert.equal(this.#insertOne.run([row], 0, this.#now), 1)
    this.#count(row)
  }

  #count({ owner, priority, position, isClaimed }: Row): void {
    this.#functions.touch(owner)
    owner.enter(priority, position, isClaimed)
  }
}

/**
 * What a row has: 0 a function, a priority and a workload; 1 a unique, a reducer or a time as well; 2 what else there
 * is. The columns of the higher shapes are the same in all rows of a lower one: half the values take half the time.
 */
type Shape = 0 | 1 | 2

const columns = [
  ['number', 'function_id', 'priority', 'position', 'workload'],
  ['run_at', 'unique_name', 'unique_key', 'clash', 'reducer'],
  ['then_function', 'expire_at', 'attempts', 'options', 'trace'],
] as const
const emptyValues = ['', "0, '', NULL, 0, ''", "'', NULL, 0, NULL, NULL"] as const

function shapeOf({ unique, reducer, then, runAt, expireAt, attempts, options, trace }: Row): Shape {
  if (then !== '' || expireAt !== 0 || attempts !== 0 || options !== '' || trace !== '') return 2
  return unique === '' && reducer === '' && runAt === 0 ? 0 : 1
}

/** A statement for so many rows. */
class Insert {
  readonly size: number
  readonly #shape: Shape
  readonly #statement: Statement<[unknown[], { now: number }]>
  readonly #values: unknown[]
  /** Bound once, not for each row. */
  readonly #named = { now: 0 }

  constructor(database: Database, size: number, shape: Shape) {
    this.size = size
    this.#shape = shape
    const values = columns.map((some, index) => (index <= shape ? some.map(() => '?').join(', ') : emptyValues[index]))
    const row = `(${values.join(', ')}, :now)`
    this.#statement = database.prepare(`
      INSERT OR IGNORE INTO jobs (${columns.flat().join(', ')}, submitted_at)
      VALUES ${Array(size).fill(row).join(', ')}`)
    this.#values = Array(size * columns.slice(0, shape + 1).flat().length).fill(null)
  }

  /** How many of the rows from this one on were not refused. */
  run(rows: readonly Row[], from: number, now: number): number {
    const values = this.#values
    let next = 0
    for (let i = from; i < from + this.size; i++) {
      const row = at(rows, i)
      values[next++] = row.number
      values[next++] = row.owner.id
      values[next++] = row.priority
      values[next++] = row.position
      values[next++] = row.workload
      if (this.#shape === 0) continue
      values[next++] = row.runAt
      values[next++] = toColumn(row.unique)
      values[next++] = row.key
      values[next++] = row.clash
      values[next++] = toColumn(row.reducer)
      if (this.#shape === 1) continue
      values[next++] = toColumn(row.then)
      values[next++] = row.expireAt === 0 ? null : row.expireAt
      values[next++] = row.attempts
      values[next++] = toOptionalColumn(row.options)
      values[next++] = toOptionalColumn(row.trace)
    }
    this.#named.now = now
    return this.#statement.run(values, this.#named).changes
  }

  letGo(): void {
    this.#values.fill(null)
  }
}

function newRow(): Row {
  return {
    index: 0,
    owner: new FunctionRow(0, ''),
    number: 0,
    priority: 1,
    position: 0,
    runAt: 0,
    unique: '',
    key: null,
    clash: 0,
    reducer: '',
    then: '',
    options: '',
    trace: '',
    workload: noBytes,
    expireAt: 0,
    attempts: 0,
    isClaimed: false,
    isThrottled: false,
  }
}

function at<T>(items: readonly T[], index: number): T {
  const item = items[index]
  assert(item !== undefined)
  return item
}
