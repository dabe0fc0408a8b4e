import type { ScheduleState } from '@geartrain/protocol'
import type { JSX } from 'preact'
import { useMemo, useState } from 'preact/hooks'
import { get } from '../../api/api.ts'
import { useResource } from '../../api/use-resource.ts'
import { FilterField } from '../../parts/filter-field.tsx'
import { Empty, Failure, Loading } from '../../parts/notice.tsx'
import { Page } from '../../parts/page.tsx'
import { Table } from '../../parts/table.tsx'
import { useChanges } from '../../parts/use-changes.ts'
import { useQuery } from '../../parts/use-query.ts'
import { may } from '../../session/session.ts'
import { counted } from '../../text/numbers.ts'
import { scheduleColumns } from './schedule-columns.tsx'
import { ScheduleDialog } from './schedule-dialog.tsx'

/** Changes are told; this is for those that are not told to everybody. */
const everyMs = 30_000

/** All schedules: when they come next, and what has become of their last runs. */
export function SchedulesPage(): JSX.Element {
  const [filter] = useQuery('q')
  const [isAdding, setAdding] = useState(false)
  const { value, error, reload } = useResource(
    'schedules',
    (signal) => get<{ readonly schedules: readonly ScheduleState[] }>('schedules', {}, signal),
    everyMs,
  )
  useChanges(({ kind }) => kind === 'schedule', reload)
  const columns = useMemo(() => scheduleColumns(reload), [reload])
  const found = value?.schedules.filter((schedule) => fitsFilter(schedule, filter))
  return (
    <Page
      title="Schedules"
      actions={
        <>
          <FilterField label="Filter by name or function" placeholder="Filter" />
          {may('operate') ? (
            <button type="button" class="button primary" onClick={() => setAdding(true)}>
              Add a schedule
            </button>
          ) : null}
        </>
      }
    >
      {found === undefined && error !== undefined ? <Failure error={error} onRetry={reload} /> : null}
      {found === undefined && error === undefined ? <Loading /> : null}
      {found === undefined ? null : (
        <Table
          caption="Schedules"
          columns={columns}
          rows={found}
          rowKey={({ name }) => name}
          sort="next"
          empty={<NoSchedule filter={filter} total={value?.schedules.length ?? 0} />}
        />
      )}
      {isAdding ? <ScheduleDialog onClose={() => setAdding(false)} onSaved={reload} /> : null}
    </Page>
  )
}

function fitsFilter({ name, function: functionName }: ScheduleState, filter: string): boolean {
  const text = `${name}\n${functionName}`.toLowerCase()
  return text.includes(filter.trim().toLowerCase())
}

function NoSchedule({ filter, total }: { readonly filter: string; readonly total: number }): JSX.Element {
  if (total > 0) {
    return <Empty title={`None of ${counted(total, 'schedule')} fits the filter`}>{`“${filter.slice(0, 200)}”`}</Empty>
  }
  return (
    <Empty
      title="There is no schedule"
      command="geartrain schedule add nightly report --cron '0 3 * * *' --timezone Europe/Berlin"
    >
      A schedule submits a job at its times: by cron, every so often, or once.
    </Empty>
  )
}
