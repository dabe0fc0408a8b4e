import type { History, HistoryColumn, HistoryRange } from '@geartrain/protocol'
import { rate, shortCount } from '../text/numbers.ts'
import { duration } from '../text/times.ts'

export interface RangeRow {
  readonly range: HistoryRange
  readonly text: string
  /** A step of it, and so how often there is something new. */
  readonly stepMs: number
}

const second = 1000
const minute = 60 * second
const hour = 60 * minute

export const rangeRows: readonly RangeRow[] = [
  { range: '15m', text: '15 min', stepMs: 10 * second },
  { range: '1h', text: '1 h', stepMs: 10 * second },
  { range: '6h', text: '6 h', stepMs: minute },
  { range: '24h', text: '24 h', stepMs: 5 * minute },
  { range: '7d', text: '7 d', stepMs: 30 * minute },
]

const rangeDefault: RangeRow = { range: '1h', text: '1 h', stepMs: 10 * second }

/** The row of a range that an address names; of none that there is: the default. */
export function rangeRowOf(name: string): RangeRow {
  return rangeRows.find(({ range }) => range === name) ?? rangeDefault
}

/** What the values of a chart are. */
export type Measure = 'rate' | 'count' | 'time'

export interface MeasureRow {
  readonly format: (value: number) => string
  /** Distances of the lines across a chart: whole ones, of times such as clocks have. Undefined: whatever fits. */
  readonly increments: readonly number[] | undefined
}

export const measures: Readonly<Record<Measure, MeasureRow>> = {
  rate: { format: rate, increments: undefined },
  count: {
    format: shortCount,
    increments: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].flatMap((power) => [1, 2, 5].map((each) => each * 10 ** power)),
  },
  time: {
    format: duration,
    increments: [
      ...[1, 10, 100].flatMap((power) => [power, 2 * power, 5 * power]),
      ...[1, 2, 5, 10, 20, 30].map((each) => each * second),
      ...[1, 2, 5, 10, 20, 30].map((each) => each * minute),
      ...[1, 2, 5, 10, 20, 50, 100, 200, 500].map((each) => each * hour),
    ],
  },
}

/** A token of the style whose colour a line has. */
export type LineColour = 'info' | 'good' | 'bad-strong' | 'warn' | 'active' | 'line-strong' | 'accent'

export interface LineRow {
  readonly column: HistoryColumn
  readonly label: string
  /** Where its chart is not named: `wait p50`. */
  readonly fullLabel?: string
  readonly colour: LineColour
  /** It is drawn with the area below it: to be told from the others also without its colour. */
  readonly isArea?: boolean
}

export interface ChartRow {
  readonly title: string
  readonly measure: Measure
  readonly lines: readonly LineRow[]
}

/** Every chart. */
export const chartRows: readonly ChartRow[] = [
  {
    title: 'Jobs in and out a second',
    measure: 'rate',
    lines: [
      { column: 'submitted', label: 'submitted', colour: 'info', isArea: true },
      { column: 'done', label: 'done', colour: 'good' },
      { column: 'failed', label: 'failed', colour: 'bad-strong' },
      { column: 'retried', label: 'retried', colour: 'warn' },
    ],
  },
  {
    title: 'Waiting and running',
    measure: 'count',
    lines: [
      { column: 'ready', label: 'ready', colour: 'info', isArea: true },
      { column: 'delayed', label: 'delayed', colour: 'line-strong' },
      { column: 'running', label: 'running', colour: 'active' },
    ],
  },
  {
    title: 'Time to wait',
    measure: 'time',
    lines: [
      { column: 'waitP50Ms', label: 'p50', fullLabel: 'wait p50', colour: 'accent' },
      { column: 'waitP95Ms', label: 'p95', fullLabel: 'wait p95', colour: 'warn', isArea: true },
    ],
  },
  {
    title: 'Time to run',
    measure: 'time',
    lines: [
      { column: 'runP50Ms', label: 'p50', fullLabel: 'run p50', colour: 'accent' },
      { column: 'runP95Ms', label: 'p95', fullLabel: 'run p95', colour: 'warn', isArea: true },
    ],
  },
  { title: 'Dead', measure: 'count', lines: [{ column: 'dead', label: 'dead', colour: 'bad-strong', isArea: true }] },
  {
    title: 'Workers',
    measure: 'count',
    lines: [{ column: 'workers', label: 'workers', colour: 'good', isArea: true }],
  },
]

export type Values = readonly (number | null)[]

/** A history as it is drawn. */
export interface Plotted {
  /** When each step was over, in milliseconds; of the last one, if it is not, now. */
  readonly times: readonly number[]
  /** By the order of `chartRows` and of their lines. */
  readonly charts: readonly (readonly Values[])[]
}

/** The server takes its samples so often: less of a step is never told. */
const sampleMs = 10 * second

/** What is there before there is an answer, and if there is none. */
export const nothingPlotted: Plotted = { times: [], charts: chartRows.map(({ lines }) => lines.map(() => [])) }

/** `now` is the server's time. */
export function plotted({ from, stepMs, columns }: History, now: number): Plotted {
  const count = columns.submitted.length
  const lastFrom = from + (count - 1) * stepMs
  const lastMs = Math.min(stepMs, Math.max(sampleMs, now - lastFrom))
  const msOf = (index: number) => (index === count - 1 ? lastMs : stepMs)
  return {
    times: columns.submitted.map((_, index) => from + index * stepMs + msOf(index)),
    charts: chartRows.map(({ lines, measure }) =>
      lines.map(({ column }) => {
        const values = columns[column]
        if (measure !== 'rate') return values
        return values.map((value, index) => (value === null ? null : (value * 1000) / msOf(index)))
      }),
    ),
  }
}

/** Values that have a gap at either side, which no line goes through. */
export function lonelyOnes(values: Values): number[] {
  const isGap = (index: number) => (values[index] ?? null) === null
  return values.flatMap((_, index) => (!isGap(index) && isGap(index - 1) && isGap(index + 1) ? [index] : []))
}

/** The last value that is known; null: none is. */
export function lastOf(values: Values): number | null {
  return values.findLast((value) => value !== null) ?? null
}
