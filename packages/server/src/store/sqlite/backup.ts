import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import Database from 'better-sqlite3'
import { StoreError } from '../store.ts'
import { openingError } from './failure.ts'
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
 * meanwhile does not make the copy begin again. The file has its name when it is whole and on disk.
 */
export async function backUp(snapshot: StoreSnapshot, file: string, options: BackupOptions): Promise<void> {
  if (existsSync(file) && !options.isForced) {
    throw new StoreError('BACKUP_EXISTS', `${file} is there already; name another file, or say --force to replace it`)
  }
  const partial = `${file}.part`
  try {
    removeDatabase(partial)
    await snapshot.database.backup(partial, {
      progress({ totalPages, remainingPages }) {
        options.onProgress(totalPages - remainingPages, totalPages)
        return pagesPerStep
      },
    })
    finish(partial)
    // A log of the one that it replaces would be taken for its own.
    for (const suffix of ['-wal', '-shm']) rmSync(file + suffix, { force: true })
    renameSync(partial, file)
    syncDirectory(dirname(file))
  } catch (error) {
    removeDatabase(partial)
    throw writingError(file, error)
  }
}

/** The copy is one file alone, and can be read from a medium that can't be written. */
function finish(partial: string): void {
  const copy = new Database(partial)
  try {
    copy.pragma('journal_mode = DELETE')
  } finally {
    copy.close()
  }
  sync(partial)
}

function removeDatabase(file: string): void {
  for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(file + suffix, { force: true })
}

function syncDirectory(directory: string): void {
  sync(directory === '' ? '.' : directory)
}

function sync(path: string): void {
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

function writingError(file: string, error: unknown): unknown {
  if (error instanceof Database.SqliteError) return openingError(file, error)
  return error
}
