import type { JSX } from 'preact'
import { type JobPage, pageJobs } from './job-page.ts'
import type { JobsAddress } from './use-jobs-address.ts'

/** The way to the pages before and behind, and whether there is one. */
export function Pager({
  page,
  address,
}: {
  readonly page: JobPage | undefined
  readonly address: JobsAddress
}): JSX.Element {
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
