import type { CommonContext } from './context.ts'
import type { Route, RouteFor } from './route.ts'
import { aboutRoutes } from './routes/about.ts'
import { deadRoutes } from './routes/dead.ts'
import { eventRoutes } from './routes/events.ts'
import { findingRoutes } from './routes/findings.ts'
import { functionRoutes } from './routes/functions.ts'
import { healthRoutes } from './routes/health.ts'
import { historyRoutes } from './routes/history.ts'
import { jobListRoutes } from './routes/job-list.ts'
import { jobRoutes } from './routes/jobs.ts'
import { metricsRoutes } from './routes/metrics.ts'
import { openApiRoute } from './routes/openapi.ts'
import { scheduleRoutes } from './routes/schedules.ts'
import { serverRoutes } from './routes/server.ts'
import { serversRoutes } from './routes/servers.ts'
import { sessionRoutes } from './routes/session.ts'
import { workRoutes } from './routes/work.ts'
import { workerRoutes } from './routes/workers.ts'

const operations: readonly Route[] = [
  ...jobListRoutes,
  ...jobRoutes,
  ...workRoutes,
  ...functionRoutes,
  ...deadRoutes,
  ...scheduleRoutes,
  ...workerRoutes,
  ...serverRoutes,
  ...serversRoutes,
  ...aboutRoutes,
  ...sessionRoutes,
  ...eventRoutes,
  ...historyRoutes,
  ...findingRoutes,
  ...metricsRoutes,
  ...healthRoutes,
]

const monitorOperations: readonly RouteFor<CommonContext>[] = [
  ...serversRoutes,
  ...aboutRoutes,
  ...sessionRoutes,
  ...healthRoutes,
]

/** Every operation over HTTP. */
export const routes: readonly Route[] = [...operations, openApiRoute(operations)]

/** Those of a monitor, which has no jobs. */
export const monitorRoutes: readonly RouteFor<CommonContext>[] = [...monitorOperations, openApiRoute(monitorOperations)]
