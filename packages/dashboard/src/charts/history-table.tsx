import type { JSX } from 'preact'
import { Empty } from '../parts/notice.tsx'
import { type Column, Table } from '../parts/table.tsx'
import { brief, exact } from '../text/times.ts'
import { chartRows, measures, type Plotted } from './history-data.ts'

/** Steps shown, from the last one back. */
const stepsShown = 60

interface Step {
  readonly at: number
  readonly index: number
}

/** What the charts show, in words. */
export function HistoryTable({ times, charts }: Plotted): JSX.Element {
  const steps = times.map((at, index) => ({ at, index })).slice(-stepsShown)
  const columns: Column<Step>[] = [
    { key: 'at', title: 'Until', cell: ({ at }) => <time title={exact(at)}>{brief(at, times.at(-1) ?? at)}</time> },
    ...chartRows.flatMap(({ lines, measure }, chart) =>
      lines.map(({ column, label, fullLabel }, line): Column<Step> => {
        const values = charts[chart]?.[line] ?? []
        return {
          key: column,
          title: fullLabel ?? label,
          isNumber: true,
          cell: ({ index }) => {
            const value = values[index] ?? null
            return value === null ? <span class="muted">–</span> : measures[measure].format(value)
          },
        }
      }),
    ),
  ]
  return (
    // It is scrolled, also by keys.
    <div class="history-table" tabIndex={0} role="region" aria-label="History">
      <Table
        caption="The last steps of the history, the latest first"
        columns={columns}
        rows={steps.reverse()}
        rowKey={({ at }) => String(at)}
        empty={<Empty title="There is no history yet" />}
      />
    </div>
  )
}
