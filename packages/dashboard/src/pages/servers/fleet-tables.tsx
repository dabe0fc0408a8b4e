import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import { shownOf } from '../../parts/filter-bar.tsx'
import { Empty } from '../../parts/notice.tsx'
import { Table } from '../../parts/table.tsx'
import { useQuery } from '../../parts/use-query.ts'
import { sum } from '../../rows.ts'
import { counted } from '../../text/numbers.ts'
import type { FunctionRow, ServerRow, WorkerRow } from './fleet.ts'
import { fittingFunctions, fittingWorkers, grouped } from './fleet-rows.ts'
import { functionColumns } from './function-columns.tsx'
import { isOpen } from './opened.ts'
import { serverColumns } from './server-columns.tsx'
import { workerColumns } from './worker-columns.tsx'

interface Shown {
  readonly servers: readonly ServerRow[]
  /** The way to choose which they are. */
  readonly choice: JSX.Element
}

const noRows: readonly FunctionRow[] = []

export function FunctionTable({ servers, choice }: Shown): JSX.Element {
  const [filter] = useQuery('q')
  const [only] = useQuery('only')
  const [group] = useQuery('group')
  const isOrphan = only === 'no-worker'
  const by = group === 'server' || group === 'function' ? group : undefined
  const found = useMemo(() => fittingFunctions(servers, filter, isOrphan), [servers, filter, isOrphan])
  const rows = useMemo(() => (by === undefined ? found : grouped(found, by)), [found, by])
  const total = sum(servers, ({ functions }) => functions.length)
  const members = (row: FunctionRow) => (row.members !== undefined && isOpen(row) ? row.members : noRows)
  return (
    <>
      <ShownCount choice={choice}>{shownOf(found.length, total, 'function')}</ShownCount>
      <Table
        caption="Functions of the servers"
        columns={functionColumns}
        rows={rows}
        rowKey={({ key }) => key}
        sort="-queued"
        empty={<NoFunctions total={total} filter={filter} isOrphan={isOrphan} />}
        {...(by === undefined ? {} : { childrenOf: members })}
      />
    </>
  )
}

export function WorkerTable({ servers, choice }: Shown): JSX.Element {
  const [filter] = useQuery('q')
  const [group] = useQuery('group')
  const found = useMemo(() => fittingWorkers(servers, filter), [servers, filter])
  const total = sum(servers, ({ workers }) => workers.length)
  return (
    <>
      <ShownCount choice={choice}>{shownOf(found.length, total, 'worker')}</ShownCount>
      <Table
        caption="Workers of the servers"
        columns={workerColumns}
        rows={found}
        rowKey={({ key }) => key}
        sort="client"
        sortName="worker-sort"
        empty={<NoWorkers total={total} filter={filter} />}
        {...(group === 'server' ? { grouping: { nameOf: serverOf, heading: workerHeading, isByName: true } } : {})}
      />
    </>
  )
}

/** The choice of servers, and how much of what they have is shown. */
function ShownCount({ choice, children }: Pick<Shown, 'choice'> & { readonly children: string }): JSX.Element {
  return (
    <div class="fleet-shown">
      {choice}
      <p class="muted" role="status">
        {children}
      </p>
    </div>
  )
}

export function ServerTable({ servers, choice }: Shown): JSX.Element {
  return (
    <>
      <div class="fleet-shown">{choice}</div>
      <div class="servers-table">
        <Table
          caption="Servers"
          columns={serverColumns}
          rows={servers}
          rowKey={({ key }) => key}
          sortName="server-sort"
          empty={<Empty title="There is no server" />}
        />
      </div>
    </>
  )
}

function serverOf({ server }: WorkerRow): string {
  return server
}

function workerHeading(server: string, workers: readonly WorkerRow[]): JSX.Element {
  const hosts = new Set(workers.map(({ address }) => address)).size
  return (
    <>
      <strong class="fleet-server">{server}</strong>
      <span>{counted(workers.length, 'worker')}</span>
      <span>{counted(hosts, 'address', 'addresses')}</span>
    </>
  )
}

function NoFunctions(props: {
  readonly total: number
  readonly filter: string
  readonly isOrphan: boolean
}): JSX.Element {
  const { total, filter, isOrphan } = props
  if (total === 0) {
    return (
      <Empty title="No function is known there">
        One is there as soon as a worker can do it, or someone submits a job of it.
      </Empty>
    )
  }
  if (filter === '' && isOrphan) return <Empty title="Every function that has jobs has a worker" />
  return <Empty title={`None of ${counted(total, 'function')} fits the filter`}>{`“${filter.slice(0, 200)}”`}</Empty>
}

function NoWorkers({ total, filter }: { readonly total: number; readonly filter: string }): JSX.Element {
  if (total === 0) return <Empty title="No worker is connected there" />
  return <Empty title={`None of ${counted(total, 'worker')} fits the filter`}>{`“${filter.slice(0, 200)}”`}</Empty>
}
