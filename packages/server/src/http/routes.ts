import type { Route } from './route.ts'
import { deadRoutes } from './routes/dead.ts'
import { eventRoutes } from './routes/events.ts'
import { functionRoutes } from './routes/functions.ts'
import { healthRoutes } from './routes/health.ts'
import { jobListRoutes } from './routes/job-list.ts'
import { jobRoutes } from './routes/jobs.ts'
import { metricsRoutes } from './routes/metrics.ts'
import { openApiRoute } from './routes/openapi.ts'
import { scheduleRoutes } from './routes/schedules.ts'
import { serverRoutes } from './routes/server.ts'
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
  ...sessionRoutes,
  ...eventRoutes,
  ...metricsRoutes,
  ...healthRoutes,
]

/** Every operation over HTTP. */
export const routes: readonly Route[] = [...operations, openApiRoute(operations)]
