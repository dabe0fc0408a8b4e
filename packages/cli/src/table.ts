import { bold } from './colours.ts'
import { clip, fit, textWidth } from './text.ts'

/** However narrow the terminal is, so much of the last column is shown. */
const lastWidthMin = 10

/** A column with its head, and what it has of a row. */
export type Column<Row> = readonly [head: string, cell: (row: Row) => string | number]

/** The lines of a table with its heads. The last column is cut where the lines would get wider than `width`. */
export function formatTable<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  width: number = Number.POSITIVE_INFINITY,
): string[] {
  const heads = columns.map(([head]) => head)
  const cells = cutLast([heads, ...rows.map((row) => columns.map(([, cell]) => String(cell(row))))], width)
  const [first = '', ...lines] = align(cells)
  return [bold(first), ...lines]
}

/** Columns of digits to the right, the others to the left. */
export function align(rows: readonly (readonly string[])[]): string[] {
  const columns = rows[0]?.map((_, column) => rows.map((row) => row[column] ?? '')) ?? []
  const widths = columns.map((cells) => cells.reduce((width, cell) => Math.max(width, textWidth(cell)), 0))
  const areDigits = columns.map((cells) => cells.slice(1).every((cell) => /^\d+$/.test(cell)))
  return rows.map((row) =>
    row
      .map((cell, column) => fit(cell, widths[column] ?? 0, areDigits[column]))
      .join('  ')
      .trimEnd(),
  )
}

function cutLast(rows: readonly (readonly string[])[], width: number): readonly (readonly string[])[] {
  if (width === Number.POSITIVE_INFINITY) return rows
  const mark = '|'
  const [beforeLast = ''] = align(rows.map((row) => [...row.slice(0, -1), mark]))
  const room = Math.max(lastWidthMin, width - textWidth(beforeLast) + mark.length)
  return rows.map((row) => [...row.slice(0, -1), clip(row.at(-1) ?? '', room)])
}

/** A name that somebody else chose: what a terminal can't show, or would obey, is escaped, and what looks like two. */
export function showText(text: string): string {
  if (/^[\p{L}\p{N}\p{P}\p{S}]+$/u.test(text) && !text.includes('\ufffd')) return text
  // JSON leaves some alone, such as U+009B, which begins a terminal's command.
  return JSON.stringify(text).replace(
    /[\p{C}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  )
}
