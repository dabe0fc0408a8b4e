import type { Database } from 'better-sqlite3'
import { StoreError } from '../store.ts'
import { isBusy, openSqlite } from './driver.ts'
import { openingError } from './failure.ts'

/** Two servers that start at once each hold it for a moment while they write who they are. */
const patienceMs = 500

/**
 * Keeps a second server away from a database. It is a tiny database of its own beside it, in which the owner leaves a
 * transaction open for as long as it lives: the lock ends with the process, however that ends, and a file that was
 * left behind is no lock. Anybody can read in it whose it is.
 */
export class Lock {
  readonly #database: Database

  /** Throws a StoreError: another server has it. */
  constructor(path: string) {
    const lockPath = `${path}-lock`
    try {
      this.#database = openSqlite(lockPath, { timeout: patienceMs })
    } catch (error) {
      throw openingError(lockPath, error)
    }
    try {
      this.#take()
    } catch (error) {
      const owner = isBusy(error) ? this.#owner() : undefined
      this.#database.close()
      if (owner === undefined) throw openingError(lockPath, error)
      throw new StoreError(
        'STORE_LOCKED',
        `${path} is in use by process ${owner}; stop that process, or let this one use another file`,
        { cause: error },
      )
    }
  }

  release(): void {
    this.#database.close()
  }

  #take(): void {
    const database = this.#database
    // Another one may have written between our two transactions, and have waited in vain for its second.
    do {
      if (database.inTransaction) database.exec('ROLLBACK')
      database.exec('BEGIN IMMEDIATE')
      database.exec('CREATE TABLE IF NOT EXISTS owner (id INTEGER PRIMARY KEY CHECK (id = 1), pid INTEGER NOT NULL)')
      database.prepare('INSERT OR REPLACE INTO owner VALUES (1, ?)').run(process.pid)
      database.exec('COMMIT')
      database.exec('BEGIN IMMEDIATE')
    } while (this.#owner() !== process.pid)
  }

  #owner(): number | undefined {
    return this.#database.prepare<[], number>('SELECT pid FROM owner').pluck().get()
  }
}
