import type { ConnectionState } from '@geartrain/protocol'
import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import { useResource } from '../../api/use-resource.ts'
import { useServerFlag } from '../../api/use-server-flag.ts'
import { connectionColumns } from '../../connections/connection-columns.tsx'
import { countsOf, fitsFilter, hostOf } from '../../connections/connections.ts'
import { Figure, Figures, unknown } from '../../parts/figure.tsx'
import { FilterBar, shownOf } from '../../parts/filter-bar.tsx'
import { FilterField } from '../../parts/filter-field.tsx'
import { Loaded } from '../../parts/loaded.tsx'
import { Empty } from '../../parts/notice.tsx'
import { Page } from '../../parts/page.tsx'
import { Segments } from '../../parts/segments.tsx'
import { Table } from '../../parts/table.tsx'
import { useQuery } from '../../parts/use-query.ts'
import { mayEverywhere } from '../../session/session.ts'
import { count, counted } from '../../text/numbers.ts'
import { HostHeading } from './host-heading.tsx'
import { connectionsMax, loadConnections } from './load-connections.ts'

const everyMs = 2000

/** Who is connected, and what they do. */
export function WorkersPage(): JSX.Element {
  const [asked, choose] = useQuery('show')
  const [filter] = useQuery('q')
  const show = asked === 'all' ? 'all' : 'workers'
  const connections = useResource(show, (signal) => loadConnections(show, signal), {
    everyMs,
    isChangedBy: ({ kind }) => kind === 'workers',
  })
  const { value, reload } = connections
  const mayClose = mayEverywhere('admin')
  const columns = useMemo(() => connectionColumns(mayClose, reload), [mayClose, reload])
  const found = useMemo(() => value?.connections.filter((each) => fitsFilter(each, filter)), [value, filter])
  const total = value?.connections.length ?? 0
  return (
    <Page title="Workers" heading="Workers and connections">
      <ConnectionFigures connections={found} show={show} />
      <FilterBar shown={found && shownOf(found.length, total, show === 'all' ? 'connection' : 'worker')}>
        <Segments
          label="Which connections are shown"
          choices={choices}
          chosen={show}
          onChoose={(next) => choose(next === 'workers' ? '' : next)}
        />
        <FilterField label="Filter connections" placeholder="Client id, address, function, who" />
      </FilterBar>
      {value?.isWhole === false ? (
        <p class="banner tone-warn">There are more than {count(connectionsMax)}; the first are shown.</p>
      ) : null}
      <Loaded from={{ ...connections, value: found }}>
        {(some) => (
          <Table
            caption={show === 'all' ? 'Connections by host' : 'Workers by host'}
            columns={columns}
            rows={some}
            rowKey={({ id }) => String(id)}
            sort="client"
            grouping={{ nameOf: hostOf, heading: hostHeading, isByName: true }}
            empty={<Nobody show={show} filter={filter} total={total} />}
          />
        )}
      </Loaded>
    </Page>
  )
}

function hostHeading(host: string, connections: readonly ConnectionState[]): JSX.Element {
  return <HostHeading host={host} connections={connections} />
}

const choices = [
  ['workers', 'Workers'],
  ['all', 'All connections'],
] as const

/** Of those that the filter lets through. Their room is there before they are. */
function ConnectionFigures(props: {
  readonly connections: readonly ConnectionState[] | undefined
  readonly show: 'workers' | 'all'
}): JSX.Element {
  const counts = props.connections && countsOf(props.connections)
  const rows: (readonly [string, number | undefined])[] = [
    ['Workers', counts?.workers],
    ['Busy', counts?.busy],
    ['Idle', counts?.idle],
    ['Hosts', counts?.hosts],
  ]
  if (props.show === 'all') rows.push(['Clients', counts?.clients])
  return (
    <Figures columns={rows.length} columnsNarrow={rows.length}>
      {rows.map(([name, value]) => (
        <Figure key={name} label={name}>
          {value === undefined ? unknown : count(value)}
        </Figure>
      ))}
    </Figures>
  )
}

function Nobody(props: {
  readonly show: 'workers' | 'all'
  readonly filter: string
  readonly total: number
}): JSX.Element {
  const { show, filter, total } = props
  const command = `geartrain work${useServerFlag()} reverse -- rev`
  if (total > 0) {
    const whose = counted(total, show === 'all' ? 'connection' : 'worker')
    return <Empty title={`None of ${whose} fits the filter`}>{`“${filter.slice(0, 200)}”`}</Empty>
  }
  if (show === 'all') return <Empty title="Nobody is connected" command={command} />
  return (
    <Empty title="No worker is connected" command={command}>
      Jobs wait until there is one. This one does the jobs of the function “reverse” with the command “rev”:
    </Empty>
  )
}
