import { cpSync, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import type { Priority } from '@geartrain/engine'
import SQLite from 'better-sqlite3'
import { reason } from '../../settings-sources.ts'
import { StoreError } from '../store.ts'
import type { NewJob } from './transfer.ts'

export const gearmandTable = 'gearman_queue'

const neededColumns = ['unique_key', 'function_name', 'priority', 'data']
/** gearmand before 1.0 had no delayed jobs. */
const timeColumn = 'when_to_run'
const priorities: readonly Priority[] = [0, 1, 2]

type Row = readonly [
  unique: Buffer | null,
  jobFunction: Buffer | null,
  priority: unknown,
  data: Buffer | null,
  when: unknown,
]

/**
 * The queue that C gearmand keeps with `-q libsqlite3`, for reading: the file stays as it is. An empty workload is a
 * NULL there, and reducers are not there at all.
 */
export class GearmandQueue {
  readonly count: number
  readonly #database: SQLite.Database
  readonly #rows: SQLite.Statement<[], Row>
  readonly #copy: string | undefined

  /** Throws a StoreError for a file that is no such queue. */
  constructor(file: string, table: string = gearmandTable) {
    const { database, copy } = openUnchanged(file)
    this.#database = database
    this.#copy = copy
    try {
      database.exec('BEGIN')
      const columns = findColumns(database, file, table)
      const name = quote(table)
      this.count = database.prepare<[], number>(`SELECT count(*) FROM ${name}`).pluck().get() ?? 0
      const when = columns.has(timeColumn) ? timeColumn : '0'
      // As BLOBs: gearmand writes whatever bytes it got as TEXT.
      this.#rows = database
        .prepare<[], Row>(
          `SELECT CAST(unique_key AS BLOB), CAST(function_name AS BLOB), priority, CAST(data AS BLOB), ${when}
           FROM ${name} ORDER BY rowid`,
        )
        .raw()
    } catch (error) {
      this.close()
      throw toStoreError(error, file)
    }
  }

  /** In the order in which gearmand would take them up. Those that are due at `now` are ready. */
  *jobs(now: number): Generator<NewJob> {
    for (const [unique, jobFunction, priority, data, when] of this.#rows.iterate()) {
      const runAt = typeof when === 'number' ? Math.min(when * 1000, Number.MAX_SAFE_INTEGER) : 0
      yield {
        number: undefined,
        function: jobFunction?.toString('latin1') ?? '',
        unique: unique?.toString('latin1') ?? '',
        reducer: '',
        priority: priorities.find((each) => each === priority) ?? 1,
        runAt: runAt > now ? runAt : 0,
        workload: data ?? Buffer.alloc(0),
      }
    }
  }

  close(): void {
    this.#database.close()
    if (this.#copy !== undefined) rmSync(this.#copy, { recursive: true, force: true })
  }
}

/** What a file is that `-q libsqlite3` is given. */
export type QueueFileKind = 'none' | 'empty' | 'ours' | 'other'

export function kindOfQueueFile(file: string, ourId: number): QueueFileKind {
  const stats = statSync(file, { throwIfNoEntry: false })
  if (stats === undefined) return 'none'
  if (stats.size === 0) return 'empty'
  return 'other'
}

/**
 * Read-only. What gearmand was killed in the middle of has to be rolled back first, and is so in a copy; the directory
 * of that is for the caller to remove.
 */
function openUnchanged(file: string): { database: SQLite.Database; copy: string | undefined } {
  if (!existsSync(file)) throw new StoreError('NO_FILE', `there is no file ${file}`)
  if (!statSync(file).isFile()) throw new StoreError('NO_FILE', `${file} is no file`)
  const database = openReadOnly(file)
  try {
    database.prepare('SELECT count(*) FROM sqlite_master').get()
    return { database, copy: undefined }
  } catch (error) {
    database.close()
    if (!needsRollback(error)) throw toStoreError(error, file)
  }
  const copy = mkdtempSync(join(tmpdir(), 'geartrain-queue-'))
  try {
    const copied = join(copy, basename(file))
    for (const suffix of ['', '-journal', '-wal']) {
      if (existsSync(file + suffix)) cpSync(file + suffix, copied + suffix)
    }
    const database = new SQLite(copied)
    database.prepare('SELECT count(*) FROM sqlite_master').get()
    return { database, copy }
  } catch (error) {
    rmSync(copy, { recursive: true, force: true })
    throw toStoreError(error, file)
  }
}
