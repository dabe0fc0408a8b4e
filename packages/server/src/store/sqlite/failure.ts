import Database from 'better-sqlite3'
import type { StoreFailure } from '../store.ts'
import { StoreError } from '../store.ts'

/** The file is as it was before, and the next transaction may well succeed. */
const passing = new Set(['SQLITE_FULL', 'SQLITE_BUSY', 'SQLITE_BUSY_SNAPSHOT', 'SQLITE_BUSY_RECOVERY'])

/** What SQLite says about a file or a disk; undefined if the error is one in this program. */
export function toFailure(error: unknown): StoreFailure | undefined {
  if (!(error instanceof Database.SqliteError) || isOurs(error.code)) return undefined
  return { code: error.code, message: error.message, isBroken: !passing.has(error.code) }
}

/** A statement that SQLite does not understand, or a row that must not be. */
function isOurs(code: string): boolean {
  return (
    code === 'SQLITE_ERROR' ||
    code === 'SQLITE_MISUSE' ||
    code === 'SQLITE_RANGE' ||
    code.startsWith('SQLITE_CONSTRAINT')
  )
}

/** Why a database could not be opened, for the operator. */
export function openingError(path: string, error: unknown): StoreError {
  if (error instanceof StoreError) return error
  const failure = toFailure(error)
  if (failure === undefined) throw error
  const [code, sentence] = describe(path, failure)
  return new StoreError(code, `${sentence} (${failure.code}: ${failure.message})`, { cause: error })
}

function describe(path: string, { code }: StoreFailure): [code: string, sentence: string] {
  const [, word = ''] = code.split('_')
  switch (word) {
    case 'NOTADB':
      return ['STORE_NOT_A_DATABASE', `${path} is not a SQLite database; move it away or name another file`]
    case 'CORRUPT':
      return [
        'STORE_DAMAGED',
        `${path} is damaged; bring it back from a backup, or move it away to start with an empty one`,
      ]
    case 'READONLY':
      return [
        'STORE_READ_ONLY',
        `${path} can't be written; give this user the right to write the file and its directory`,
      ]
    case 'PERM':
    case 'AUTH':
    case 'CANTOPEN':
      return [
        'STORE_UNREADABLE',
        `${path} can't be opened; give this user the right to read and write the file and its directory`,
      ]
    case 'FULL':
      return ['STORE_FULL', `there is no room left on the disk of ${path}; make some`]
    case 'BUSY':
    case 'LOCKED':
      return ['STORE_BUSY', `${path} is being written by another program; end that program's transaction`]
    default:
      return ['STORE_FAILED', `${path} could not be opened; see whether its disk is sound`]
  }
}
