import { statSync } from 'node:fs'
import type { Priority } from '@geartrain/engine'
import type { Database, Statement } from 'better-sqlite3'
import { StoreError } from '../store.ts'
import { assertIsOurs, assertLogHasDatabase } from './database.ts'
import { openSqlite } from './driver.ts'
import { openingError } from './failure.ts'
import { findOwner } from './owner.ts'
import { schemaVersion } from './schema.ts'
import { fromColumn, fromOptionalColumn, type NameColumn } from './text.ts'
import type { StoredJob } from './transfer.ts'

const busyTimeoutMs = 5000
/** So many delayed jobs are looked at to say when a function's next one is due: a walk over all could take minutes. */
const delayedSeenMax = 100_000

type JobRow = readonly [
  number: number,
  functionId: number,
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

interface Counted {
  ready: [number, number, number]
  delayed: number
  dead: number
  kept: number
  oldest: number | undefined
}

/** What of a function is in the store. */
export interface FunctionStats {
  readonly name: string
  /** By priority; running ones among them. */
  readonly ready: readonly [number, number, number]
  readonly delayed: number
  readonly dead: number
  /** Jobs that have ended and of which something is kept. */
  readonly kept: number
  /** When the next delayed job is due; undefined if there is none, or none among the first of all functions. */
  readonly nextDueAt: number | undefined
  /** The lowest number at the heads of its lines; undefined if none is ready. */
  readonly oldest: number | undefined
}

export interface StoreStats {
  readonly schemaVersion: number
  /** The process that has the store. */
  readonly pid: number | undefined
  readonly bytes: number
  /** Of the write-ahead log. */
  readonly logBytes: number
  /** By name. */
  readonly functions: readonly FunctionStats[]
  readonly nextDueAt: number | undefined
  /** The lowest number of all. */
  readonly oldest: number | undefined
}

/**
 * A store as it was at one moment, for reading, while a server may go on with it: nothing is locked and nothing
 * written. The log can't be cut short as long as it is open.
 */
export class StoreSnapshot {
  readonly path: string
  /** Of this snapshot alone; whoever uses it only reads. */
  readonly database: Database
  #byNumber: Statement<[number]> | undefined

  /** Throws a StoreError. */
  constructor(path: string) {
    this.path = path
    this.database = openForReading(path)
  }

  /** How many jobs there are, as the store keeps count. */
  get jobCount(): number {
    return this.database.prepare<[], number>('SELECT total(ready + delayed) FROM counts').pluck().get() ?? 0
  }

  has(number: number): boolean {
    this.#byNumber ??= this.database.prepare('SELECT 1 FROM jobs WHERE number = ?')
    return this.#byNumber.get(number) !== undefined
  }

  /** In the order of their numbers. Throws a StoreError for what can't be read. */
  *jobs(): Generator<StoredJob> {
    const names = this.#names()
    const rows = this.database.prepare<[], JobRow>(`
      SELECT number, function_id, priority, run_at, unique_name, reducer, workload, expire_at, attempts, then_function,
        options, trace
      FROM jobs ORDER BY number`)
    try {
      for (const row of rows.raw().iterate()) {
        const [number, functionId, priority, runAt, unique, reducer, workload, expireAt, attempts, then, ...rest] = row
        const [options, trace] = rest
        const jobFunction = names.get(functionId)
        if (jobFunction === undefined) {
          const sentence = `the function of job ${number} is missing; see what geartrain store check says`
          throw new StoreError('STORE_DAMAGED', sentence)
        }
        yield {
          number,
          function: jobFunction,
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
    } catch (error) {
      throw openingError(this.path, error)
    }
  }

  /** Fast, however many jobs there are. */
  stats(): StoreStats {
    try {
      return {
        schemaVersion: Number(this.database.pragma('user_version', { simple: true })),
        pid: findOwner(this.path),
        bytes: fileBytes(this.path),
        logBytes: fileBytes(`${this.path}-wal`),
        functions: this.#functionStats(),
        nextDueAt: this.#first('SELECT run_at FROM jobs WHERE run_at > 0 ORDER BY run_at LIMIT 1'),
        oldest: this.#first('SELECT number FROM jobs ORDER BY number LIMIT 1'),
      }
    } catch (error) {
      throw openingError(this.path, error)
    }
  }

  close(): void {
    this.database.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #names(): Map<number, string> {
    const rows = this.database.prepare<[], [number, NameColumn]>('SELECT id, name FROM functions').raw().all()
    return new Map(rows.map(([id, name]) => [id, fromColumn(name)]))
  }

  #functionStats(): FunctionStats[] {
    const names = this.#names()
    const heads = this.database
      .prepare<[number, number], number>(
        'SELECT number FROM jobs WHERE function_id = ? AND priority = ? AND position > 0 ORDER BY position LIMIT 1',
      )
      .pluck()
    const dueAt = this.#nextDueByFunction()
    const counts = new Map<number, Counted>()
    const rows = this.database.prepare<[], [number, Priority, number, number, number, number]>(`
      SELECT function_id, priority, ready, delayed, dead, kept FROM counts
      WHERE ready > 0 OR delayed > 0 OR dead > 0 OR kept > 0`)
    for (const [id, priority, ready, delayed, dead, kept] of rows.raw().all()) {
      let count = counts.get(id)
      if (count === undefined) {
        counts.set(id, (count = { ready: [0, 0, 0], delayed: 0, dead: 0, kept: 0, oldest: undefined }))
      }
      count.ready[priority] = ready
      count.delayed += delayed
      count.dead += dead
      count.kept += kept
      const head = ready > 0 ? heads.get(id, priority) : undefined
      if (head !== undefined) count.oldest = Math.min(head, count.oldest ?? head)
    }
    return [...counts]
      .map(([id, count]) => ({ name: names.get(id) ?? '', nextDueAt: dueAt.get(id), ...count }))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** By the index of those that are delayed, which begins with the next one that is due. */
  #nextDueByFunction(): Map<number, number> {
    const waiting = new Set(
      this.database.prepare<[], number>('SELECT function_id FROM counts WHERE delayed > 0').pluck().all(),
    )
    const dueAt = new Map<number, number>()
    if (waiting.size === 0) return dueAt
    const rows = this.database.prepare<[number], [number, number]>(
      'SELECT function_id, run_at FROM jobs WHERE run_at > 0 ORDER BY run_at, number LIMIT ?',
    )
    for (const [id, runAt] of rows.raw().iterate(delayedSeenMax)) {
      if (!waiting.delete(id)) continue
      dueAt.set(id, runAt)
      if (waiting.size === 0) break
    }
    return dueAt
  }

  #first(sql: string): number | undefined {
    return this.database.prepare<[], number>(sql).pluck().get()
  }
}

function openForReading(path: string): Database {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() === false) {
    throw new StoreError('STORE_MISSING', `${path} is not a file; name the store itself: --store sqlite:PATH`)
  }
  if (fileBytes(path) === 0) {
    assertLogHasDatabase(path)
    const what =
      statSync(path, { throwIfNoEntry: false }) === undefined ? `there is no file ${path}` : `${path} is empty`
    throw new StoreError('STORE_MISSING', `${what}; name the store that a server was started with: --store sqlite:PATH`)
  }
  let database: Database | undefined
  try {
    database = openSqlite(path, { readonly: true, fileMustExist: true, timeout: busyTimeoutMs })
    // The moment it is seen at is that of the first read.
    database.exec('BEGIN')
    const version = Number(database.pragma('user_version', { simple: true }))
    assertIsOurs(path, database)
    if (version < schemaVersion) {
      throw new StoreError(
        'STORE_TOO_OLD',
        `${path} was written by an older Geartrain (schema ${version}, this program has ${schemaVersion}); start a server with it once, which brings it up to date`,
      )
    }
    return database
  } catch (error) {
    database?.close()
    throw openingError(path, error)
  }
}

function fileBytes(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}
