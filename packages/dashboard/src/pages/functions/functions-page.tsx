import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { live } from '../../live/live.ts'
import { FilterBar, shownOf } from '../../parts/filter-bar.tsx'
import { FilterField } from '../../parts/filter-field.tsx'
import { FirstSteps } from '../../parts/first-steps.tsx'
import { Empty, Loading } from '../../parts/notice.tsx'
import { Page } from '../../parts/page.tsx'
import { Table } from '../../parts/table.tsx'
import { useQuery } from '../../parts/use-query.ts'
import { may } from '../../session/session.ts'
import { useDoneHistory } from './done-history.tsx'
import { functionColumns } from './function-columns.tsx'
import { type FunctionRow, filtered, grouped, spreadSelection } from './function-rows.ts'
import { isOpen } from './name-cell.tsx'
import { SelectedActions } from './selected-actions.tsx'

const noRows: readonly FunctionRow[] = []

export function FunctionsPage(): JSX.Element {
  useDoneHistory()
  return (
    <Page title="Functions">
      {!live.isKnown.value ? <Loading /> : live.functions.value.size === 0 ? <NoFunctions /> : <AllFunctions />}
    </Page>
  )
}

function AllFunctions(): JSX.Element {
  const [filter] = useQuery('q')
  const [group, setGroup] = useQuery('group')
  const [selected, select] = useState<ReadonlySet<string>>(new Set())
  const isGrouped = group === 'prefix'
  const all = live.functions.value
  const found = filtered(all.values(), filter)
  const rows = isGrouped ? grouped(found) : found
  const change = (keys: ReadonlySet<string>) => select(spreadSelection(selected, keys, rows))
  return (
    <>
      <FilterBar shown={shownOf(found.length, all.size, 'function')}>
        <FilterField label="Filter functions" placeholder="Part of the name, or mail.*" />
        <label class="inline">
          <input
            type="checkbox"
            checked={isGrouped}
            onChange={({ currentTarget }) => setGroup(currentTarget.checked ? 'prefix' : '')}
          />
          Group by prefix
        </label>
      </FilterBar>
      <div class="functions-table">
        <Table
          caption="Functions"
          columns={functionColumns}
          rows={rows}
          rowKey={({ name }) => name}
          sort="name"
          empty={<Empty title={`No function is called so: ${filter}`} />}
          {...(isGrouped ? { childrenOf: shownMembers } : {})}
          {...(may('operate') ? { selection: { keys: selected, onChange: change } } : {})}
        />
      </div>
      <SelectedActions names={found.map(({ name }) => name).filter((name) => selected.has(name))} onClear={select} />
    </>
  )
}

function shownMembers({ name, members }: FunctionRow): readonly FunctionRow[] {
  return members !== undefined && isOpen(name) ? members : noRows
}

function NoFunctions(): JSX.Element {
  return (
    <>
      <Empty title="There are no functions yet">
        One is there as soon as a worker can do it, or someone submits a job of it.
      </Empty>
      <FirstSteps />
    </>
  )
}
