import { type Machine, machineLine } from './machine.ts'
import type { RowResult } from './measure.ts'
import { type Metric, metrics } from './metrics.ts'
import { rows } from './rows.ts'
import { type SetName, sets } from './sets.ts'

/*
 * A table for each set of rows, and in it a line per metric with the servers side by side: what is compared stands
 * beside each other, and a row shows only what it measures. A ratio is marked with "!" if the first of the two is behind.
 */

const TEXT_COLUMNS = 2
const NUMBER_WIDTH = 11

export function textHeader(set: SetName): string {
  return `${textLine(set, titles(set))}\n${widths(set)
    .map((width) => '-'.repeat(width))
    .join('  ')}`
}

export function textRows(result: RowResult): string {
  return cellRows(result)
    .map((cells) => textLine(result.row.set, cells))
    .join('\n')
}

function textLine(set: SetName, cells: readonly string[]): string {
  return cells
    .map((cell, index) => {
      const width = widths(set)[index] ?? 0
      return index < TEXT_COLUMNS ? cell.padEnd(width) : cell.padStart(width)
    })
    .join('  ')
    .trimEnd()
}

function widths(set: SetName): number[] {
  const texts = [rows.filter((row) => row.set === set).map((row) => row.name), metrics.map((metric) => metric.label)]
  return titles(set).map((title, index) => {
    const longest = texts[index]?.map((text) => text.length) ?? [NUMBER_WIDTH]
    return Math.max(title.length, ...longest)
  })
}

/** The tables of all sets that were measured. */
export function markdown(machine: Machine, command: string, results: readonly RowResult[]): string {
  const measured = [...new Set(results.map((result) => result.row.set))]
  return [
    `Measured on ${machine.date} with \`${command}\`: ${machineLine(machine)}.`,
    ...measured.map((set) =>
      markdownTable(
        set,
        results.filter((result) => result.row.set === set),
      ),
    ),
  ].join('\n\n')
}

function markdownTable(set: SetName, results: readonly RowResult[]): string {
  const heads = titles(set)
  return [
    `| ${heads.join(' | ')} |`,
    `|${heads.map((_, index) => (index < TEXT_COLUMNS ? '---' : '---:')).join('|')}|`,
    ...results.flatMap((result) => cellRows(result).map((cells) => `| ${cells.join(' | ')} |`)),
    '',
    sets[set].legend,
  ].join('\n')
}

function titles(set: SetName): string[] {
  const { columns, ratios } = sets[set]
  return ['work', 'measure', ...columns.map((column) => column.title), ...ratios.map((ratio) => ratio.title)]
}

function cellRows(result: RowResult): string[][] {
  const { columns, ratios } = sets[result.row.set]
  const lines: string[][] = []
  for (const metric of metrics) {
    const values = columns.map((column) => valueOf(result, column.title, metric))
    if (values.every((value) => value === undefined)) continue
    const compared = ratios.map(({ of, by }) => ratio(metric, valueOf(result, of, metric), best(result, by, metric)))
    lines.push([lines.length === 0 ? result.row.name : '', metric.label, ...values.map(amount), ...compared])
  }
  return lines.length > 0 ? lines : [[result.row.name, 'nothing', ...columns.map(() => '-'), ...ratios.map(() => '')]]
}

function valueOf(result: RowResult, title: string, metric: Metric): number | undefined {
  const outcome = result.outcomes[title]
  return outcome !== undefined && 'median' in outcome ? outcome.median[metric.name] : undefined
}

function best(result: RowResult, titles: readonly string[], metric: Metric): number | undefined {
  const values = titles.map((title) => valueOf(result, title, metric)).filter((value) => value !== undefined)
  return values.sort((a, b) => (metric.better === 'more' ? b - a : a - b))[0]
}

function ratio(metric: Metric, ours: number | undefined, theirs: number | undefined): string {
  if (ours === undefined || theirs === undefined) return ''
  const rounded = Number((ours / theirs).toFixed(2))
  const isBehind = metric.better === 'more' ? rounded < 1 : rounded > 1
  return `${rounded.toFixed(2)}${isBehind ? ' !' : '  '}`
}

/** Three digits that mean something, more only before the point. */
function amount(value: number | undefined): string {
  if (value === undefined) return '-'
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}
