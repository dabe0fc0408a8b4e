import type { JSX } from 'preact'
import { HistoryCharts } from '../../charts/history-charts.tsx'
import { live } from '../../live/live.ts'
import { FirstSteps } from '../../parts/first-steps.tsx'
import { Page } from '../../parts/page.tsx'
import { BusiestFunctions } from './busiest-functions.tsx'
import { DeadByCause } from './dead-by-cause.tsx'
import { FigureStrip } from './figure-strip.tsx'
import { FindingList } from './finding-list.tsx'

/** What is wrong, how much there is, and how it was. */
export function OverviewPage(): JSX.Element {
  const isNew = live.at.value > 0 && live.functions.value.size === 0
  return (
    <Page title="Overview">
      <FindingList />
      {isNew ? <FirstSteps /> : null}
      <FigureStrip />
      <HistoryCharts />
      <div class="overview-lists">
        <BusiestFunctions />
        <DeadByCause />
      </div>
    </Page>
  )
}
