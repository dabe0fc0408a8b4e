import { Leases } from '../gateway/http-worker-leases.ts'
import { JobGateway } from '../gateway/job-gateway.ts'
import type { ListeningAddress } from '../listening-address.ts'
import { LiveFeed } from '../live/live-feed.ts'
import { Metrics } from '../metrics/metrics.ts'
import type { CommonContext, CommonNeeds, HttpNeeds } from './context.ts'
import { Doorkeeper } from './doorkeeper.ts'
import { HttpListenError } from './http-listen-error.ts'
import { type HttpOptions, HttpServer } from './http-server.ts'
import { loadPages } from './pages.ts'
import { RequestAllowance } from './request-allowance.ts'
import type { RouteFor } from './route.ts'
import { monitorRoutes, routes } from './routes.ts'
import { makeSessionKey, readSessionKey, Sessions, writeSessionKey } from './sessions.ts'

/** A text that outlives the server, if it has a store. */
interface KeptText {
  readonly text: string | undefined
  keep(text: string): void
}

interface StartOptions extends HttpOptions {
  readonly hosts: readonly string[]
  readonly sessionKey: KeptText
}

export interface StartedHttp {
  readonly address: ListeningAddress
  close(): Promise<void>
}

/** Starts the HTTP side of a job server. Rejects with an HttpListenError if it can't listen. */
export function startHttp(options: StartOptions, given: HttpNeeds): Promise<StartedHttp> {
  const feed = new LiveFeed(given)
  given.access.listen(() => feed.forgetWritten())
  return start(routes, options, {
    ...given,
    ...sessionsOf(options, given),
    gateway: new JobGateway(given),
    leases: new Leases(given),
    metrics: new Metrics(given.figures),
    feed,
  })
}

/** The same of a monitor. */
export function startMonitorHttp(options: StartOptions, given: CommonNeeds): Promise<StartedHttp> {
  return start(monitorRoutes, options, { ...given, ...sessionsOf(options, given) })
}

function sessionsOf({ sessionKey, tls }: StartOptions, { access, clock }: CommonNeeds) {
  return { sessions: new Sessions(sessionKeyOf(sessionKey), access, clock), isEncrypted: tls !== undefined }
}

async function start<Context extends CommonContext>(
  rows: readonly RouteFor<Context>[],
  options: StartOptions,
  context: Context,
): Promise<StartedHttp> {
  const { access, clock, limits, sessions } = context
  const allowance = new RequestAllowance(limits.httpRequestsPerTokenMax, clock)
  const doorkeeper = new Doorkeeper(access, options.hosts, sessions, allowance)
  const server = new HttpServer(rows, loadPages(), options, context, doorkeeper)
  try {
    return { address: await server.listen(), close: () => server.close() }
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
