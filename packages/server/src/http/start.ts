import { Leases } from '../gateway/http-worker-leases.ts'
import { JobGateway } from '../gateway/job-gateway.ts'
import { JobWatch } from '../job-watch.ts'
import type { ListeningAddress } from '../listening-address.ts'
import { LiveFeed } from '../live/live-feed.ts'
import { Metrics } from '../metrics/metrics.ts'
import type { HttpContext, HttpNeeds } from './context.ts'
import { Doorkeeper } from './doorkeeper.ts'
import { HttpListenError } from './http-listen-error.ts'
import { type HttpOptions, HttpServer } from './http-server.ts'
import { loadPages } from './pages.ts'
import { RequestAllowance } from './request-allowance.ts'
import { routes } from './routes.ts'
import { makeSessionKey, readSessionKey, Sessions, writeSessionKey } from './sessions.ts'

/** A text that outlives the server, if it has a store. */
export interface KeptText {
  readonly text: string | undefined
  keep(text: string): void
}

/** Starts the HTTP side. Rejects with an HttpListenError if it can't listen. */
export async function startHttp(
  options: HttpOptions & { readonly hosts: readonly string[]; readonly sessionKey: KeptText },
  given: HttpNeeds,
): Promise<{ readonly server: HttpServer; readonly address: ListeningAddress }> {
  const context: HttpContext = {
    ...given,
    sessions: new Sessions(sessionKeyOf(options.sessionKey), given.access, given.clock),
    isEncrypted: options.tls !== undefined,
    gateway: new JobGateway(given),
    jobWatch: new JobWatch(given.observers, given.handles),
    leases: new Leases(given),
    metrics: new Metrics(given.figures),
    feed: new LiveFeed(given),
  }
  const allowance = new RequestAllowance(given.limits.httpRequestsPerTokenMax, given.clock)
  const doorkeeper = new Doorkeeper(given.access, options.hosts, context.sessions, allowance)
  const server = new HttpServer(routes, loadPages(), options, context, doorkeeper)
  try {
    return { server, address: await server.listen() }
  } catch (error) {
    throw new HttpListenError(options.listen, options.port, { cause: error })
  }
}

/** The one that is kept, so that sessions go on when the server is started again; else a new one. */
function sessionKeyOf({ text, keep }: KeptText): Buffer {
  const kept = text === undefined ? undefined : readSessionKey(text)
  if (kept !== undefined) return kept
  const key = makeSessionKey()
  keep(writeSessionKey(key))
  return key
}
