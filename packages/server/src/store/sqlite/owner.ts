import { existsSync } from 'node:fs'
import type { Database } from 'better-sqlite3'
import { isBusy, openSqlite } from './driver.ts'

/**
 * The process that has the lock of a database; undefined if none has. It is held for a moment to find out, which a
 * server that starts waits for.
 */
export function findOwner(path: string): number | undefined {
  const lockPath = `${path}-lock`
  if (!existsSync(lockPath)) return undefined
  let database: Database | undefined
  try {
    database = openSqlite(lockPath, { fileMustExist: true, timeout: 0 })
    const owner = database.prepare<[], number>('SELECT pid FROM owner').pluck().get()
    return owner !== undefined && isLocked(database, owner) ? owner : undefined
  } catch {
    // Whoever makes it at this moment will have it.
    return undefined
  } finally {
    database?.close()
  }
}

function isLocked(database: Database, owner: number): boolean {
  try {
    database.exec('BEGIN IMMEDIATE')
    database.exec('ROLLBACK')
    return false
  } catch (error) {
    if (isBusy(error)) return true
    // This user may not lock it.
    return isAlive(owner)
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
