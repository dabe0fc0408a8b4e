import type { ScheduleState } from '@geartrain/protocol'
import type { JSX } from 'preact'
import { useMemo, useState } from 'preact/hooks'
import { get } from '../../api/api.ts'
import { useResource } from '../../api/use-resource.ts'
import { FilterBar, shownOf } from '../../parts/filter-bar.tsx'
import { FilterField } from '../../parts/filter-field.tsx'
import { Loaded } from '../../parts/loaded.tsx'
import { Empty } from '../../parts/notice.tsx'
import { Page } from '../../parts/page.tsx'
import { Table } from '../../parts/table.tsx'
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
  const schedules = useResource(
    'schedules',
    (signal) => get<{ readonly schedules: readonly ScheduleState[] }>('schedules', {}, signal),
    { everyMs, isChangedBy: ({ kind }) => kind === 'schedule' },
  )
  const { value, reload } = schedules
  const columns = useMemo(() => scheduleColumns(reload), [reload])
  const total = value?.schedules.length ?? 0
  const found = value?.schedules.filter((schedule) => fitsFilter(schedule, filter))
  return (
    <Page
      title="Schedules"
      actions={
        may('operate') ? (
          <button type="button" class="button primary" onClick={() => setAdding(true)}>
            Add a schedule
          </button>
        ) : undefined
      }
    >
      <FilterBar shown={found && shownOf(found.length, total, 'schedule')}>
        <FilterField label="Filter schedules" placeholder="Name or function" />
      </FilterBar>
      <Loaded from={{ ...schedules, value: found }}>
        {(some) => (
          <Table
            caption="Schedules"
            columns={columns}
            rows={some}
            rowKey={({ name }) => name}
            sort="next"
            empty={<NoSchedule filter={filter} total={total} />}
          />
        )}
      </Loaded>
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
