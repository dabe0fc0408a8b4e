import type { Route } from './route.ts'
import { eventRoutes } from './routes/events.ts'
import { healthRoutes } from './routes/health.ts'
import { jobRoutes } from './routes/jobs.ts'
import { metricsRoutes } from './routes/metrics.ts'
import { openApiRoute } from './routes/openapi.ts'
import { sessionRoutes } from './routes/session.ts'
import { workRoutes } from './routes/work.ts'

const operations: readonly Route[] = [
  ...jobRoutes,
  ...workRoutes,
  ...sessionRoutes,
  ...eventRoutes,
  ...metricsRoutes,
  ...healthRoutes,
]

/** Every operation over HTTP. */
export const routes: readonly Route[] = [...operations, openApiRoute(operations)]
