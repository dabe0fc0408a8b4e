import type { Engine } from '@geartrain/engine'
import type { Clock } from '../../clock.ts'
import type { Connection } from '../../connection.ts'
import type { Connections } from '../../connections.ts'
import type { LocalLink } from '../../gateway/local-link.ts'
import type { Handles } from '../../handles.ts'
import type { JobWatch } from '../../job-watch.ts'
import type { Limits } from '../../limits.ts'
import type { Log } from '../../log.ts'
import type { Waits } from '../../waits.ts'
import type { WallTime } from '../../wall-time.ts'
import type { BridgeNews } from './bridge-news.ts'
import type { LinkTrust } from './link-trust.ts'

/** What links need of the server that has them. */
export interface LinksContext {
  readonly clock: Clock
  readonly engine: Engine
  readonly turn: { begin(): void }
  readonly waits: Waits
  readonly connections: Connections
  readonly handles: Handles
  readonly wallTime: WallTime
  readonly news: BridgeNews
  readonly jobWatch: JobWatch
  readonly limits: Limits
  readonly log: Log
  readonly trust: LinkTrust
  /** Files in PEM; empty: none. */
  readonly tlsFiles: LinkTlsFiles
  /** From now on `news` hears of the engine. */
  listen(): void
  /** A session of the server's own. Undefined: it is full, or closes. */
  connect(link: LocalLink): Connection | undefined
  /** Ends what waits of a function in this server's memory, and says how many. Rejects with a ControlError if the store fails. */
  purgeHere(functionName: string): Promise<number>
}

interface LinkTlsFiles {
  /** The authorities that vouch for other servers; empty: those that Node knows. */
  readonly ca: string
  /** What this server shows if it is asked. */
  readonly cert: string
  readonly key: string
}

/**
 * The connection's session is from now on one of another server's: the jobs that the engine gives to it, and those that
 * it submits, go over one link and no further.
 */
export function makeBridge(engine: Engine, connection: Connection): void {
  engine.disconnect(connection.session)
  connection.session = engine.connect(connection.id, { isBridge: true })
  connection.session.exceptions = true
  connection.session.cancellation = true
  connection.tracing = true
}
