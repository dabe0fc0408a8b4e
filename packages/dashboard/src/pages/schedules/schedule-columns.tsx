import type { ScheduleState } from '@geartrain/protocol'
import type { JSX } from 'preact'
import { Link } from 'wouter-preact'
import { functionLink, scheduleLink } from '../../links.ts'
import { Badge } from '../../parts/badge.tsx'
import type { Column } from '../../parts/table.tsx'
import { Ago } from '../../parts/time.tsx'
import { may } from '../../session/session.ts'
import { RunOutcome } from './run-outcome.tsx'
import { ScheduleActions } from './schedule-actions.tsx'
import { timezoneOf, timingText } from './schedule-form.ts'

export function scheduleColumns(onChanged: () => void): readonly Column<ScheduleState>[] {
  const columns: Column<ScheduleState>[] = [
    { key: 'name', title: 'Name', cell: (each) => <Name {...each} />, sortBy: ({ name }) => name },
    {
      key: 'function',
      title: 'Function',
      cell: ({ function: name }) => (
        <Link href={functionLink(name)} class="cut-off schedule-name" title={name}>
          {name}
        </Link>
      ),
      sortBy: (each) => each.function,
      isWideOnly: true,
    },
    { key: 'timing', title: 'Times', cell: (each) => <Timing {...each} />, sortBy: timingText },
    { key: 'next', title: 'Next', cell: (each) => <Next {...each} />, sortBy: ({ next }) => next[0] },
    { key: 'last', title: 'Last run', cell: (each) => <Last {...each} />, sortBy: ({ history }) => history[0]?.at },
    {
      key: 'origin',
      title: 'From',
      cell: ({ origin }) => <span title={origins[origin]}>{origin}</span>,
      sortBy: ({ origin }) => origin,
      isWideOnly: true,
    },
  ]
  if (!may('operate')) return columns
  const actions = (schedule: ScheduleState) => (
    <ScheduleActions schedule={schedule} onChanged={onChanged} onRemoved={onChanged} isInRow />
  )
  return [...columns, { key: 'action', title: 'Action', cell: actions }]
}

export const origins: Readonly<Record<ScheduleState['origin'], string>> = {
  config: 'From the configuration file',
  runtime: 'Added while the server ran',
  client: 'Submitted by a client',
}

function Name({ name, paused }: ScheduleState): JSX.Element {
  return (
    <span class="schedule-title">
      <Link href={scheduleLink(name)} class="cut-off schedule-name" title={name}>
        {name}
      </Link>
      {paused ? <Badge state="paused" /> : null}
    </span>
  )
}

function Timing(schedule: ScheduleState): JSX.Element {
  const timezone = timezoneOf(schedule)
  return (
    <>
      <code>{timingText(schedule)}</code>
      {timezone === undefined || timezone === 'UTC' ? null : <div class="schedule-zone muted">{timezone}</div>}
    </>
  )
}

function Next({ next, paused }: ScheduleState): JSX.Element {
  const [at] = next
  if (at !== undefined) {
    return (
      <span class="schedule-soon">
        <Ago at={at} />
      </span>
    )
  }
  return <span class="muted">{paused ? '–' : 'never again'}</span>
}

function Last({ history: [run] }: ScheduleState): JSX.Element {
  if (run === undefined) return <span class="muted">not yet</span>
  return (
    <span class="schedule-run">
      <Ago at={run.at} /> <RunOutcome run={run} isLink />
    </span>
  )
}
