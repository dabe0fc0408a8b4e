import type { ConnectionState } from '@geartrain/protocol'
import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import { type Resource, useResource } from '../../api/use-resource.ts'
import { FilterField } from '../../parts/filter-field.tsx'
import { Empty, Failure, Loading } from '../../parts/notice.tsx'
import { Page } from '../../parts/page.tsx'
import { Table } from '../../parts/table.tsx'
import { useChanges } from '../../parts/use-changes.ts'
import { useQuery } from '../../parts/use-query.ts'
import { mayEverywhere } from '../../session/session.ts'
import { count, counted } from '../../text/numbers.ts'
import { connectionColumns } from './connection-columns.tsx'
import { countsOf, fitsFilter, hostOf } from './connections.ts'
import { HostHeading } from './host-heading.tsx'
import { connectionsMax, type LoadedConnections, loadConnections } from './load-connections.ts'

/** Many are a lot to write, send and show. */
const many = 1000
const everyMs = { few: 2000, many: 10_000 }
const changeRestMs = 1000

/** Who is connected, and what they do. */
export function WorkersPage(): JSX.Element {
  const [asked, choose] = useQuery('show')
  const [filter] = useQuery('q')
  const show = asked === 'all' ? 'all' : 'workers'
  const { value, error, reload } = useConnections(show)
  const mayClose = mayEverywhere('admin')
  const columns = useMemo(() => connectionColumns(mayClose, reload), [mayClose, reload])
  const found = useMemo(() => value?.connections.filter((each) => fitsFilter(each, filter)), [value, filter])
  return (
    <Page
      title="Workers"
      heading="Workers and connections"
      actions={
        <>
          <FilterField label="Filter by client id, address, function, who" placeholder="Filter" />
          <Shown show={show} onChoose={(next) => choose(next === 'workers' ? '' : next)} />
        </>
      }
    >
      <Figures connections={found} show={show} />
      {value?.isWhole === false ? (
        <p class="banner tone-warn">There are more than {count(connectionsMax)}; the first are shown.</p>
      ) : null}
      {found === undefined && error !== undefined ? <Failure error={error} onRetry={reload} /> : null}
      {found === undefined && error === undefined ? <Loading /> : null}
      {found === undefined ? null : (
        <Table
          caption={show === 'all' ? 'Connections by host' : 'Workers by host'}
          columns={columns}
          rows={found}
          rowKey={({ id }) => String(id)}
          sort="client"
          grouping={{ nameOf: hostOf, heading: hostHeading, isByName: true }}
          empty={<Nobody show={show} filter={filter} total={value?.connections.length ?? 0} />}
        />
      )}
    </Page>
  )
}

function useConnections(show: 'workers' | 'all'): Resource<LoadedConnections> {
  const areMany = useSignal(false)
  const load = async (signal: AbortSignal) => {
    const loaded = await loadConnections(show, signal)
    areMany.value = loaded.connections.length > many
    return loaded
  }
  const resource = useResource(show, load, areMany.value ? everyMs.many : everyMs.few)
  useChanges(({ kind }) => kind === 'workers', resource.reload, areMany.value ? everyMs.many : changeRestMs)
  return resource
}

function hostHeading(host: string, connections: readonly ConnectionState[]): JSX.Element {
  return <HostHeading host={host} connections={connections} />
}

function Shown(props: {
  readonly show: 'workers' | 'all'
  readonly onChoose: (show: 'workers' | 'all') => void
}): JSX.Element {
  return (
    <fieldset class="worker-switch">
      <legend class="visually-hidden">Which connections are shown</legend>
      {choices.map(([show, text]) => (
        <label key={show} class="inline">
          <input type="radio" name="show" checked={props.show === show} onChange={() => props.onChoose(show)} />
          {text}
        </label>
      ))}
    </fieldset>
  )
}

const choices = [
  ['workers', 'Workers'],
  ['all', 'All connections'],
] as const

/** Of those that the filter lets through. Their room is there before they are. */
function Figures(props: {
  readonly connections: readonly ConnectionState[] | undefined
  readonly show: 'workers' | 'all'
}): JSX.Element {
  const counts = props.connections && countsOf(props.connections)
  const rows: readonly (readonly [string, number | undefined])[] = [
    ['Workers', counts?.workers],
    ['Busy', counts?.busy],
    ['Idle', counts?.idle],
    ['Hosts', counts?.hosts],
  ]
  return (
    <dl class="worker-figures">
      {(props.show === 'all' ? [...rows, ['Clients', counts?.clients] as const] : rows).map(([name, value]) => (
        <div key={name} class="card">
          <dt>{name}</dt>
          <dd>{value === undefined ? '–' : count(value)}</dd>
        </div>
      ))}
    </dl>
  )
}

function Nobody(props: {
  readonly show: 'workers' | 'all'
  readonly filter: string
  readonly total: number
}): JSX.Element {
  const { show, filter, total } = props
  if (total > 0) {
    const whose = counted(total, show === 'all' ? 'connection' : 'worker')
    return <Empty title={`None of ${whose} fits the filter`}>{`“${filter.slice(0, 200)}”`}</Empty>
  }
  if (show === 'all') return <Empty title="Nobody is connected" command="geartrain work reverse -- rev" />
  return (
    <Empty title="No worker is connected" command="geartrain work reverse -- rev">
      Jobs wait until there is one. This one does the jobs of the function “reverse” with the command “rev”:
    </Empty>
  )
}
