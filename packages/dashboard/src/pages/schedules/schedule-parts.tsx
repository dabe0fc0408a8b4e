import type { ScheduleRun, ScheduleState } from '@geartrain/protocol'
import type { ComponentChildren, JSX } from 'preact'
import { Link } from 'wouter-preact'
import { functionLink } from '../../links.ts'
import { CopyButton } from '../../parts/copy-button.tsx'
import { Empty } from '../../parts/notice.tsx'
import { Section } from '../../parts/page.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { Ago, Exact } from '../../parts/time.tsx'
import { bytes } from '../../text/numbers.ts'
import { RunJob, RunOutcome } from './run-outcome.tsx'
import { origins } from './schedule-columns.tsx'
import { base64Bytes, timezoneOf, timingText } from './schedule-form.ts'
import { TimeList } from './time-list.tsx'

const missedTexts = { skip: 'skipped', once: 'one job for all of them', all: 'a job each' } as const

/** What it is. */
export function ScheduleFacts({ schedule }: { readonly schedule: ScheduleState }): JSX.Element {
  const { unique = '', then, missed = 'skip', overlap = true, priority = 'normal', origin } = schedule
  const rows: readonly (readonly [string, ComponentChildren])[] = [
    ['Function', <FunctionName key="function" name={schedule.function} />],
    ['Times', <code key="times">{timingText(schedule)}</code>],
    ['Time zone', timezoneOf(schedule) ?? '–'],
    ['Missed times', missedTexts[missed]],
    ['Overlap', overlap ? 'submits also while the last job has not ended' : 'skips while the last job has not ended'],
    ['Priority', priority],
    ['Unique', unique === '' ? 'one for each job' : unique],
    ['Then', then === undefined ? 'nothing' : <FunctionName key="then" name={then} />],
    ['From', origin === 'config' ? 'The configuration file, where it is changed and removed' : origins[origin]],
  ]
  return (
    <dl class="facts schedule-facts card">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}

function FunctionName({ name }: { readonly name: string }): JSX.Element {
  return <Link href={functionLink(name)}>{name}</Link>
}

export function ScheduleNext({ schedule: { next, paused } }: { readonly schedule: ScheduleState }): JSX.Element {
  return (
    <Section title="Next times">
      {next.length === 0 ? (
        <p class="card muted">{paused ? 'None while it is paused.' : 'None: its time has passed.'}</p>
      ) : (
        <div class="card schedule-times">
          <TimeList times={next} />
        </div>
      )}
    </Section>
  )
}

export function ScheduleWorkload({ schedule: { workload } }: { readonly schedule: ScheduleState }): JSX.Element {
  const text = workload !== undefined && 'text' in workload ? workload.text : undefined
  return (
    <Section
      title="Workload"
      actions={text === undefined ? null : <CopyButton text={text} label="Copy the workload" />}
    >
      {workload === undefined || text === '' ? <p class="card muted">Its jobs carry nothing.</p> : null}
      {workload !== undefined && 'base64' in workload ? (
        <p class="muted">{bytes(base64Bytes(workload.base64))} that are no text; in base64:</p>
      ) : null}
      {workload === undefined || text === '' ? null : (
        // A long one is scrolled, also by keys.
        <pre class="card schedule-workload" tabIndex={0} role="region" aria-label="Workload">
          {text ?? ('base64' in workload ? workload.base64 : '')}
        </pre>
      )}
    </Section>
  )
}

const columns: readonly Column<ScheduleRun>[] = [
  { key: 'due', title: 'Due', cell: ({ dueAt }) => <Exact at={dueAt} />, sortBy: ({ dueAt }) => dueAt },
  { key: 'at', title: 'Came', cell: ({ at }) => <Ago at={at} />, sortBy: ({ at }) => at },
  {
    key: 'outcome',
    title: 'Outcome',
    cell: (run) => <RunOutcome run={run} />,
    sortBy: ({ outcome }) => outcome,
  },
  { key: 'job', title: 'Job', cell: (run) => <RunJob run={run} /> },
]
const why: Column<ScheduleRun> = {
  key: 'why',
  title: 'Why',
  cell: (run) => <span class="schedule-long">{run.why}</span>,
}

/** The latest first. */
export function ScheduleHistory({ schedule: { history } }: { readonly schedule: ScheduleState }): JSX.Element {
  // Two runs can be of one time: the latest of them has the highest number.
  const keys = new Map(history.map((run, index) => [run, String(history.length - index)]))
  return (
    <Section title="Last runs">
      <Table
        caption="Last runs of the schedule"
        columns={history.some((run) => run.why !== undefined) ? [...columns, why] : columns}
        rows={history}
        rowKey={(run) => keys.get(run) ?? ''}
        empty={<Empty title="It has not run yet" />}
      />
    </Section>
  )
}
