import type { DeadGroup } from '@geartrain/protocol'
import type { JSX } from 'preact'
import { Link } from 'wouter-preact'
import { print } from '../filter/filter.ts'
import { jobLink, jobsLink } from '../links.ts'
import { ActionButton } from '../parts/action-button.tsx'
import { Badge } from '../parts/badge.tsx'
import type { BadgeState } from '../parts/badge-state.ts'
import type { Column } from '../parts/table.tsx'
import { Ago } from '../parts/time.tsx'
import { may } from '../session/session.ts'
import { count, counted } from '../text/numbers.ts'
import { changeDead } from './change-dead.tsx'
import { filterOf, isOneFunction } from './failure-groups.ts'

/** `onChanged`: jobs of a group are no longer dead. */
export function failureColumns(onChanged: () => void): readonly Column<DeadGroup>[] {
  return [
    {
      key: 'message',
      title: 'Message',
      cell: ({ message }) => <Message text={message} />,
      sortBy: ({ message }) => message,
    },
    {
      key: 'reason',
      title: 'Reason',
      cell: ({ reason }) => <Badge state={badges[reason]}>{reason}</Badge>,
      sortBy: ({ reason }) => reason,
    },
    {
      key: 'count',
      title: 'Jobs',
      isNumber: true,
      cell: (group) => (
        <Link href={jobsLink(print(filterOf(group)))} aria-label={`Show ${counted(group.count, 'job')}`}>
          {count(group.count)}
        </Link>
      ),
      sortBy: (group) => group.count,
    },
    {
      key: 'first',
      title: 'First',
      isNumber: true,
      isWideOnly: true,
      cell: ({ firstAt }) => <Ago at={firstAt} />,
      sortBy: ({ firstAt }) => firstAt,
    },
    {
      key: 'latest',
      title: 'Latest',
      isNumber: true,
      cell: ({ lastAt }) => <Ago at={lastAt} />,
      sortBy: ({ lastAt }) => lastAt,
    },
    {
      key: 'job',
      title: 'Latest job',
      isWideOnly: true,
      cell: ({ handle }) => (
        <Link href={jobLink(handle)} class="cut-off failure-job mono" title={handle}>
          {handle}
        </Link>
      ),
    },
    ...(may('operate') ? [{ key: 'action', title: 'Action', cell: actions }] : []),
  ]

  function actions(group: DeadGroup): JSX.Element | null {
    if (!may('operate', group.function)) return null
    if (!isOneFunction(group.function)) {
      return <span class="muted">Its name is a pattern too: open the jobs to change them.</span>
    }
    const which = `${group.function}: ${group.message === '' ? 'no message' : group.message}`
    const change = (action: 'retry' | 'delete') => async () => {
      const told = await changeDead(action, filterOf(group), which)
      if (told !== undefined) onChanged()
      return told
    }
    return (
      <div class="failure-actions">
        <ActionButton run={change('retry')} title="Put the jobs of this group in line again">
          Retry
        </ActionButton>
        <ActionButton run={change('delete')} title="Delete the jobs of this group">
          Delete
        </ActionButton>
      </div>
    )
  }
}

const badges: Readonly<Record<DeadGroup['reason'], BadgeState>> = {
  failed: 'failed',
  exception: 'exception',
  timeout: 'warning',
  lost: 'warning',
  expired: 'idle',
}

function Message({ text }: { readonly text: string }): JSX.Element {
  if (text === '') return <span class="muted">The worker has said nothing.</span>
  return (
    <div class="failure-message mono" title={text}>
      {text}
    </div>
  )
}
