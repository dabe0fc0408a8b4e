import type { StoreFailure } from '../store.ts'
import { StoreError } from '../store.ts'
import { isDriverMissing, isSqliteError } from './driver.ts'

/** The file is as it was before, and the next transaction may well succeed. */
const passing = new Set(['SQLITE_FULL', 'SQLITE_BUSY', 'SQLITE_BUSY_SNAPSHOT', 'SQLITE_BUSY_RECOVERY', 'SQLITE_TOOBIG'])

/** What SQLite says; undefined if the error is not SQLite's. */
export function toFailure(error: unknown): StoreFailure | undefined {
  if (!isSqliteError(error)) return undefined
  return { code: error.code, message: error.message, isBroken: !passing.has(error.code) }
}

/** Why a database could not be opened, for the operator. */
export function openingError(path: string, error: unknown): StoreError {
  if (error instanceof StoreError) return error
  if (isDriverMissing(error)) return withoutSqlite(error)
  const failure = toFailure(error)
  if (failure === undefined) throw error
  // SQLITE_IOERR_READ is a kind of SQLITE_IOERR.
  const [, kind = ''] = failure.code.split('_')
  const [code, sentence] = reasons[kind] ?? otherReason
  return new StoreError(code, `${path} ${sentence} (${failure.code}: ${failure.message})`, { cause: error })
}

function withoutSqlite(cause: Error): StoreError {
  const [first = ''] = cause.message.split('\n')
  const advice = 'install it anew ("npm install", with its install scripts), or do without a store'
  return new StoreError('STORE_NO_SQLITE', `better-sqlite3 can't be loaded by this Node (${first}); ${advice}`, {
    cause,
  })
}

type Reason = readonly [code: string, sentence: string]

const isDamaged: Reason = [
  'STORE_DAMAGED',
  'is damaged; bring it back from a backup, or move it away to start with nothing',
]
const cannotBeOpened: Reason = [
  'STORE_UNREADABLE',
  "can't be opened; give this user the right to read and write the file and its directory",
]
const otherReason: Reason = ['STORE_FAILED', "can't be opened; see whether its disk is sound"]

const reasons: Record<string, Reason> = {
  NOTADB: ['STORE_NOT_A_DATABASE', 'is not a SQLite database; move it away or name another file'],
  CORRUPT: isDamaged,
  // A table or a column is missing.
  ERROR: isDamaged,
  READONLY: ['STORE_READ_ONLY', "can't be written; give this user the right to write the file and its directory"],
  PERM: cannotBeOpened,
  AUTH: cannotBeOpened,
  CANTOPEN: cannotBeOpened,
  FULL: ['STORE_FULL', "can't be opened, since its disk is full; make some room"],
  BUSY: ['STORE_BUSY', "is being written by another program; end that program's transaction"],
}
