import type { JSX } from 'preact'
import { Link } from 'wouter-preact'
import { print } from '../../filter/filter.ts'
import { failuresLink, jobsLink, workersLink } from '../../links.ts'
import { readyCount } from '../../live/ready-count.ts'
import type { Column } from '../../parts/table.tsx'
import { Since } from '../../parts/time.tsx'
import { count, rate, shortCount } from '../../text/numbers.ts'
import { duration } from '../../text/times.ts'
import { DoneLine, doneLately } from './done-history.tsx'
import { type FunctionRow, failureRate } from './function-rows.ts'
import { NameCell } from './name-cell.tsx'

/** Of the table of functions. They stay the same ones, so that a row whose function has not changed is not drawn anew. */
export const functionColumns: readonly Column<FunctionRow>[] = [
  { key: 'name', title: 'Function', cell: (row) => <NameCell row={row} />, sortBy: ({ name }) => name },
  {
    key: 'lately',
    title: 'Done, 15 min',
    isNumber: true,
    cell: (row) => <DoneLine row={row} />,
    sortBy: doneLately,
    isWideOnly: true,
  },
  { key: 'ready', title: 'Ready', isNumber: true, cell: (row) => <Ready row={row} />, sortBy: readyCount },
  jobsColumn('running', 'Running'),
  jobsColumn('delayed', 'Delayed'),
  {
    key: 'dead',
    title: 'Dead',
    isNumber: true,
    cell: ({ name, dead }) => <Amount value={dead} link={failuresLink(name)} />,
    sortBy: ({ dead }) => dead,
  },
  {
    key: 'workers',
    title: 'Workers',
    isNumber: true,
    cell: ({ name, workers, members }) => (
      <Amount
        value={workers}
        link={members === undefined ? workersLink(name) : undefined}
        title={members === undefined ? undefined : 'Each counts once for every function that it can do'}
      />
    ),
    sortBy: ({ workers }) => workers,
  },
  {
    key: 'wait',
    title: 'Oldest wait',
    isNumber: true,
    cell: ({ oldestReadyAt }) => (oldestReadyAt === undefined ? <Nothing /> : <Since at={oldestReadyAt} />),
    sortBy: ({ oldestReadyAt }) => (oldestReadyAt === undefined ? undefined : -oldestReadyAt),
  },
  {
    key: 'in',
    title: 'In',
    isNumber: true,
    cell: ({ rates }) => <Rate pair={rates.submitted} what="submitted" />,
    sortBy: ({ rates }) => rates.submitted[0],
  },
  {
    key: 'out',
    title: 'Out',
    isNumber: true,
    cell: ({ rates }) => <Rate pair={rates.done} what="done" />,
    sortBy: ({ rates }) => rates.done[0],
  },
  { key: 'failures', title: 'Failures', isNumber: true, cell: (row) => <Failures row={row} />, sortBy: failureRate },
  {
    key: 'run',
    title: 'p95 run',
    isNumber: true,
    cell: ({ run, members }) =>
      run === undefined ? (
        <Nothing />
      ) : members === undefined ? (
        <span title={`Half of them took ${duration(run.p50Ms)} at most, 95 of 100 ${duration(run.p95Ms)}`}>
          {duration(run.p95Ms)}
        </span>
      ) : (
        <span title="That of the function for which it is longest">≤ {duration(run.p95Ms)}</span>
      ),
    sortBy: ({ run }) => run?.p95Ms,
  },
]

function jobsColumn(state: 'running' | 'delayed', title: string): Column<FunctionRow> {
  return {
    key: state,
    title,
    isNumber: true,
    cell: (row) => <Amount value={row[state]} link={jobsLink(print({ function: row.name, state }))} />,
    sortBy: (row) => row[state],
  }
}

/** The sum, and of it those that are not of normal priority. */
function Ready({ row }: { readonly row: FunctionRow }): JSX.Element {
  const { high, normal, low } = row.ready
  const parts = [high > 0 ? `${shortCount(high)} high` : '', low > 0 ? `${shortCount(low)} low` : '']
  const title = `${count(high)} of high priority, ${count(normal)} of normal, ${count(low)} of low`
  return (
    <>
      <Amount value={readyCount(row)} link={jobsLink(print({ function: row.name, state: 'ready' }))} title={title} />
      {high + low === 0 ? null : <span class="ready-parts">{parts.filter((part) => part !== '').join(' · ')}</span>}
    </>
  )
}

function Amount(props: {
  readonly value: number
  readonly link: string | undefined
  readonly title?: string | undefined
}): JSX.Element {
  const { value, link, title } = props
  if (value === 0) return <span class="nil">0</span>
  const told = title ?? (value < 10_000 ? undefined : count(value))
  return link === undefined ? (
    <span title={told}>{shortCount(value)}</span>
  ) : (
    <Link href={link} title={told}>
      {shortCount(value)}
    </Link>
  )
}

function Rate({ pair, what }: { readonly pair: readonly [number, number]; readonly what: string }): JSX.Element {
  const [now, minute] = pair
  const title = `${what} in a second: ${rate(now)} over the last 10 s, ${rate(minute)} over the last minute`
  return (
    <span title={title} class={now === 0 ? 'nil' : ''}>
      {rate(now)}
    </span>
  )
}

function Failures({ row }: { readonly row: FunctionRow }): JSX.Element {
  const { failed, retried } = row.rates
  const perSecond = failureRate(row)
  const title = `over the last 10 s: ${rate(failed[0])} for good, ${rate(retried[0])} to be tried again`
  return (
    <span title={title} class={perSecond === 0 ? 'nil' : 'failing'}>
      {rate(perSecond)}
    </span>
  )
}

export function Nothing(): JSX.Element {
  return <span class="nil">–</span>
}
