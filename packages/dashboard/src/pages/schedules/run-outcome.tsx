import type { ScheduleRun } from '@geartrain/protocol'
import type { JSX } from 'preact'
import { Link } from 'wouter-preact'
import { jobLink } from '../../links.ts'
import { Badge, type BadgeState } from '../../parts/badge.tsx'

const badges: Readonly<Record<ScheduleRun['outcome'], BadgeState>> = {
  submitted: 'complete',
  'skipped: still running': 'idle',
  'skipped: missed': 'warning',
  refused: 'failed',
}

export function RunOutcome({ run }: { readonly run: ScheduleRun }): JSX.Element {
  return (
    <span title={run.why}>
      <Badge state={badges[run.outcome]}>{run.outcome}</Badge>
    </span>
  )
}

/** The job that was submitted, or that was there already. */
export function RunJob(props: {
  readonly run: ScheduleRun
  /** In the place of its handle. */
  readonly text?: string
}): JSX.Element | null {
  const { handle } = props.run
  if (handle === undefined) return null
  return (
    <Link href={jobLink(handle)} class={props.text === undefined ? 'schedule-job mono' : ''} title={handle}>
      {props.text ?? handle}
    </Link>
  )
}
