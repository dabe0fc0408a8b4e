import type { ComponentChildren, JSX } from 'preact'
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
  return (
    <dl class="fleet-figures">
      <Tile name="Queued" isWide={true}>
        <Value value={figures?.queued} />
        <span class="figure-note">
          {figures === undefined || figures.change === 0 ? null : <Change by={figures.change} />}
        </span>
        <QueueLine history={figures?.history ?? []} since={times[0]} />
      </Tile>
      <Tile name="Running">
        <Value value={figures?.running} />
      </Tile>
      <Tile name="Functions">
        <Value value={figures?.functions} />
      </Tile>
      <Tile name="No worker" title="Functions with jobs that wait, which no worker can do">
        <Value value={figures?.orphans} isBad={(figures?.orphans ?? 0) > 0} />
      </Tile>
      <Tile name="Workers">
        <Value value={figures?.workers} />
      </Tile>
      <Tile name="Servers">
        <Value value={figures && figures.up + figures.down + figures.unknown} />
        <span class={`figure-note ${(figures?.down ?? 0) > 0 ? 'is-bad' : ''}`}>{figures && told(figures)}</span>
      </Tile>
    </dl>
  )
}

/** `3 up`, `1 down, 2 up`. */
function told({ up, down, unknown }: FleetFigures): string {
  const parts = down === 0 ? [] : [`${count(down)} down`]
  parts.push(`${count(up)} up`)
  if (unknown > 0) parts.push(`${count(unknown)} not asked yet`)
  return parts.join(', ')
}

function Tile(props: {
  readonly name: string
  readonly title?: string
  readonly isWide?: boolean
  readonly children: ComponentChildren
}): JSX.Element {
  const { name, title, isWide, children } = props
  return (
    <div class={isWide === true ? 'card is-wide' : 'card'} title={title}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}

function Value({ value, isBad }: { readonly value: number | undefined; readonly isBad?: boolean }): JSX.Element {
  return (
    <strong class={isBad === true ? 'is-bad' : ''} title={value === undefined ? undefined : count(value)}>
      {value === undefined ? '–' : shortCount(value)}
    </strong>
  )
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
