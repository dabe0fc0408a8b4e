import type { ControlOperations } from '@geartrain/protocol'
import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import { Link } from 'wouter-preact'
import { get } from '../../api/api.ts'
import { useResource } from '../../api/use-resource.ts'
import { useServerFlag } from '../../api/use-server-flag.ts'
import { connectionColumns } from '../../connections/connection-columns.tsx'
import { workersLink } from '../../links.ts'
import { Loaded } from '../../parts/loaded.tsx'
import { Empty } from '../../parts/notice.tsx'
import { Section } from '../../parts/page.tsx'
import { Table } from '../../parts/table.tsx'
import { fits } from '../../session/fits.ts'
import { mayEverywhere } from '../../session/session.ts'
import { nameWord } from '../../text/shell.ts'
import { type FunctionRow, isPattern } from './function-rows.ts'

const shownMax = 50
const everyMs = 5000
const shownKeys: ReadonlySet<string> = new Set(['client', 'state', 'jobs', 'opened', 'heard', 'action'])

/** Who can do it, and what they do. */
export function FunctionWorkers({ row }: { readonly row: FunctionRow }): JSX.Element {
  const { name } = row
  const found = useResource(
    row.workers + row.running === 0 ? undefined : name,
    (stop) => get<ControlOperations['connections']['answer']>('workers', { function: name, limit: shownMax }, stop),
    { everyMs, isChangedBy: (change) => change.kind === 'workers' && fits(name, change.function) },
  )
  const { reload } = found
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
          {found.value?.next === undefined ? '' : `The first ${shownMax}. `}
          <Link href={workersLink(isPattern(name) ? '' : name)}>To the workers</Link>
        </span>
      }
    >
      {row.workers + row.running === 0 ? (
        <NoWorker name={name} />
      ) : (
        <Loaded from={found}>
          {({ connections }) => (
            <Table
              caption="Workers that can do it"
              columns={columns}
              rows={connections}
              rowKey={({ id }) => String(id)}
              sortName="workers"
              empty={<NoWorker name={name} />}
            />
          )}
        </Loaded>
      )}
    </Section>
  )
}

function NoWorker({ name }: { readonly name: string }): JSX.Element {
  const flag = useServerFlag()
  if (isPattern(name)) return <p class="card muted">No worker can do any of them now.</p>
  return (
    <Empty title="No worker can do it now" command={`geartrain work${flag} ${nameWord(name)} -- cat`}>
      So starts one whose results are what it gets; any Gearman library does as well.
    </Empty>
  )
}
