import type { JSX } from 'preact'
import { pages } from './links.ts'
import { FailuresPage } from './pages/failures/failures-page.tsx'
import { FunctionPage } from './pages/functions/function-page.tsx'
import { FunctionsPage } from './pages/functions/functions-page.tsx'
import { JobPage } from './pages/job/job-page.tsx'
import { JobsPage } from './pages/jobs/jobs-page.tsx'
import { OverviewPage } from './pages/overview/overview-page.tsx'
import { SchedulePage } from './pages/schedules/schedule-page.tsx'
import { SchedulesPage } from './pages/schedules/schedules-page.tsx'
import { ServersPage } from './pages/servers/servers-page.tsx'
import { WorkersPage } from './pages/workers/workers-page.tsx'

interface PageRow {
  readonly path: string
  readonly component: () => JSX.Element
  /** It is there also where there are other servers alone. */
  readonly isForMonitor?: boolean
}

/** Every page. */
export const pageTable: readonly PageRow[] = [
  { path: pages.overview, component: OverviewPage },
  { path: pages.functions, component: FunctionsPage },
  { path: pages.function, component: FunctionPage },
  { path: pages.jobs, component: JobsPage },
  { path: pages.job, component: JobPage },
  { path: pages.workers, component: WorkersPage },
  { path: pages.schedules, component: SchedulesPage },
  { path: pages.schedule, component: SchedulePage },
  { path: pages.failures, component: FailuresPage },
  { path: pages.servers, component: ServersPage, isForMonitor: true },
]
