import type { JobSummary } from '@geartrain/protocol'
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { useLocation } from 'wouter-preact'
import { get } from '../../api/api.ts'
import { jobLink } from '../../links.ts'
import { Empty, Failure, Loading } from '../../parts/notice.tsx'
import { Page } from '../../parts/page.tsx'
import type { Selection } from '../../parts/table.tsx'
import { may } from '../../session/session.ts'
import { BulkBar, BulkNews } from './bulk-bar.tsx'
import { parse, stateOf, toQuery } from './filter.ts'
import { FilterInput } from './filter-input.tsx'
import { JobList } from './job-list.tsx'
import { fillPage, type JobPage, type JobsAnswer } from './job-page.ts'
import { countLive, StateList, useStateCounts } from './state-list.tsx'
import { useAsked } from './use-asked.ts'
import { type JobOrder, type JobsAddress, useJobsAddress } from './use-jobs-address.ts'

const pageJobs = 50
/** So often does the page look on by itself where few jobs are found. */
const looksMax = 6

export function JobsPage(): JSX.Element {
  const [, goTo] = useLocation()
  const address = useJobsAddress()
  const { filter } = parse(address.text)
  const { handle } = filter
  useEffect(() => {
    if (handle !== undefined) goTo(jobLink(handle), { replace: true })
  }, [handle, goTo])

  const state = stateOf(filter)
  const counts = useStateCounts(filter)
  const order = address.order ?? usualOrder(state)
  const query = { ...toQuery(filter), order, after: address.after, limit: pageJobs }
  const of = JSON.stringify(query)
  const asked = useAsked<JobPage>(
    handle === undefined ? of : undefined,
    (signal, tell) =>
      fillPage(
        (after, limit) => get<JobsAnswer>('jobs', { ...query, after, limit }, signal),
        { after: address.after, limit: pageJobs, looksMax },
        tell,
      ),
    address.after === undefined,
  )
  const page = asked.value
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
              matching={matching}
              selected={selection.jobs}
              onUnselect={selection.clear}
              onChanged={() => {
                asked.reload()
                counts.reload()
              }}
            />
            <OrderChoice order={order} onChange={address.setOrder} />
          </div>
          <BulkNews />
          {asked.error === undefined ? null : <Failure error={asked.error} onRetry={asked.reload} />}
          {page === undefined ? (
            asked.error === undefined ? (
              <Loading />
            ) : null
          ) : (
            <JobList
              of={of}
              page={page}
              selection={may('operate') ? selection.table : undefined}
              empty={<NoJobs page={page} text={address.text} onClear={() => address.setText('')} />}
            />
          )}
          <Pager page={page} address={address} />
        </section>
      </div>
    </Page>
  )
}

/** Of those that wait the first in line come first, of those that have ended the latest. */
function usualOrder(state: ReturnType<typeof stateOf>): JobOrder {
  return state === undefined || state === 'ready' || state === 'delayed' || state === 'running' ? 'oldest' : 'newest'
}

interface JobSelection {
  /** Also those that have moved on since they were selected. */
  readonly jobs: readonly JobSummary[]
  readonly table: Selection
  readonly clear: () => void
}

/** On another page none is selected. */
function useSelection(of: string, page: JobPage | undefined): JobSelection {
  const none: ReadonlyMap<string, JobSummary> = new Map()
  const [selection, setSelection] = useState({ of, jobs: none })
  const chosen = selection.of === of ? selection.jobs : none
  const found = new Map(page?.jobs.map((job) => [job.handle, job]))
  const jobs = new Map(Array.from(chosen, ([handle, job]) => [handle, found.get(handle) ?? job]))
  const choose = (handles: ReadonlySet<string>) => {
    const known = new Map([...jobs, ...found])
    setSelection({ of, jobs: new Map([...known].filter(([handle]) => handles.has(handle))) })
  }
  return {
    jobs: [...jobs.values()],
    table: { keys: new Set(jobs.keys()), onChange: choose },
    clear: () => setSelection({ of, jobs: none }),
  }
}

function OrderChoice(props: { readonly order: JobOrder; readonly onChange: (order: JobOrder) => void }): JSX.Element {
  const { order, onChange } = props
  return (
    <div class="order-choice" role="group" aria-label="Order">
      {(['oldest', 'newest'] as const).map((each) => (
        <button key={each} type="button" class="button" aria-pressed={order === each} onClick={() => onChange(each)}>
          {each === 'oldest' ? 'Oldest first' : 'Newest first'}
        </button>
      ))}
    </div>
  )
}

function NoJobs(props: { readonly page: JobPage; readonly text: string; readonly onClear: () => void }): JSX.Element {
  const { page, text, onClear } = props
  // The pager says the rest.
  if (page.next !== undefined) return <Empty title="No job has been found so far." />
  if (text === '') {
    return (
      <Empty title="No job waits or runs." command="geartrain do --background reverse hello">
        A job that waits:
      </Empty>
    )
  }
  return (
    <Empty title="No job is like that.">
      <button type="button" class="button" onClick={onClear}>
        Show all that have not ended
      </button>
    </Empty>
  )
}

function Pager({ page, address }: { readonly page: JobPage | undefined; readonly address: JobsAddress }): JSX.Element {
  const { next, isLooking = false, jobs = [] } = page ?? {}
  const isShort = !isLooking && next !== undefined && jobs.length < pageJobs
  const goOn = () => {
    if (next !== undefined) address.goOn(next)
    scrollTo(0, 0)
  }
  return (
    <nav class="pager" aria-label="Pages of jobs">
      <button type="button" class="button" disabled={address.after === undefined} onClick={address.goBack}>
        Previous
      </button>
      <button type="button" class="button" disabled={next === undefined || isLooking} onClick={goOn}>
        {isShort ? 'Look further' : 'Next'}
      </button>
      <span class="muted" role="status">
        {isLooking ? 'Looking further …' : isShort ? 'Few of the jobs so far fit; there are more to look through.' : ''}
      </span>
    </nav>
  )
}
