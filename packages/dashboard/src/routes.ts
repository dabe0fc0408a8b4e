import type { JSX } from 'preact'
import { pages } from './links.ts'
import { OverviewPage } from './pages/overview/overview-page.tsx'

interface PageRow {
  readonly path: string
  readonly component: () => JSX.Element
  /** It is there also where there are other servers alone. */
  readonly isForMonitor?: boolean
}

/** Every page. */
export const pageTable: readonly PageRow[] = [{ path: pages.overview, component: OverviewPage }]
