import { accessSync, existsSync, realpathSync, rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { StoreError } from '../store.ts'
import { isSqliteError, makePrivate, openSqlite } from './driver.ts'
import { renameDurably } from './durable.ts'
import { openingError } from './failure.ts'
import { findOwner } from './owner.ts'
import type { StoreSnapshot } from './snapshot.ts'

/** 4 MiB at a time: enough to be fast, and progress is seen. */
const pagesPerStep = 1024

export interface BackupOptions {
  /** A file that is there already is replaced. */
  readonly isForced: boolean
  onProgress(donePages: number, pages: number): void
}

/**
 * Copies a store into a file, page by page, as the snapshot sees it: because that one stays open, what a server writes
 * meanwhile does not make the copy begin again. The file has its name when it is whole and on disk. Resolves with its
 * length.
 */
export async function backUp(snapshot: StoreSnapshot, file: string, options: BackupOptions): Promise<number> {
  assertFree(snapshot.path, file, options.isForced)
  // Throws Node's error: better-sqlite3 has one without a code.
  accessSync(dirname(file))
  const partial = `${file}.part`
  try {
    removeDatabase(partial)
    makePrivate(partial)
    await snapshot.database.backup(partial, {
      progress({ totalPages, remainingPages }) {
        options.onProgress(totalPages - remainingPages, totalPages)
        return pagesPerStep
      },
    })
    makeSingleFile(partial)
    // A log of the one that is replaced would be taken for its own.
    for (const suffix of ['-wal', '-shm']) rmSync(file + suffix, { force: true })
    renameDurably(partial, file)
    return statSync(file).size
  } catch (error) {
    removeDatabase(partial)
    throw isSqliteError(error) ? openingError(file, error) : error
  }
}

function assertFree(path: string, file: string, isForced: boolean): void {
  if (!existsSync(file)) return
  if (realpathSync(file) === realpathSync(path)) {
    throw new StoreError('BACKUP_EXISTS', `${file} is the store itself; name another file`)
  }
  if (!statSync(file).isFile()) throw new StoreError('BACKUP_EXISTS', `${file} is not a file; name another one`)
  if (!isForced) {
    throw new StoreError('BACKUP_EXISTS', `${file} is there already; name another file, or say --force to replace it`)
  }
  const pid = findOwner(file)
  if (pid !== undefined) {
    throw new StoreError('STORE_LOCKED', `${file} is in use by process ${pid}; name another file`)
  }
}

/** Without a log beside it, it can be read where nothing can be written. */
function makeSingleFile(partial: string): void {
  const copy = openSqlite(partial)
  try {
    copy.pragma('journal_mode = DELETE')
  } finally {
    copy.close()
  }
}

function removeDatabase(file: string): void {
  for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(file + suffix, { force: true })
}
