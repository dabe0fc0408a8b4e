import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SqliteStore, type SqliteStoreOptions } from '@geartrain/server'
import type { Place } from '../store-suite/counter.ts'

const pageBytes = 4096
/** What tables and indexes take when they are empty, and some. */
const emptyPages = 16

/** A directory for a SQLite store. */
export class SqlitePlace implements Place {
  readonly directory: string
  readonly path: string
  readonly #options: SqliteStoreOptions

  private constructor(directory: string, options: SqliteStoreOptions) {
    this.directory = directory
    this.path = join(directory, 'jobs.db')
    this.#options = options
  }

  static async make(options: SqliteStoreOptions = {}): Promise<SqlitePlace> {
    return new SqlitePlace(await mkdtemp(join(tmpdir(), 'geartrain-store-')), options)
  }

  makeStore(options: SqliteStoreOptions = {}): SqliteStore {
    return new SqliteStore(this.path, { ...this.#options, ...options })
  }

  makeSmallStore(workloadBytes: number): SqliteStore {
    return this.makeStore({ pagesMax: emptyPages + Math.ceil(workloadBytes / pageBytes) })
  }

  remove(): Promise<void> {
    return rm(this.directory, { recursive: true })
  }
}
