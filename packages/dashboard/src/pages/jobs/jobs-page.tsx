import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { useLocation } from 'wouter-preact'
import { get } from '../../api/api.ts'
import { useResource } from '../../api/use-resource.ts'
import { parse, stateOf, toQuery } from '../../filter/filter.ts'
import { jobLink } from '../../links.ts'
import { Failure, Loading } from '../../parts/notice.tsx'
import { Page } from '../../parts/page.tsx'
import { Segments } from '../../parts/segments.tsx'
import { may } from '../../session/session.ts'
import { BulkBar, BulkNews } from './bulk-bar.tsx'
import { FilterInput } from './filter-input.tsx'
import { JobList } from './job-list.tsx'
import { fillPage, type JobPage, type JobsAnswer, pageJobs } from './job-page.ts'
import { NoJobs } from './no-jobs.tsx'
import { Pager } from './pager.tsx'
import { countLive, StateList, useStateCounts } from './state-list.tsx'
import { type JobOrder, useJobsAddress } from './use-jobs-address.ts'
import { useSelection } from './use-selection.ts'

/** The first page is live. */
const everyMs = 2000
/** So often does the page look on by itself where few jobs are found. */
const looksMax = 6
const orders = [
  ['oldest', 'Oldest first'],
  ['newest', 'Newest first'],
] as const

export function JobsPage(): JSX.Element {
  const [, goTo] = useLocation()
  const address = useJobsAddress()
  const { filter, problems } = parse(address.text)
  const { handle } = filter
  useEffect(() => {
    if (handle !== undefined) goTo(jobLink(handle), { replace: true })
  }, [handle, goTo])

  const state = stateOf(filter)
  const counts = useStateCounts(filter)
  const order = address.order ?? usualOrder(state)
  const query = { ...toQuery(filter), order, after: address.after, limit: pageJobs }
  const of = JSON.stringify(query)
  const asked = useResource<JobPage>(
    handle === undefined ? of : undefined,
    (signal, tell) =>
      fillPage(
        (after, limit) => get<JobsAnswer>('jobs', { ...query, after, limit }, signal),
        { after: address.after, limit: pageJobs, looksMax },
        tell,
      ),
    address.after === undefined ? { everyMs, isChangedBy: () => true } : {},
  )
  const page = asked.value
  const shown = useLast(of, page, asked.error === undefined)
  const selection = useSelection(of, page)
  const matching = counts.value && (state === undefined ? countLive(counts.value) : counts.value[state])
  return (
    <Page title="Jobs">
      <FilterInput text={address.text} onApply={address.setText} />
      <div class="jobs">
        <StateList filter={filter} counts={counts.value} />
        <section class="section" aria-label="Jobs that match">
          <div class="jobs-bar">
            <BulkBar
              filter={filter}
              isWrong={problems.length > 0}
              matching={matching}
              selected={selection.jobs}
              onUnselect={selection.clear}
              onChanged={() => {
                asked.reload()
                counts.reload()
              }}
            />
            <Segments label="Order" choices={orders} chosen={order} onChoose={address.setOrder} />
          </div>
          <BulkNews />
          {asked.error === undefined ? null : <Failure error={asked.error} onRetry={asked.reload} />}
          {shown === undefined && asked.error === undefined ? <Loading /> : null}
          {shown === undefined ? null : (
            <div aria-busy={shown.of !== of} class={shown.of === of ? '' : 'jobs-stale'}>
              <JobList
                of={shown.of}
                page={shown.page}
                selection={may('operate') ? selection.table : undefined}
                empty={<NoJobs page={shown.page} address={address} />}
              />
            </div>
          )}
          {/* Not before there is something above it, which would push it away. */}
          {shown === undefined ? null : <Pager page={page} address={address} />}
        </section>
      </div>
    </Page>
  )
}

/** Of those that wait the first in line come first, of those that have ended the latest. */
function usualOrder(state: ReturnType<typeof stateOf>): JobOrder {
  return state === undefined || state === 'ready' || state === 'delayed' || state === 'running' ? 'oldest' : 'newest'
}

interface ShownPage {
  readonly of: string
  readonly page: JobPage
}

/** What is asked for or, until it is there, what was shown before: nothing flashes. */
function useLast(of: string, page: JobPage | undefined, isComing: boolean): ShownPage | undefined {
  const last = useRef<ShownPage>()
  if (page !== undefined) last.current = { of, page }
  else if (!isComing) last.current = undefined
  return last.current
}
