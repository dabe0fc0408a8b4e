import type { Log } from '../log.ts'
import { isPostgresUrl, withoutPassword } from './postgres/address.ts'
import { PostgresStore, type PostgresStoreOptions } from './postgres/postgres-store.ts'
import { SqliteStore } from './sqlite/sqlite-store.ts'
import type { Store } from './store.ts'

const sqliteKind = 'sqlite:'

/** `memory`, `sqlite:` and a file, or the URL of a PostgreSQL database: what is wrong with that is said when it is opened. */
export function isStoreName(text: string): boolean {
  return text === 'memory' || (text.startsWith(sqliteKind) && text.length > sqliteKind.length) || isPostgresUrl(text)
}

/** Undefined: jobs live in memory. */
export function makeStore(
  store: string | Store,
  log: Log,
  options: Omit<PostgresStoreOptions, 'log'> = {},
): Store | undefined {
  if (typeof store !== 'string') return store
  if (store === 'memory') return undefined
  if (isPostgresUrl(store)) return new PostgresStore(store, { ...options, log })
  if (store.startsWith(sqliteKind)) return new SqliteStore(store.slice(sqliteKind.length), { log })
  throw new TypeError(
    `"${withoutPassword(store)}" is not a store: memory, sqlite: and a path, or postgres:// and the rest of a URL`,
  )
}
