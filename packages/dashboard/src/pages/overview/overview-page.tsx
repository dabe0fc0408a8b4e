import type { JSX } from 'preact'
import { HistoryCharts } from '../../charts/history-charts.tsx'
import { Page } from '../../parts/page.tsx'

export function OverviewPage(): JSX.Element {
  return (
    <Page title="Overview">
      <HistoryCharts />
    </Page>
  )
}
