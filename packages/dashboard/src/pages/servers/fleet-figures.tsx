import type { JSX } from 'preact'
import { Figure, Figures, unknown } from '../../parts/figure.tsx'
import { Sparkline } from '../../parts/sparkline.tsx'
import { count, shortCount } from '../../text/numbers.ts'
import { brief } from '../../text/times.ts'
import { now } from '../../text/use-now.ts'
import { Change } from './change.tsx'
import type { FleetFigures } from './fleet-rows.ts'

/** All servers that are chosen together. Its room is there before the figures are. */
export function FleetFigureStrip(props: {
  readonly figures: FleetFigures | undefined
  /** When the answers came of which the queue's line tells. */
  readonly times: readonly number[]
}): JSX.Element {
  const { figures, times } = props
  const value = (figure: number | undefined) =>
    figure === undefined ? unknown : <span title={count(figure)}>{shortCount(figure)}</span>
  return (
    <Figures columns={6}>
      <Figure
        label="Queued"
        note={figures === undefined || figures.change === 0 ? null : <Change by={figures.change} />}
      >
        <span class="queue-figure">
          {value(figures?.queued)}
          <QueueLine history={figures?.history ?? []} since={times[0]} />
        </span>
      </Figure>
      <Figure label="Running">{value(figures?.running)}</Figure>
      <Figure label="Functions">{value(figures?.functions)}</Figure>
      <Figure
        label="No worker"
        title="Functions with jobs that wait, which no worker can do"
        tone={(figures?.orphans ?? 0) > 0 ? 'bad' : undefined}
      >
        {value(figures?.orphans)}
      </Figure>
      <Figure label="Workers">{value(figures?.workers)}</Figure>
      <Figure label="Servers" note={figures && told(figures)} tone={(figures?.down ?? 0) > 0 ? 'bad' : undefined}>
        {value(figures && figures.up + figures.down + figures.unknown)}
      </Figure>
    </Figures>
  )
}

/** `3 up`, `1 down, 2 up`. */
function told({ up, down, unknown }: FleetFigures): string {
  const parts = down === 0 ? [] : [`${count(down)} down`]
  parts.push(`${count(up)} up`)
  if (unknown > 0) parts.push(`${count(unknown)} not asked yet`)
  return parts.join(', ')
}

function QueueLine(props: {
  readonly history: readonly (number | null)[]
  readonly since: number | undefined
}): JSX.Element {
  const { history, since } = props
  const label = since === undefined ? 'The queue' : `The queue since ${brief(since, now.peek())}`
  return (
    <span class="queue-line" title={label}>
      {history.length < 2 ? null : <Sparkline values={history} label={label} />}
    </span>
  )
}
