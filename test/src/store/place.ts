import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { SqliteStore, type SqliteStoreOptions } from '@geartrain/server'
import type { Place } from '../store-suite/counter.ts'
import { type KeeperOptions, KeeperProcess } from './keeper-process.ts'

const pageBytes = 4096
/** What tables and indexes take when they are empty, and some. */
const emptyPages = 32

/** A directory for a SQLite store. */
export class SqlitePlace implements Place {
  readonly fullCode = 'SQLITE_FULL'
  readonly directory: string
  readonly path: string
  readonly #options: SqliteStoreOptions
  readonly #stores: SqliteStore[] = []
  readonly #keepers: KeeperProcess[] = []

  private constructor(directory: string, options: SqliteStoreOptions) {
    this.directory = directory
    this.path = join(directory, 'jobs.db')
    this.#options = options
  }

  static async make(options: SqliteStoreOptions = {}): Promise<SqlitePlace> {
    return new SqlitePlace(await mkdtemp(join(tmpdir(), 'geartrain-store-')), options)
  }

  makeStore(options: SqliteStoreOptions = {}): SqliteStore {
    const store = new SqliteStore(this.path, { ...this.#options, ...options })
    this.#stores.push(store)
    return store
  }

  makeSmallStore(workloadBytes: number): SqliteStore {
    return this.makeStore({ pagesMax: emptyPages + Math.ceil(workloadBytes / pageBytes) })
  }

  /** Another process that opens it. */
  async startKeeper(options: KeeperOptions = {}): Promise<KeeperProcess> {
    const keeper = await KeeperProcess.start(this.path, options)
    this.#keepers.push(keeper)
    return keeper
  }

  /** With all that was started on it. */
  async remove(): Promise<void> {
    await Promise.all(this.#keepers.map((keeper) => keeper.kill()))
    await Promise.all(this.#stores.map((store) => store.close()))
    await rm(this.directory, { recursive: true })
  }
}

/** A test in a directory of its own. */
export function inPlace(title: string, body: (place: SqlitePlace) => Promise<void>): void {
  test(title, async () => {
    const place = await SqlitePlace.make()
    try {
      await body(place)
    } finally {
      await place.remove()
    }
  })
}
