import type { Engine } from '@geartrain/engine'
import type { Clock } from '../clock.ts'
import type { Members } from '../cluster/members.ts'
import type { Connections } from '../connections.ts'
import type { Journal } from '../journal.ts'
import type { WallTime } from '../wall-time.ts'
import type { DeadCounts } from './dead-counts.ts'
import type { FunctionStats } from './function-stats.ts'
import type { Health } from './health.ts'
import type { OldestOnDisk } from './oldest-ready.ts'
import type { StoreStats } from './store-stats.ts'

/** All that can be measured of a server, for those who show it. */
export interface Figures {
  readonly engine: Engine
  readonly connections: Connections
  readonly functions: FunctionStats
  readonly dead: DeadCounts
  readonly oldest: OldestOnDisk
  readonly health: Health
  /** Undefined: no job outlives the server. */
  readonly store: { readonly name: string; readonly stats: StoreStats; readonly journal: Journal } | undefined
  readonly clock: Clock
  readonly wallTime: WallTime
  /** Since 1970. */
  readonly startedAt: number
  /** All servers that use the store; undefined: this one has it alone. */
  readonly members: Members | undefined
}
