import type { HistoryRange } from '@geartrain/protocol'
import type { JSX } from 'preact'
import { rangeRows } from './history-data.ts'

/** How far back charts go. */
export function RangePicker(props: {
  readonly range: HistoryRange
  readonly onChange: (range: HistoryRange) => void
}): JSX.Element {
  return (
    <div class="segments" role="group" aria-label="Time shown">
      {rangeRows.map(({ range, text }) => (
        <button key={range} type="button" aria-pressed={range === props.range} onClick={() => props.onChange(range)}>
          {text}
        </button>
      ))}
    </div>
  )
}
