import type { ClusterServerState, ServerState } from '@geartrain/protocol'
import type { JSX } from 'preact'
import { get } from '../../api/api.ts'
import { useResource } from '../../api/use-resource.ts'
import { Badge } from '../../parts/badge.tsx'
import { Empty } from '../../parts/notice.tsx'
import { Section } from '../../parts/page.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { Ago } from '../../parts/time.tsx'
import { about } from '../../session/session.ts'
import { count } from '../../text/numbers.ts'
import { duration } from '../../text/times.ts'

const everyMs = 2000

/** Servers that share this one's store. Nothing is shown of a server that has its store alone, nor to whom may not see it. */
export function ClusterMembers(): JSX.Element | null {
  const isServer = about.value?.kind === 'server'
  const { value } = useResource(isServer ? 'server' : undefined, (signal) => get<ServerState>('server', {}, signal), {
    everyMs,
  })
  if (value?.cluster === undefined) return null
  const { servers, leaseMs } = value.cluster
  return (
    <Section title="This cluster">
      <p class="muted">
        {`They share one queue. What a server had is the others’ when it was not heard of for ${duration(leaseMs)}.`}
      </p>
      <Table
        caption="Servers that share the queue"
        columns={columns}
        rows={servers}
        rowKey={({ id }) => String(id)}
        sort="name"
        sortName="cluster-sort"
        empty={<Empty title="No server is known yet" />}
      />
    </Section>
  )
}

/** It is not known. */
const nothing: JSX.Element = <span class="muted">–</span>

const columns: readonly Column<ClusterServerState>[] = [
  {
    key: 'name',
    title: 'Server',
    cell: ({ name, isThis }) => (
      <div class="fleet-cell">
        <strong class="fleet-server">{name}</strong>
        {isThis ? <span class="muted">this server</span> : null}
      </div>
    ),
    sortBy: ({ name }) => name,
  },
  {
    key: 'role',
    title: 'Role',
    cell: ({ isLeader }) =>
      isLeader ? (
        <span title="It fires schedules, and does all else that one server does for all.">
          <Badge state="live">leads</Badge>
        </span>
      ) : (
        nothing
      ),
    sortBy: ({ isLeader }) => (isLeader ? 0 : 1),
  },
  { key: 'version', title: 'Version', cell: ({ version }) => version ?? nothing, sortBy: ({ version }) => version },
  {
    key: 'address',
    title: 'Reached at',
    cell: ({ address }) => address ?? <span title="Foreground jobs are done there for nobody else.">nowhere</span>,
    sortBy: ({ address }) => address,
  },
  {
    key: 'running',
    title: 'Running',
    isNumber: true,
    cell: ({ running }) => count(running),
    sortBy: ({ running }) => running,
  },
  {
    key: 'started',
    title: 'Started',
    isNumber: true,
    cell: ({ startedAt }) => <Ago at={startedAt} />,
    sortBy: ({ startedAt }) => startedAt,
  },
  {
    key: 'seen',
    title: 'Heard of',
    isNumber: true,
    cell: ({ seenAt }) => <Ago at={seenAt} />,
    sortBy: ({ seenAt }) => seenAt,
  },
]
