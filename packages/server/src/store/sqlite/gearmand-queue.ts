import { cpSync, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import type { Priority } from '@geartrain/engine'
import type { Database, Statement } from 'better-sqlite3'
import { StoreError } from '../store.ts'
import { isSqliteError, openSqlite } from './driver.ts'
import { openingError } from './failure.ts'
import { applicationId } from './schema.ts'
import type { NewJob } from './transfer.ts'

/** The table, if nobody says another one. */
export const gearmandTable = 'gearman_queue'

const columns = ['unique_key', 'function_name', 'priority', 'data'] as const
/** The first versions had no delayed jobs, and no such column. */
const timeColumn = 'when_to_run'
const priorities: readonly Priority[] = [0, 1, 2]

type Row = readonly [
  unique: Buffer | null,
  jobFunction: Buffer | null,
  priority: unknown,
  data: Buffer | null,
  whenSeconds: unknown,
]

/** The queue that C gearmand keeps with `-q libsqlite3`, for reading: the file stays as it is. */
export class GearmandQueue {
  readonly count: number
  readonly #file: string
  readonly #database: Database
  readonly #rows: Statement<[], Row>
  /** A directory to remove. */
  readonly #copy: string | undefined

  /** Throws a StoreError if the file is no such queue. */
  constructor(file: string, table: string = gearmandTable) {
    const { database, copy } = openUnchanged(file)
    this.#file = file
    this.#database = database
    this.#copy = copy
    try {
      database.exec('BEGIN')
      const hasTime = findColumns(database, file, table).has(timeColumn)
      const name = `"${table.replaceAll('"', '""')}"`
      this.count = database.prepare<[], number>(`SELECT count(*) FROM ${name}`).pluck().get() ?? 0
      // As BLOBs: gearmand writes as TEXT whatever bytes it gets.
      this.#rows = database
        .prepare<[], Row>(`
          SELECT CAST(unique_key AS BLOB), CAST(function_name AS BLOB), priority, CAST(data AS BLOB),
            ${hasTime ? timeColumn : '0'} FROM ${name} ORDER BY rowid`)
        .raw()
    } catch (error) {
      this.close()
      throw openingError(file, error)
    }
  }

  /**
   * In the order in which gearmand would take them up; those whose time has come are ready. Where it has written NULL
   * the workload was empty. Reducers are not there.
   */
  *jobs(nowMs: number): Generator<NewJob> {
    try {
      for (const [unique, jobFunction, priority, data, whenSeconds] of this.#rows.iterate()) {
        const runAt = typeof whenSeconds === 'number' ? Math.min(whenSeconds * 1000, Number.MAX_SAFE_INTEGER) : 0
        yield {
          number: undefined,
          function: jobFunction?.toString('latin1') ?? '',
          unique: unique?.toString('latin1') ?? '',
          reducer: '',
          then: '',
          options: '',
          trace: '',
          priority: priorities.find((each) => each === priority) ?? 1,
          runAt: runAt > nowMs ? runAt : 0,
          expireAt: 0,
          attempts: 0,
          workload: data ?? Buffer.alloc(0),
        }
      }
    } catch (error) {
      throw openingError(this.#file, error)
    }
  }

  close(): void {
    this.#database.close()
    if (this.#copy !== undefined) rmSync(this.#copy, { recursive: true, force: true })
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

/** A store of this program's, and not a queue of gearmand's. An empty file can become one. */
export function isOurStore(file: string): boolean {
  if (statSync(file, { throwIfNoEntry: false })?.size === 0) return true
  let database: Database | undefined
  try {
    database = openSqlite(file, { readonly: true, fileMustExist: true })
    return database.pragma('application_id', { simple: true }) === applicationId
  } catch {
    // Whoever opens it next will say why it can't be read.
    return false
  } finally {
    database?.close()
  }
}

/** Read-only. What a gearmand that was killed has left half written has to be rolled back, which is done in a copy. */
function openUnchanged(file: string): { database: Database; copy: string | undefined } {
  if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true) {
    throw new StoreError('QUEUE_MISSING', `there is no file ${file}; name the one that gearmand has as --libsqlite3-db`)
  }
  let database: Database | undefined
  try {
    database = openSqlite(file, { readonly: true, fileMustExist: true })
    readSchema(database)
    return { database, copy: undefined }
  } catch (error) {
    database?.close()
    if (!(isSqliteError(error) && error.code === 'SQLITE_READONLY_ROLLBACK')) {
      throw openingError(file, error)
    }
    return openCopy(file)
  }
}

function openCopy(file: string): { database: Database; copy: string } {
  const copy = mkdtempSync(join(tmpdir(), 'geartrain-queue-'))
  try {
    const copied = join(copy, basename(file))
    for (const suffix of ['', '-journal']) if (existsSync(file + suffix)) cpSync(file + suffix, copied + suffix)
    const database = openSqlite(copied)
    readSchema(database)
    return { database, copy }
  } catch (error) {
    rmSync(copy, { recursive: true, force: true })
    throw openingError(file, error)
  }
}

/** SQLite opens a file when it is first read. */
function readSchema(database: Database): void {
  database.prepare('SELECT count(*) FROM sqlite_schema').get()
}

function findColumns(database: Database, file: string, table: string): ReadonlySet<string> {
  const found = new Set(database.prepare<[string], string>('SELECT name FROM pragma_table_info(?)').pluck().all(table))
  if (columns.every((column) => found.has(column))) return found
  if (database.pragma('application_id', { simple: true }) === applicationId) {
    throw new StoreError('QUEUE_IS_OURS', `${file} is no queue of gearmand's but a store of Geartrain's`)
  }
  const tables = database.prepare<[], string>("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all()
  const what =
    found.size > 0
      ? `its table ${table} has other columns`
      : `it has no table ${table}, only ${tables.join(', ') || 'nothing at all'}`
  throw new StoreError(
    'QUEUE_UNKNOWN',
    `${file} is no queue of gearmand's: ${what}; name the one that gearmand has as --libsqlite3-table`,
  )
}
