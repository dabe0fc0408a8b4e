import { closeSync, openSync } from 'node:fs'
import { createRequire } from 'node:module'
import type BetterSqlite3 from 'better-sqlite3'

/**
 * better-sqlite3 from version 13 needs Node-API 10, which came with Node 22.14; version 12 aborts the process on
 * Node 24.16 and later. Both are optional dependencies, of which each Node uses the one that fits it.
 */
const packageName = Number(process.versions['napi']) >= 10 ? 'better-sqlite3' : 'better-sqlite3-12'

const require = createRequire(import.meta.url)

/** Throws SQLite's errors, and Node's where the driver is not installed or not for this Node. */
export function openSqlite(path: string, options?: BetterSqlite3.Options): BetterSqlite3.Database {
  const Database: typeof BetterSqlite3 = require(packageName)
  if (options?.readonly !== true && options?.fileMustExist !== true) makePrivate(path)
  return new Database(path, options)
}

/**
 * Other users of the machine are not to read jobs, nor the key of sessions. One that is there stays as it is; what SQLite
 * puts beside a file has the mode of that file.
 */
export function makePrivate(path: string): void {
  if (path === ':memory:' || path === '') return
  try {
    closeSync(openSync(path, 'ax', 0o600))
  } catch {
    // It is there, or SQLite will say why it can't be.
  }
}

export interface SqliteError extends Error {
  /** SQLITE_FULL, SQLITE_IOERR_FSYNC and so on. */
  readonly code: string
}

/** It has a class in each version of the driver, and one of them may not be here. */
export function isSqliteError(error: unknown): error is SqliteError {
  return error instanceof Error && error.name === 'SqliteError'
}

/** Another has the lock. */
export function isBusy(error: unknown): boolean {
  return isSqliteError(error) && error.code.startsWith('SQLITE_BUSY')
}

/** Packages with a native part come without it when their install scripts are not run, or from another machine. */
export function isDriverMissing(error: unknown): error is Error {
  if (!(error instanceof Error)) return false
  if (error.message.startsWith('Could not locate the bindings file')) return true
  return 'code' in error && (error.code === 'ERR_DLOPEN_FAILED' || error.code === 'MODULE_NOT_FOUND')
}
