import { fit, textWidth } from '../text.ts'

export interface Column<Row> {
  readonly title: string
  readonly cell: (row: Row) => string
  /** Where there is little room, those with the lowest number are left out first. */
  readonly rank: number
  readonly isNumber?: boolean
  readonly widthMin?: number
}

const gap = '  '
/** The first column is made narrower down to this before another one is left out. */
const firstWidthMin = 16
const rowsMeasuredMax = 1000

/**
 * A head and a line for each row, none wider than `width`. The first column is never left out. The columns are as wide as
 * `all` rows need, so that they stay where they are when others are shown.
 */
export function table<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  width: number,
  all: readonly Row[],
): string[] {
  const [first, ...others] = columns.map((column) => measure(column, all.length > rowsMeasuredMax ? rows : all))
  if (first === undefined) return []
  const kept = [...others]
  const rest = () => kept.reduce((sum, { width: own }) => sum + gap.length + own, 0)
  while (kept.length > 0 && Math.min(first.width, firstWidthMin) + rest() > width) {
    const least = kept.reduce((a, b) => (b.column.rank < a.column.rank ? b : a))
    kept.splice(kept.indexOf(least), 1)
  }
  const shown = [{ ...first, width: Math.min(first.width, width - rest()) }, ...kept]
  const line = (cell: (column: Column<Row>) => string) =>
    shown
      .map(({ column, width: own }) => fit(cell(column), own, column.isNumber))
      .join(gap)
      .trimEnd()
  return [line(({ title }) => title), ...rows.map((row) => line(({ cell }) => cell(row)))]
}

function measure<Row>(column: Column<Row>, rows: readonly Row[]): { column: Column<Row>; width: number } {
  const widths = rows.map((row) => textWidth(column.cell(row)))
  return { column, width: Math.max(column.widthMin ?? 0, textWidth(column.title), ...widths) }
}
