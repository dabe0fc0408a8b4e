import type { JSX } from 'preact'
import { Link } from 'wouter-preact'
import { pages, serversLink } from '../../links.ts'
import { Badge } from '../../parts/badge.tsx'
import { Sparkline } from '../../parts/sparkline.tsx'
import type { Column } from '../../parts/table.tsx'
import { Ago } from '../../parts/time.tsx'
import { count } from '../../text/numbers.ts'
import { duration } from '../../text/times.ts'
import { Queue } from './change.tsx'
import type { ServerRow } from './fleet.ts'
import { serverState } from './fleet-rows.ts'

/** It is not known. */
const nothing: JSX.Element = <span class="muted">–</span>

export const serverColumns: readonly Column<ServerRow>[] = [
  {
    key: 'server',
    title: 'Server',
    cell: ({ server: { address, isThis } }) => <Name address={address} isThis={isThis} />,
    sortBy: ({ server }) => server.address,
  },
  { key: 'state', title: 'State', cell: (row) => <State row={row} />, sortBy: serverState },
  {
    key: 'version',
    title: 'Version',
    cell: ({ server }) => <Version text={server.version} />,
    sortBy: ({ server }) => server.version,
  },
  {
    key: 'queued',
    title: 'Queued',
    isNumber: true,
    cell: ({ server, queued, change }) =>
      server.lookedAt === undefined ? nothing : <Queue queued={queued} change={change} />,
    sortBy: ({ queued }) => queued,
  },
  {
    key: 'history',
    title: 'Queue over time',
    isWideOnly: true,
    cell: ({ history }) => <Sparkline values={history} label="Its queue since the page was opened" />,
  },
  numberColumn('running', 'Running', ({ running }) => running),
  numberColumn('functions', 'Functions', ({ functions }) => functions.length),
  numberColumn('orphans', 'No worker', ({ orphans }) => orphans),
  numberColumn('workers', 'Workers', ({ workers }) => workers.length),
  {
    key: 'took',
    title: 'Answered in',
    isNumber: true,
    cell: ({ server: { tookMs } }) => (tookMs === undefined ? nothing : duration(tookMs)),
    sortBy: ({ server }) => server.tookMs,
  },
  {
    key: 'looked',
    title: 'Looked at',
    isNumber: true,
    cell: ({ server }) => <Ago at={server.lookedAt} />,
    sortBy: ({ server }) => server.lookedAt,
  },
]

function numberColumn(key: string, title: string, figure: (row: ServerRow) => number): Column<ServerRow> {
  return {
    key,
    title,
    isNumber: true,
    cell: (row) => (row.server.lookedAt === undefined ? nothing : count(figure(row))),
    sortBy: figure,
  }
}

function Name({ address, isThis }: { readonly address: string; readonly isThis: boolean }): JSX.Element {
  return (
    <div class="fleet-cell">
      <Link href={serversLink(address)} class="fleet-name" title={`Functions of ${address}`}>
        {address}
      </Link>
      {isThis ? <Link href={pages.overview}>this server</Link> : null}
    </div>
  )
}

const badges = { up: 'live', down: 'lost', 'not asked yet': 'idle' } as const

function State({ row }: { readonly row: ServerRow }): JSX.Element {
  const state = serverState(row)
  return (
    <span title={row.server.failure}>
      <Badge state={badges[state]}>{state}</Badge>
    </span>
  )
}

function Version({ text }: { readonly text: string | undefined }): JSX.Element {
  if (text === undefined) return nothing
  return (
    <span class="fleet-version" title={text}>
      {text}
    </span>
  )
}
