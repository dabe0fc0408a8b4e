import type { JSX } from 'preact'
import { print } from '../../filter/filter.ts'
import { failuresLink, jobsLink, workersLink } from '../../links.ts'
import { readyCount } from '../../live/ready-count.ts'
import { Figure, Figures, unknown } from '../../parts/figure.tsx'
import { Since } from '../../parts/time.tsx'
import { count, rate, shortCount } from '../../text/numbers.ts'
import { duration } from '../../text/times.ts'
import type { FunctionRow } from './function-rows.ts'

/** How much there is of it now, and how fast it goes. */
export function FunctionFigures({ row }: { readonly row: FunctionRow }): JSX.Element {
  const { name, ready, rates, totals, wait, run, oldestReadyAt, members } = row
  const jobs = (state: 'ready' | 'running' | 'delayed') => jobsLink(print({ function: name, state }))
  const all = jobsLink(print({ function: name }))
  const slowest = members === undefined ? '' : ', slowest'
  return (
    <Figures columns={6}>
      <Figure label="Ready" to={jobs('ready')} note={prioritiesOf(ready)}>
        <Amount value={readyCount(row)} />
      </Figure>
      <Figure label="Oldest wait" to={jobs('ready')}>
        {oldestReadyAt === undefined ? unknown : <Since at={oldestReadyAt} />}
      </Figure>
      <Figure label="Running" to={jobs('running')}>
        <Amount value={row.running} />
      </Figure>
      <Figure label="Delayed" to={jobs('delayed')}>
        <Amount value={row.delayed} />
      </Figure>
      <Figure label="Dead" to={failuresLink(name)} tone={row.dead > 0 ? 'bad' : undefined}>
        <Amount value={row.dead} />
      </Figure>
      <Figure label="Workers" to={workersLink(members === undefined ? name : '')} note={members && 'by function'}>
        <Amount value={row.workers} />
      </Figure>
      <Figure label="In" to={all} note={`${rate(rates.submitted[1])} in 1 min`}>
        {rate(rates.submitted[0])}
      </Figure>
      <Figure label="Done" to={all} note={`${rate(rates.done[1])} in 1 min`}>
        {rate(rates.done[0])}
      </Figure>
      <Figure
        label="Failed"
        to={failuresLink(name)}
        note={`${rate(rates.retried[0])} retried`}
        tone={rates.failed[0] > 0 ? 'bad' : undefined}
      >
        {rate(rates.failed[0])}
      </Figure>
      <Figure label="Wait, p50" to={jobs('ready')} note={wait && `p95 ${duration(wait.p95Ms)}${slowest}`}>
        {wait === undefined ? unknown : duration(wait.p50Ms)}
      </Figure>
      <Figure label="Run, p50" to={jobs('running')} note={run && `p95 ${duration(run.p95Ms)}${slowest}`}>
        {run === undefined ? unknown : duration(run.p50Ms)}
      </Figure>
      <Figure label="Done since the start" to={all} note={`${shortCount(totals.failed)} failed`}>
        <Amount value={totals.done} />
      </Figure>
    </Figures>
  )
}

function Amount({ value }: { readonly value: number }): JSX.Element {
  return <span title={count(value)}>{shortCount(value)}</span>
}

/** Empty if all are of normal priority. */
function prioritiesOf({ high, normal, low }: FunctionRow['ready']): string {
  if (high + low === 0) return ''
  return `${shortCount(high)} high, ${shortCount(normal)} normal, ${shortCount(low)} low`
}
