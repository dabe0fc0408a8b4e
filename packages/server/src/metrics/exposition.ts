import { boundsMs } from './histogram.ts'

/**
 * Text in the format 0.0.4 of Prometheus. Labels are given as text that `labels` has made: those of a function are
 * written many times. prom-client's own writer takes seven times as long, in which nothing else is done.
 */
export class Exposition {
  #text = ''

  family(name: string, type: 'counter' | 'gauge' | 'histogram', help: string): void {
    this.#text += `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`
  }

  sample(name: string, labels: string, value: number): void {
    this.#text += labels === '' ? `${name} ${value}\n` : `${name}{${labels}} ${value}\n`
  }

  /** From a row that has a bucket for each bound, one for the rest, and then the sum in milliseconds, at that place. */
  times(name: string, labels: string, row: Float64Array, at: number): void {
    this.#histogram(name, labels, row, at, boundsSeconds, 1000)
  }

  /** The same for what is no time. */
  sizes(name: string, labels: string, row: Float64Array, bounds: readonly number[]): void {
    this.#histogram(name, labels, row, 0, bounds, 1)
  }

  /** What was written since it was last taken. */
  take(): string {
    const text = this.#text
    this.#text = ''
    return text
  }

  #histogram(
    name: string,
    labels: string,
    row: Float64Array,
    at: number,
    bounds: readonly number[],
    sumUnit: number,
  ): void {
    const before = labels === '' ? '' : `${labels},`
    let count = 0
    for (const [bucket, bound] of bounds.entries()) {
      count += row[at + bucket] ?? 0
      this.#text += `${name}_bucket{${before}le="${bound}"} ${count}\n`
    }
    count += row[at + bounds.length] ?? 0
    this.#text += `${name}_bucket{${before}le="+Inf"} ${count}\n`
    this.sample(`${name}_sum`, labels, (row[at + bounds.length + 1] ?? 0) / sumUnit)
    this.sample(`${name}_count`, labels, count)
  }
}

const boundsSeconds = boundsMs.map((ms) => ms / 1000)

export function labels(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}="${escape(value)}"`)
    .join(',')
}

function escape(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')
}
