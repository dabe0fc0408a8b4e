import type { JSX } from 'preact'
import { HistoryCharts } from '../../charts/history-charts.tsx'
import { live } from '../../live/live.ts'
import { FirstSteps } from '../../parts/first-steps.tsx'
import { Loading } from '../../parts/notice.tsx'
import { Page } from '../../parts/page.tsx'
import { BusiestFunctions } from './busiest-functions.tsx'
import { DeadByCause } from './dead-by-cause.tsx'
import { FigureStrip } from './figure-strip.tsx'
import { FindingList } from './finding-list.tsx'

/** What is wrong, how much there is, and how it was. */
export function OverviewPage(): JSX.Element {
  return (
    <Page title="Overview">
      {/* All at once: what comes later would push away what is read already. */}
      {live.isKnown.value ? <Parts /> : <Loading />}
    </Page>
  )
}

function Parts(): JSX.Element {
  return (
    <>
      <FindingList />
      {live.functions.value.size === 0 ? <FirstSteps /> : null}
      <FigureStrip />
      <HistoryCharts />
      <div class="overview-lists">
        <BusiestFunctions />
        <DeadByCause />
      </div>
    </>
  )
}
