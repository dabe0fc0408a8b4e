import type { JSX } from 'preact'
import { Link } from 'wouter-preact'
import { jobLink } from '../../links.ts'
import { Badge } from '../../parts/badge.tsx'
import type { Column } from '../../parts/table.tsx'
import { Ago, Since } from '../../parts/time.tsx'
import { count } from '../../text/numbers.ts'
import { percentOf, type ShownJob } from './job-page.ts'

export const jobColumns: readonly Column<ShownJob>[] = [
  {
    key: 'job',
    title: 'Job',
    cell: ({ job }) => (
      <span class="jobs-cell">
        <Link class="mono jobs-handle" href={jobLink(job.handle)} title={job.handle}>
          {job.handle}
        </Link>
        <span class="jobs-name" title={job.function}>
          {job.function}
        </span>
      </span>
    ),
  },
  { key: 'state', title: 'State', cell: (shown) => <State {...shown} /> },
  { key: 'priority', title: 'Priority', cell: ({ job: { priority } }) => <Priority priority={priority} /> },
  {
    key: 'unique',
    title: 'Unique',
    cell: ({ job: { unique } }) => (
      <span class="jobs-unique" title={unique}>
        {unique}
      </span>
    ),
  },
  { key: 'attempts', title: 'Attempts', isNumber: true, cell: ({ job }) => count(job.attempts) },
  { key: 'age', title: 'Submitted', isNumber: true, cell: ({ job }) => <Ago at={job.submittedAt} /> },
  { key: 'detail', title: 'Worker, error', cell: (shown) => <Detail {...shown} /> },
]

function State({ job, isGone }: ShownJob): JSX.Element {
  if (isGone) {
    return (
      <span class="badge tone-quiet" title="It has ended, or is in another place of the list now.">
        moved on
      </span>
    )
  }
  return (
    <span class="jobs-cell">
      <span>
        <Badge state={job.state} /> {job.startedAt === undefined ? null : <Since at={job.startedAt} />}
      </span>
      {job.state === 'delayed' && job.runAt !== undefined ? <Ago at={job.runAt} /> : null}
      {job.state === 'running' ? <Progress job={job} /> : null}
    </span>
  )
}

function Progress({ job: { numerator, denominator, handle } }: Pick<ShownJob, 'job'>): JSX.Element | null {
  const percent = percentOf(numerator, denominator)
  if (percent === undefined) return null
  return (
    <span class="jobs-progress">
      <progress value={percent} max={100} aria-label={`Progress of ${handle}`} /> {percent} %
    </span>
  )
}

/** Most are normal, which need not catch the eye. */
function Priority({ priority }: Pick<ShownJob['job'], 'priority'>): JSX.Element {
  return priority === 'normal' ? <span class="muted">normal</span> : <Badge state={priority} />
}

/** Who has it, and what went wrong the last time. */
function Detail({ job: { worker, error, reason } }: ShownJob): JSX.Element {
  const line = error?.trimStart().split(/[\r\n]/, 1)[0] ?? ''
  const wrong = [reason, line].filter((each) => each !== undefined && each !== '').join(': ')
  return (
    <span class="jobs-cell jobs-detail">
      {worker === undefined ? null : <span title={worker}>{worker}</span>}
      {wrong === '' ? null : (
        <span class="jobs-error" title={error ?? wrong}>
          {wrong}
        </span>
      )}
    </span>
  )
}
