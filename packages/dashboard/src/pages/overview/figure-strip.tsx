import type { JSX } from 'preact'
import { jobsLink, pages } from '../../links.ts'
import { live } from '../../live/live.ts'
import { Figure, Figures, unknown } from '../../parts/figure.tsx'
import { Since } from '../../parts/time.tsx'
import { mayEverywhere } from '../../session/session.ts'
import { count, rate, shortCount } from '../../text/numbers.ts'
import { duration } from '../../text/times.ts'
import { sumsOf } from './figures.ts'
import { ServerFigures } from './server-figures.tsx'

/** How much there is, and how fast it goes; each leads to where more is to be seen of it. */
export function FigureStrip(): JSX.Element {
  const sums = sumsOf(live.functions.value.values(), live.all.value)
  const { submitted, done, failed, retried } = sums.rates
  const number = (value: number) => <span title={count(value)}>{shortCount(value)}</span>
  const speed = ([ofTenSeconds]: readonly [number, number]) => rate(ofTenSeconds)
  const average = ([, ofMinute]: readonly [number, number]) => `${rate(ofMinute)} in 1 min`
  const oldest = sums.oldestReadyAt
  const slowest = sums.isOfSlowest ? ', slowest' : ''
  return (
    <Figures columns={5}>
      <Figure label="Queued" to={jobsLink('state:ready')} note={oldest && <span>oldest {<Since at={oldest} />}</span>}>
        {number(sums.ready)}
      </Figure>
      <Figure label="Running" to={jobsLink('state:running')}>
        {number(sums.running)}
      </Figure>
      <Figure label="Delayed" to={jobsLink('state:delayed')}>
        {number(sums.delayed)}
      </Figure>
      <Figure label="Dead" to={pages.failures} tone={sums.dead > 0 ? 'bad' : undefined}>
        {number(sums.dead)}
      </Figure>
      <WorkersFigure counted={sums.workers} />
      <Figure label="In" to={pages.functions} note={average(submitted)}>
        {speed(submitted)}
      </Figure>
      <Figure label="Done" to={pages.functions} note={average(done)}>
        {speed(done)}
      </Figure>
      <Figure
        label="Failed"
        to={pages.failures}
        note={retried[0] > 0 ? `${rate(retried[0])} retried` : average(failed)}
        tone={failed[0] > 0 ? 'bad' : undefined}
      >
        {speed(failed)}
      </Figure>
      <Figure label="Wait, p50" to={pages.functions} note={sums.wait && `p95 ${duration(sums.wait.p95Ms)}${slowest}`}>
        {sums.wait === undefined ? unknown : duration(sums.wait.p50Ms)}
      </Figure>
      <Figure label="Run, p50" to={pages.functions} note={sums.run && `p95 ${duration(sums.run.p95Ms)}${slowest}`}>
        {sums.run === undefined ? unknown : duration(sums.run.p50Ms)}
      </Figure>
      {mayEverywhere('view') ? <ServerFigures server={live.server.value} /> : null}
    </Figures>
  )
}

/** Who may not view the server gets no more than a sum, in which a worker of two functions counts twice. */
function WorkersFigure({ counted }: { readonly counted: number }): JSX.Element {
  const isWhole = mayEverywhere('view')
  const workers = isWhole ? live.server.value?.connections.workers : counted
  return (
    <Figure label="Workers" to={pages.workers} note={isWhole ? '' : 'counted by function'}>
      {workers === undefined ? unknown : count(workers)}
    </Figure>
  )
}
