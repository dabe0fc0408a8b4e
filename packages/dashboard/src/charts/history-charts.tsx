import type { History } from '@geartrain/protocol'
import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import { get } from '../api/api.ts'
import { useResource } from '../api/use-resource.ts'
import { Failure } from '../parts/notice.tsx'
import { Section } from '../parts/page.tsx'
import { Segments } from '../parts/segments.tsx'
import { useQuery } from '../parts/use-query.ts'
import { now } from '../text/use-now.ts'
import { Chart } from './chart.tsx'
import { chartRows, nothingPlotted, plotted, rangeRowOf, rangeRows } from './history-data.ts'
import { HistoryTable } from './history-table.tsx'

/** How it was: of a function, or of all together. The range, and whether it is a table, are in the page's address. */
export function HistoryCharts({ functionName }: { readonly functionName?: string }): JSX.Element {
  const [rangeName, setRange] = useQuery('range')
  const [form, setForm] = useQuery('history')
  const cursor = useSignal<number | undefined>(undefined)
  const { range, stepMs } = rangeRowOf(rangeName)
  const { value, error, reload } = useResource(
    JSON.stringify([range, functionName]),
    (signal) => get<History>('history', { range, function: functionName }, signal),
    { everyMs: stepMs },
  )
  const shown = useMemo(() => (value === undefined ? nothingPlotted : plotted(value, now.peek())), [value])
  const isTable = form === 'table'
  return (
    <Section
      title="History"
      actions={
        <div class="actions">
          <Segments
            label="Time shown"
            choices={rangeRows.map((row) => [row.range, row.text] as const)}
            chosen={range}
            onChoose={setRange}
          />
          <button type="button" class="button" aria-pressed={isTable} onClick={() => setForm(isTable ? '' : 'table')}>
            Show as table
          </button>
        </div>
      }
    >
      {error !== undefined && value === undefined ? (
        <Failure error={error} onRetry={reload} />
      ) : isTable ? (
        <HistoryTable {...shown} />
      ) : (
        <div class="charts">
          {chartRows.map((row, index) => (
            <Chart key={row.title} row={row} times={shown.times} columns={shown.charts[index] ?? []} cursor={cursor} />
          ))}
        </div>
      )}
    </Section>
  )
}
