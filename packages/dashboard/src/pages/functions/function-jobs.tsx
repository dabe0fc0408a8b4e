import type { ControlOperations, JobSummary, PriorityName } from '@geartrain/protocol'
import type { JSX } from 'preact'
import { Link } from 'wouter-preact'
import { get } from '../../api/api.ts'
import { useResource } from '../../api/use-resource.ts'
import { print } from '../../filter/filter.ts'
import { priorities } from '../../filter/filter-keys.ts'
import { functionLink, jobLink, jobsLink } from '../../links.ts'
import { readyCount } from '../../live/ready-count.ts'
import { Badge } from '../../parts/badge.tsx'
import { Loaded } from '../../parts/loaded.tsx'
import { Section } from '../../parts/page.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { Ago, Since } from '../../parts/time.tsx'
import { count } from '../../text/numbers.ts'
import { type FunctionRow, isPattern } from './function-rows.ts'

const shownMax = 5
const everyMs = 5000

/** A few of those that run, and of those whose turn is next. */
export function FunctionJobs({ row }: { readonly row: FunctionRow }): JSX.Element {
  const { name, running, ready } = row
  return (
    <div class="function-jobs">
      <JobList
        title="Running"
        all={jobsLink(print({ function: name, state: 'running' }))}
        count={running}
        id={`running ${name}`}
        load={(stop) => firstJobs({ function: name, state: 'running' }, shownMax, stop)}
        columns={columnsFor(name, runningColumns)}
        none="No job runs."
      />
      <JobList
        title="Next"
        all={jobsLink(print({ function: name, state: 'ready' }))}
        count={readyCount(row)}
        id={`next ${name}`}
        load={(stop) =>
          nextJobs(
            name,
            priorities.filter((priority) => ready[priority] > 0),
            stop,
          )
        }
        columns={columnsFor(name, nextColumns)}
        none="No job waits."
      />
    </div>
  )
}

function JobList(props: {
  readonly title: string
  /** Where all of them are. */
  readonly all: string
  readonly count: number
  readonly id: string
  readonly load: (stop: AbortSignal) => Promise<readonly JobSummary[]>
  readonly columns: readonly Column<JobSummary>[]
  readonly none: string
}): JSX.Element {
  const { title, all, id, load, columns, none } = props
  const found = useResource(props.count === 0 ? undefined : id, load, { everyMs })
  return (
    <Section title={title} actions={props.count === 0 ? null : <Link href={all}>All {count(props.count)}</Link>}>
      {props.count === 0 ? (
        <p class="card muted">{none}</p>
      ) : (
        <Loaded from={found}>
          {(jobs) => (
            <Table
              caption={`${title} jobs`}
              columns={columns}
              rows={jobs}
              rowKey={({ handle }) => handle}
              empty={<p class="card muted">{none}</p>}
            />
          )}
        </Loaded>
      )}
    </Section>
  )
}

/** Those of high priority are begun before others. */
async function nextJobs(name: string, some: readonly PriorityName[], stop: AbortSignal): Promise<JobSummary[]> {
  const jobs: JobSummary[] = []
  for (const priority of some) {
    if (jobs.length >= shownMax) break
    jobs.push(...(await firstJobs({ function: name, state: 'ready', priority }, shownMax - jobs.length, stop)))
  }
  return jobs
}

async function firstJobs(
  filter: Readonly<Record<string, string>>,
  limit: number,
  stop: AbortSignal,
): Promise<readonly JobSummary[]> {
  return (await get<ControlOperations['jobs']['answer']>('jobs', { ...filter, limit }, stop)).jobs
}

/** Of several functions it is said whose job each is. */
function columnsFor(name: string, columns: readonly Column<JobSummary>[]): readonly Column<JobSummary>[] {
  return isPattern(name) ? [functionColumn, ...columns] : columns
}

const functionColumn: Column<JobSummary> = {
  key: 'function',
  title: 'Function',
  cell: ({ function: name }) => (
    <Link href={functionLink(name)} class="cut-off" title={name}>
      {name}
    </Link>
  ),
}

const handleColumn: Column<JobSummary> = {
  key: 'handle',
  title: 'Job',
  cell: ({ handle, function: name }) => (
    <Link href={jobLink(handle)} class="cut-off mono" title={`${handle} (${name})`}>
      {handle}
    </Link>
  ),
}

const runningColumns: readonly Column<JobSummary>[] = [
  handleColumn,
  {
    key: 'worker',
    title: 'Worker',
    cell: ({ worker }) => (
      <span class="cut-off" title={worker}>
        {worker ?? '–'}
      </span>
    ),
  },
  {
    key: 'progress',
    title: 'Progress',
    isNumber: true,
    cell: ({ numerator, denominator }) =>
      numerator === undefined || denominator === undefined || denominator === 0
        ? '–'
        : `${count(numerator)} of ${count(denominator)}`,
  },
  {
    key: 'for',
    title: 'For',
    isNumber: true,
    cell: ({ startedAt }) => (startedAt === undefined ? '–' : <Since at={startedAt} />),
  },
]

const nextColumns: readonly Column<JobSummary>[] = [
  handleColumn,
  { key: 'priority', title: 'Priority', cell: ({ priority }) => <Badge state={priority} /> },
  {
    key: 'unique',
    title: 'Unique',
    cell: ({ unique }) => (
      <span class="cut-off" title={unique}>
        {unique === '' ? '–' : unique}
      </span>
    ),
  },
  { key: 'submitted', title: 'Submitted', isNumber: true, cell: ({ submittedAt }) => <Ago at={submittedAt} /> },
]
