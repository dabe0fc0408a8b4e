import type { ScheduleState } from '@geartrain/protocol'
import type { JSX } from 'preact'
import { path, send } from '../../api/api.ts'
import { ActionButton } from '../../parts/action-button.tsx'
import { confirm } from '../../parts/confirm.tsx'
import { Icon } from '../../parts/icon.tsx'
import { may } from '../../session/session.ts'

/** What can be done with a schedule by whoever looks. `onRemoved` may be the same as `onChanged`. */
export function ScheduleActions(props: {
  readonly schedule: ScheduleState
  readonly onChanged: () => void
  readonly onRemoved: () => void
  /** There is little room. */
  readonly isInRow?: boolean
}): JSX.Element | null {
  const { schedule, onChanged, onRemoved } = props
  const { name, paused, origin } = schedule
  if (!may('operate', schedule.function)) return null
  const run = async () => {
    const { handle } = await send<{ readonly handle: string }>('POST', path`schedules/${name}/run`)
    onChanged()
    return `${name} has submitted ${handle}.`
  }
  const toggle = async () => {
    await send('POST', paused ? path`schedules/${name}/resume` : path`schedules/${name}/pause`)
    onChanged()
    return paused ? `${name} goes on.` : `${name} is paused.`
  }
  const remove = async () => {
    const isMeant = await confirm({
      title: 'Remove the schedule?',
      body: (
        <>
          <p>
            <strong class="schedule-long">{name}</strong> submits no more jobs of{' '}
            <span class="schedule-long">{schedule.function}</span>.
          </p>
          <p>Its history goes with it; jobs that it has submitted stay. This can not be taken back.</p>
        </>
      ),
      action: 'Remove',
      isDestructive: true,
    })
    if (!isMeant) return undefined
    await send('DELETE', path`schedules/${name}`)
    onRemoved()
    return `${name} is removed.`
  }
  return (
    <div class="schedule-actions">
      <ActionButton run={run} title="Submit a job now, beside its times">
        Run now
      </ActionButton>
      <ActionButton
        run={toggle}
        title={paused ? 'Let it go on, from now' : 'Let it rest: what it misses is not made up for'}
      >
        {paused ? 'Resume' : 'Pause'}
      </ActionButton>
      <ActionButton
        run={remove}
        isDisabled={origin === 'config'}
        title={origin === 'config' ? fromFile : 'Remove the schedule; jobs that it has submitted stay'}
      >
        {props.isInRow === true ? (
          <>
            <Icon name="close" />
            <span class="visually-hidden">Remove</span>
          </>
        ) : (
          'Remove'
        )}
      </ActionButton>
    </div>
  )
}

export const fromFile = 'It is from the configuration file: it is changed and removed there'
