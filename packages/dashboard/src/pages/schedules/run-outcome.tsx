import type { ScheduleRun } from '@geartrain/protocol'
import type { JSX } from 'preact'
import { Link } from 'wouter-preact'
import { jobLink } from '../../links.ts'
import { Badge } from '../../parts/badge.tsx'
import type { BadgeState } from '../../parts/badge-state.ts'

const badges: Readonly<Record<ScheduleRun['outcome'], BadgeState>> = {
  submitted: 'complete',
  'skipped: still running': 'idle',
  'skipped: missed': 'warning',
  refused: 'failed',
}

export function RunOutcome(props: {
  readonly run: ScheduleRun
  /** To its job, if there is one. */
  readonly isLink?: boolean
}): JSX.Element {
  const { outcome, why, handle } = props.run
  const badge = <Badge state={badges[outcome]}>{outcome}</Badge>
  if (props.isLink !== true || handle === undefined) return <span title={why}>{badge}</span>
  return (
    <Link href={jobLink(handle)} title={`Job ${handle}`}>
      {badge}
    </Link>
  )
}

/** The job that was submitted, or that was there already. */
export function RunJob({ run: { handle } }: { readonly run: ScheduleRun }): JSX.Element | null {
  if (handle === undefined) return null
  return (
    <Link href={jobLink(handle)} class="cut-off schedule-job mono" title={handle}>
      {handle}
    </Link>
  )
}
