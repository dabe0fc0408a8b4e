import { bold } from './colours.ts'
import { fit, textWidth } from './text.ts'

/** A column with its head, and what it has of a row. */
export type Column<Row> = readonly [head: string, cell: (row: Row) => string | number]

/** The lines of a table with its heads. */
export function formatTable<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string[] {
  const heads = columns.map(([head]) => head)
  const [first = '', ...lines] = align([heads, ...rows.map((row) => columns.map(([, cell]) => String(cell(row))))])
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

/** A name that somebody else chose: what a terminal can't show, or would obey, is escaped, and what looks like two. */
export function showText(text: string): string {
  if (/^[\p{L}\p{N}\p{P}\p{S}]+$/u.test(text) && !text.includes('\ufffd')) return text
  // JSON leaves some alone, such as U+009B, which begins a terminal's command.
  return JSON.stringify(text).replace(
    /[\p{C}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  )
}
