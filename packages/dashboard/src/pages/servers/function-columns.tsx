import type { JSX } from 'preact'
import { Badge } from '../../parts/badge.tsx'
import type { BadgeState } from '../../parts/badge-state.ts'
import { Icon } from '../../parts/icon.tsx'
import type { Column } from '../../parts/table.tsx'
import { count } from '../../text/numbers.ts'
import { Queue } from './change.tsx'
import type { FunctionRow } from './fleet.ts'
import { type FunctionState, functionStates, stateOf } from './fleet-rows.ts'
import { FunctionName } from './function-name.tsx'
import { isOpen, toggle } from './opened.ts'

export const functionColumns: readonly Column<FunctionRow>[] = [
  { key: 'function', title: 'Function', cell: (row) => <NameCell row={row} />, sortBy: ({ name }) => name },
  {
    key: 'server',
    title: 'Server',
    cell: ({ server, isThis }) => <ServerCell server={server} isThis={isThis} />,
    sortBy: ({ server }) => server,
  },
  {
    key: 'queued',
    title: 'Queued',
    isNumber: true,
    cell: ({ queued, change }) => <Queue queued={queued} change={change} />,
    sortBy: ({ queued }) => queued,
  },
  {
    key: 'running',
    title: 'Running',
    isNumber: true,
    cell: ({ running }) => count(running),
    sortBy: ({ running }) => running,
  },
  {
    key: 'workers',
    title: 'Workers',
    isNumber: true,
    cell: ({ workers, members }) => (
      <span title={members === undefined ? undefined : 'A worker counts once for each function that it can do'}>
        {count(workers)}
      </span>
    ),
    sortBy: ({ workers }) => workers,
  },
  {
    key: 'state',
    title: 'State',
    cell: (row) => <State row={row} />,
    sortBy: (row) => functionStates.indexOf(stateOf(row)),
  },
]

function NameCell({ row }: { readonly row: FunctionRow }): JSX.Element {
  const { name, isThis, members } = row
  return (
    <div class="fleet-cell">
      {members === undefined ? null : (
        <button
          type="button"
          class="opener"
          aria-expanded={isOpen(row)}
          aria-label={`Show what the sum of ${name} is of`}
          onClick={() => toggle(row)}
        >
          <Icon name="down" />
        </button>
      )}
      <FunctionName name={name} isThis={isThis} />
    </div>
  )
}

export function ServerCell({ server, isThis }: { readonly server: string; readonly isThis: boolean }): JSX.Element {
  return (
    <span class="fleet-server" title={isThis ? `${server}: this server` : server}>
      {server}
    </span>
  )
}

const badges: Readonly<Record<FunctionState, readonly [state: BadgeState, meaning: string]>> = {
  'no worker': ['critical', 'Jobs wait, and nobody can do them'],
  waiting: ['ready', 'Jobs wait, and its workers do none of them'],
  running: ['running', 'Jobs are being done'],
  idle: ['idle', 'Workers are there, and no jobs'],
  'not registered': ['idle', 'No worker can do it, and there are no jobs'],
}

function State({ row }: { readonly row: FunctionRow }): JSX.Element {
  const state = stateOf(row)
  const [badge, meaning] = badges[state]
  const text = row.orphans > 0 && row.members !== undefined ? `${count(row.orphans)} without worker` : state
  return (
    <span class={state === 'no worker' ? 'fleet-state is-bad' : 'fleet-state'} title={meaning}>
      {state === 'no worker' ? <Icon name="warning" /> : null}
      <Badge state={badge}>{text}</Badge>
    </span>
  )
}
