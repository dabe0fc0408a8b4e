import type { ScheduleState } from '@geartrain/protocol'
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { Link, useLocation } from 'wouter-preact'
import { ApiError, get, path } from '../../api/api.ts'
import { useResource } from '../../api/use-resource.ts'
import { pages } from '../../links.ts'
import { Badge } from '../../parts/badge.tsx'
import { Loaded } from '../../parts/loaded.tsx'
import { Page } from '../../parts/page.tsx'
import { useQuery } from '../../parts/use-query.ts'
import { may } from '../../session/session.ts'
import { fromFile, ScheduleActions } from './schedule-actions.tsx'
import { ScheduleDialog } from './schedule-dialog.tsx'
import { ScheduleFacts, ScheduleHistory, ScheduleNext, ScheduleWorkload } from './schedule-parts.tsx'

const everyMs = 30_000
const nextShown = 10

/** One schedule: when it comes, what it submits, and what has become of that. */
export function SchedulePage(): JSX.Element {
  const [name] = useQuery('name')
  const [isEditing, setEditing] = useState(false)
  const [, goTo] = useLocation()
  const found = useResource(
    name === '' ? undefined : name,
    (signal) => get<ScheduleState>(path`schedules/${name}`, { runs: nextShown }, signal),
    { everyMs, isChangedBy: (change) => change.kind === 'schedule' && change.name === name },
  )
  const { value, error, reload } = found
  if (name === '' || (error instanceof ApiError && error.code === 'NOT_FOUND')) return <NoSuch name={name} />
  return (
    <Page
      title={name}
      heading={
        <>
          {name} {value?.paused === true ? <Badge state="paused" /> : null}
        </>
      }
      actions={
        value === undefined ? undefined : (
          <>
            <Edit schedule={value} onEdit={() => setEditing(true)} />
            <ScheduleActions schedule={value} onChanged={reload} onRemoved={() => goTo(pages.schedules)} />
          </>
        )
      }
    >
      <Loaded from={found}>
        {(schedule) => (
          <>
            <ScheduleFacts schedule={schedule} />
            <div class="schedule-columns">
              <ScheduleNext schedule={schedule} />
              <ScheduleWorkload schedule={schedule} />
            </div>
            <ScheduleHistory schedule={schedule} />
            {isEditing ? (
              <ScheduleDialog schedule={schedule} onClose={() => setEditing(false)} onSaved={reload} />
            ) : null}
          </>
        )}
      </Loaded>
    </Page>
  )
}

function Edit(props: { readonly schedule: ScheduleState; readonly onEdit: () => void }): JSX.Element | null {
  const { function: functionName, origin } = props.schedule
  if (!may('operate', functionName)) return null
  const isFixed = origin === 'config'
  return (
    <button
      type="button"
      class="button"
      disabled={isFixed}
      title={isFixed ? fromFile : undefined}
      onClick={props.onEdit}
    >
      Change
    </button>
  )
}

function NoSuch({ name }: { readonly name: string }): JSX.Element {
  return (
    <Page title="No such schedule">
      <p class="schedule-long">
        {name === '' ? 'The address names no schedule.' : `There is no schedule “${name}”, or not any more.`}
      </p>
      <p>
        <Link href={pages.schedules}>All schedules</Link>
      </p>
    </Page>
  )
}
