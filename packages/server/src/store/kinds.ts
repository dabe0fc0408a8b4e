import type { Log } from '../log.ts'
import { SqliteStore } from './sqlite/sqlite-store.ts'
import type { Store } from './store.ts'

/** Stores by the word before the colon of what a user says. */
const kinds = {
  sqlite: (path: string, log: Log): Store => new SqliteStore(path, { log }),
} as const

/** `memory`, or a kind, a colon and where it is. */
export function isStoreName(text: string): boolean {
  return (
    text === 'memory' || Object.keys(kinds).some((kind) => text.startsWith(`${kind}:`) && text.length > kind.length + 1)
  )
}

/** Undefined: jobs live in memory. */
export function makeStore(store: string | Store, log: Log): Store | undefined {
  if (typeof store !== 'string') return store
  if (store === 'memory') return undefined
  for (const [kind, make] of Object.entries(kinds)) {
    if (store.startsWith(`${kind}:`)) return make(store.slice(kind.length + 1), log)
  }
  throw new TypeError(`"${store}" is not a store: memory, or sqlite: and a path`)
}
