import type { ControlOperations } from '@geartrain/protocol'
import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import { Link } from 'wouter-preact'
import { get } from '../../api/api.ts'
import { useResource } from '../../api/use-resource.ts'
import { workersLink } from '../../links.ts'
import { Empty, Failure, Loading } from '../../parts/notice.tsx'
import { Section } from '../../parts/page.tsx'
import { Table } from '../../parts/table.tsx'
import { useChanges } from '../../parts/use-changes.ts'
import { fits, mayEverywhere } from '../../session/session.ts'
import { shellWord } from '../../text/shell.ts'
import { connectionColumns } from '../workers/connection-columns.tsx'
import { type FunctionRow, isPattern } from './function-rows.ts'
import { useServerFlag } from './use-server-flag.ts'

const shownMax = 50
const everyMs = 5000
const shownKeys: ReadonlySet<string> = new Set(['client', 'state', 'jobs', 'opened', 'heard', 'action'])

/** Who can do it, and what they do. */
export function FunctionWorkers({ row }: { readonly row: FunctionRow }): JSX.Element {
  const { name } = row
  const { value, error, reload } = useResource(
    row.workers + row.running === 0 ? undefined : name,
    (stop) => get<ControlOperations['connections']['answer']>('workers', { function: name, limit: shownMax }, stop),
    everyMs,
  )
  useChanges((change) => change.kind === 'workers' && fits(name, change.function), reload)
  const mayClose = mayEverywhere('admin')
  const columns = useMemo(
    () => connectionColumns(mayClose, reload).filter(({ key }) => shownKeys.has(key)),
    [mayClose, reload],
  )
  return (
    <Section
      title="Workers"
      actions={
        <span class="muted">
          {value?.next === undefined ? '' : `The first ${shownMax}. `}
          <Link href={workersLink(isPattern(name) ? '' : name)}>To the workers</Link>
        </span>
      }
    >
      {row.workers + row.running === 0 ? (
        <NoWorker name={name} />
      ) : value === undefined ? (
        error === undefined ? (
          <Loading />
        ) : (
          <Failure error={error} onRetry={reload} />
        )
      ) : (
        <Table
          caption="Workers that can do it"
          columns={columns}
          rows={value.connections}
          rowKey={({ id }) => String(id)}
          sortName="workers"
          empty={<NoWorker name={name} />}
        />
      )}
    </Section>
  )
}

function NoWorker({ name }: { readonly name: string }): JSX.Element {
  const flag = useServerFlag()
  if (isPattern(name)) return <p class="card muted">No worker can do any of them now.</p>
  return (
    <Empty title="No worker can do it now." command={`geartrain work${flag} ${shellWord(name)} -- cat`}>
      So starts one whose results are what it gets; any Gearman library does as well.
    </Empty>
  )
}
