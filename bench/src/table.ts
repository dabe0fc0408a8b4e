import type { Machine } from './machine.ts'
import type { RowResult } from './measure.ts'
import { type Metric, metrics } from './metrics.ts'
import { rows } from './rows.ts'
import type { ServerName } from './servers.ts'

/*
 * A line per metric, with the servers side by side: what is compared stands beside each other, and a row shows only what
 * it measures. The ratio is geartrain's number by gearmand's; "!" marks those in which gearmand is ahead.
 */

const columns = ['work', 'measure', 'geartrain', 'gearmand', 'ratio', 'floor'] as const
const widths = [
  Math.max(...rows.map((row) => row.name.length)),
  Math.max(...metrics.map((metric) => metric.label.length)),
  11,
  11,
  8,
  11,
]
const TEXT_COLUMNS = 2

export const legend =
  'ratio: geartrain / gearmand, "!" where gearmand is ahead. floor: a relay that does no more than copy. ' +
  'server CPU: of the whole job, its drain included.'

export function textHeader(): string {
  return `${textLine(columns)}\n${widths.map((width) => '-'.repeat(width)).join('  ')}`
}

export function textRows(result: RowResult): string {
  return cellRows(result).map(textLine).join('\n')
}

function textLine(cells: readonly string[]): string {
  return cells
    .map((cell, index) => (index < TEXT_COLUMNS ? cell.padEnd(widths[index] ?? 0) : cell.padStart(widths[index] ?? 0)))
    .join('  ')
    .trimEnd()
}

export function markdown(machine: Machine, command: string, results: readonly RowResult[]): string {
  const lines = [
    `Measured on ${machine.date} with \`${command}\`: ${machine.cpu}, ${machine.cores} cores, ${machine.kernel}, ` +
      `Node ${machine.node}, gearmand ${machine.gearmand}.`,
    '',
    `| ${columns.join(' | ')} |`,
    `|${columns.map((_, index) => (index < TEXT_COLUMNS ? '---' : '---:')).join('|')}|`,
  ]
  for (const result of results) for (const cells of cellRows(result)) lines.push(`| ${cells.join(' | ')} |`)
  lines.push('', legend)
  return lines.join('\n')
}

function cellRows(result: RowResult): string[][] {
  const lines: string[][] = []
  for (const metric of metrics) {
    const ours = valueOf(result, 'geartrain', metric)
    const theirs = valueOf(result, 'gearmand', metric)
    const floor = valueOf(result, 'floor', metric)
    if (ours === undefined && theirs === undefined && floor === undefined) continue
    const name = lines.length === 0 ? result.row.name : ''
    lines.push([name, metric.label, amount(ours), amount(theirs), ratio(metric, ours, theirs), amount(floor)])
  }
  return lines.length > 0 ? lines : [[result.row.name, 'nothing', '-', '-', '', '-']]
}

function valueOf(result: RowResult, name: ServerName, metric: Metric): number | undefined {
  const outcome = result.outcomes[name]
  return outcome !== undefined && 'median' in outcome ? outcome.median[metric.name] : undefined
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
