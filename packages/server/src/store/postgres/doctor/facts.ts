/** What is asked of a database before anything is said about it. Times are milliseconds. */
export interface Facts {
  readonly versionNumber: number
  readonly version: string
  readonly isTls: boolean
  /** A program between here and the database that gives each transaction another connection. */
  readonly isPooled: boolean
  /** By name; those that this user may not see are not there. */
  readonly settings: ReadonlyMap<string, string>
  readonly standbys: readonly Standby[]
  /** Whether this user sees what standbys do; without, their rows are empty. */
  readonly maySeeStandbys: boolean
  readonly schema: SchemaFacts | undefined
  readonly tables: readonly TableFacts[]
  readonly servers: readonly ServerFacts[]
  readonly connectionCount: number
  /** How long the oldest transaction that is open has been so. */
  readonly oldestTransactionMs: number
  /** Prepared ones: they hold back vacuum for as long as nobody ends them. */
  readonly preparedTransactions: number
  /** Slots that nobody reads, and the bytes of the log that each keeps. */
  readonly idleSlots: readonly { readonly name: string; readonly bytes: number }[]
  readonly roundTripMs: number
  /** Of transactions that write a little, each on its own. */
  readonly commitMs: { readonly median: number; readonly slowest: number }
  /** What the database's clock is ahead of this machine's. */
  readonly clockAheadMs: number
  /** By how much that may be wrong. */
  readonly clockErrorMs: number
}

export interface Standby {
  readonly name: string
  /** `streaming`, `catchup` ... */
  readonly state: string
  /** `async`, `potential`, `sync`, `quorum` */
  readonly syncState: string
  readonly lagMs: number | undefined
}

export interface SchemaFacts {
  readonly version: number
  readonly missingIndexes: readonly string[]
  /** They are there and not used: they could not be built. */
  readonly invalidIndexes: readonly string[]
  /** Tables that this user may not read and write. */
  readonly closedTables: readonly string[]
}

export interface TableFacts {
  readonly name: string
  readonly liveRows: number
  readonly deadRows: number
  readonly bytes: number
  readonly indexBytes: number
  /** Since autovacuum was there last; undefined: never. */
  readonly vacuumedMsAgo: number | undefined
}

export interface ServerFacts {
  readonly id: number
  readonly name: string
  readonly isLeader: boolean
  /** How long its lease still lasts; below 0: it is over. */
  readonly leaseMs: number
}
