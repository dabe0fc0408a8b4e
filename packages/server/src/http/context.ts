import type { Duplex } from 'node:stream'
import type { ControlOperation, ControlOperations } from '@geartrain/protocol'
import type { Access } from '../access/access.ts'
import type { Actor } from '../access/actor.ts'
import type { Clock } from '../clock.ts'
import type { JobFollow } from '../cluster/job-follow.ts'
import type { Connection } from '../connection.ts'
import type { Leases } from '../gateway/http-worker-leases.ts'
import type { JobGateway } from '../gateway/job-gateway.ts'
import type { Handles } from '../handles.ts'
import type { HistoryReader } from '../history/history-reader.ts'
import type { Limits } from '../limits.ts'
import type { Bulletin } from '../live/bulletin.ts'
import type { Thresholds } from '../live/findings/symptoms.ts'
import type { LiveFeed } from '../live/live-feed.ts'
import type { Log } from '../log.ts'
import type { Figures } from '../metrics/figures.ts'
import type { HealthReason } from '../metrics/health.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { Observers } from '../observers.ts'
import type { Fleet } from '../watch/fleet.ts'
import type { Sessions } from './sessions.ts'

/** What every HTTP side needs, that of a monitor too. */
export interface CommonNeeds {
  readonly kind: 'server' | 'monitor'
  readonly clock: Clock
  readonly log: Log
  readonly limits: Limits
  readonly access: Access
  readonly health: { readonly reasons: readonly HealthReason[] }
  readonly fleet: Fleet
}

/** What that of a job server needs. */
export interface HttpNeeds extends CommonNeeds {
  readonly observers: Observers
  readonly figures: Figures
  readonly bulletin: Bulletin
  readonly history: HistoryReader
  readonly handles: Handles
  readonly jobFollow: JobFollow
  readonly thresholds: Thresholds
  /** Aborted when the server begins to stop: nobody is to wait any longer. */
  readonly closing: AbortSignal
  /** As for an operation of CONTROL. Rejects with a Problem. */
  perform<Operation extends ControlOperation>(
    op: Operation,
    params: ControlOperations[Operation]['params'],
    actor: Actor,
  ): Promise<ControlOperations[Operation]['answer']>
  /** For a LocalLink of that actor's. Undefined: the server is full or closed, which the link is told. */
  connect(link: Duplex, actor: Actor): Connection | undefined
  /** Ends a connection whose peer has left before it could be told of its jobs: no attempt of theirs is counted. */
  withdraw(connection: Connection): void
}

/** What operations are given that a monitor has too. */
export interface CommonContext extends CommonNeeds {
  readonly sessions: Sessions
  /** It is reached by TLS alone. */
  readonly isEncrypted: boolean
}

/** What the operations of a job server are given. */
export interface HttpContext extends HttpNeeds, CommonContext {
  readonly metrics: Metrics
  readonly feed: LiveFeed
  /** Submits jobs. */
  readonly gateway: JobGateway
  /** Jobs that are done over HTTP. */
  readonly leases: Leases
}
