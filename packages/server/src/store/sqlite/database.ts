import { statSync } from 'node:fs'
import type { Database } from 'better-sqlite3'
import { StoreError } from '../store.ts'
import { openSqlite } from './driver.ts'
import { applicationId, migrations, schemaVersion } from './schema.ts'

const cacheKibibytes = 96 * 1024
/**
 * So many pages of 4 KiB go to the log before they are written into the database. With random uniques each job dirties
 * a page of the index: the longer the log, the more jobs share the writing of one.
 */
const checkpointPages = 40_000
/** The log's file is cut to this when it was longer for a while. */
const logBytesMax = 256 * 1024 * 1024
/** For somebody who looks around with `sqlite3` and is in a transaction of their own. */
const busyTimeoutMs = 5000

/**
 * Opens or makes the database, with the newest schema. Throws a StoreError, or what SQLite says. Whoever calls has the
 * lock. `pagesMax` is for tests: the file has no room for more.
 */
export function openDatabase(path: string, pagesMax: number | undefined): Database {
  assertLogHasDatabase(path)
  const database = openSqlite(path, { timeout: busyTimeoutMs })
  try {
    assertIsOurs(path, database)
    assertIsWhole(path, database)
    configure(path, database)
    if (pagesMax !== undefined) database.pragma(`max_page_count = ${pagesMax}`)
    migrate(database)
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

/**
 * SQLite would throw away a log whose database is gone, and with it jobs that were acknowledged. A file of one byte is
 * an empty one to it.
 */
export function assertLogHasDatabase(path: string): void {
  if (fileBytes(path) > 1 || fileBytes(`${path}-wal`) === 0) return
  throw new StoreError(
    'STORE_DAMAGED',
    `${path} is empty or missing, but its log ${path}-wal is there; bring the file back, or move the log away as well to start with nothing`,
  )
}

function fileBytes(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}

/** Before anything in it is changed. */
export function assertIsOurs(path: string, database: Database): void {
  const id = readNumber(database, 'PRAGMA application_id')
  const isEmpty = readNumber(database, 'SELECT count(*) FROM sqlite_schema') === 0
  if (id !== applicationId && !isEmpty) {
    throw new StoreError('STORE_NOT_OURS', `${path} is the database of another program; name another file`)
  }
  const version = readNumber(database, 'PRAGMA user_version')
  if (id === applicationId && version > schemaVersion) {
    throw new StoreError(
      'STORE_TOO_NEW',
      `${path} was written by a newer Geartrain (schema ${version}, this program knows up to ${schemaVersion}); run that one, or name another file`,
    )
  }
}

/** SQLite would take what is missing of the last page for zeros. With a log it may be about to be written again. */
function assertIsWhole(path: string, database: Database): void {
  if (fileBytes(path) % readNumber(database, 'PRAGMA page_size') === 0 || fileBytes(`${path}-wal`) > 0) return
  throw new StoreError(
    'STORE_DAMAGED',
    `${path} ends within a page: something of it is lost; bring it back from a backup`,
  )
}

function configure(path: string, database: Database): void {
  database.pragma('page_size = 4096')
  const mode = database.pragma('journal_mode = WAL', { simple: true })
  if (mode !== 'wal') {
    throw new StoreError(
      'STORE_NO_LOG',
      `${path} can't have a write-ahead log (its journal mode stays "${String(mode)}"); put it on a local disk`,
    )
  }
  database.pragma('synchronous = FULL')
  // On macOS alone: what was written leaves the drive's own cache as well.
  database.pragma('fullfsync = ON')
  database.pragma(`cache_size = -${cacheKibibytes}`)
  database.pragma(`wal_autocheckpoint = ${checkpointPages}`)
  database.pragma(`journal_size_limit = ${logBytesMax}`)
  database.pragma('mmap_size = 0')
  // Rows refer to functions that this program has put there itself.
  database.pragma('foreign_keys = OFF')
}

function migrate(database: Database): void {
  // Also when there is nothing to migrate: a file that can't be written is noticed now.
  database.exec('BEGIN IMMEDIATE')
  try {
    const version = readNumber(database, 'PRAGMA user_version')
    for (const step of migrations.slice(version)) database.exec(step)
    if (version < schemaVersion) {
      database.pragma(`application_id = ${applicationId}`)
      database.pragma(`user_version = ${schemaVersion}`)
    }
    database.exec('COMMIT')
  } catch (error) {
    if (database.inTransaction) database.exec('ROLLBACK')
    throw error
  }
}

function readNumber(database: Database, sql: string): number {
  return Number(database.prepare(sql).pluck().get())
}
