import type { FailureReason } from '@geartrain/engine'
import type { Percentiles } from '@geartrain/protocol'
import { bucketCount, bucketOf, quantile } from './histogram.ts'

/** What is counted of a function, by its place in the row. A new one goes before the times, and to `function-families.ts`. */
export const counter = {
  submittedForeground: 0,
  submittedBackground: 1,
  joined: 2,
  done: 3,
  died: 4,
  expired: 5,
  cancelled: 6,
  abandoned: 7,
} as const
/** Then those that have a reason, by that. */
export const reasons: readonly FailureReason[] = ['failed', 'exception', 'timeout', 'lost']
export const failedAt = 8
export const retriedAt: number = failedAt + reasons.length
/** Then times: buckets, and the sum in milliseconds. */
export const waitAt: number = retriedAt + reasons.length
export const runAt: number = waitAt + bucketCount + 1
const rowLength = runAt + bucketCount + 1

/** What there are rates of. */
export const flows = { submitted: 0, done: 1, failed: 2, retried: 3 } as const
export type Flow = keyof typeof flows
const flowCount = Object.keys(flows).length

/** The seconds that are remembered one by one; a power of 2. */
const secondsKept = 64
/** Times are told of the latest two of these. */
const periodMs = 30_000

const quietMs = 2 * periodMs + 5000
/** So many attempts must have ended to say how long they usually take. */
const usualRunsMin = 20

/** The figures of one function, or of several together. They only grow; what they say of the present follows from them. */
export class FunctionFigures {
  readonly name: string
  /** It has series of its own in /metrics. */
  readonly hasSeries: boolean
  readonly row: Float64Array = new Float64Array(rowLength)
  /** How often something was counted. */
  changes = 0
  /** When the last worker that could do it left, in the engine's time; 0: none has. */
  workersLeftAt = 0
  readonly #seconds = new Uint32Array(secondsKept * flowCount)
  /** The last one that something was counted in. */
  #second = 0
  /** The times as they were when this period began, and the one before it. */
  #recent = new Float64Array(rowLength - waitAt)
  #older = new Float64Array(rowLength - waitAt)
  #periodAt = 0

  constructor(name: string, hasSeries: boolean) {
    this.name = name
    this.hasSeries = hasSeries
  }

  count(at: number): void {
    this.changes++
    this.row[at] = (this.row[at] ?? 0) + 1
  }

  countFlow(flow: number, now: number): void {
    const second = Math.floor(now / 1000)
    if (second > this.#second) this.#moveOn(second)
    const at = (second & (secondsKept - 1)) * flowCount + flow
    this.#seconds[at] = (this.#seconds[at] ?? 0) + 1
  }

  /** `at` is `waitAt` or `runAt`. */
  countTime(at: number, ms: number, now: number): void {
    if (now - this.#periodAt >= periodMs) this.#turnPeriod(now)
    this.count(at + bucketOf(ms))
    const sum = at + bucketCount
    this.row[sum] = (this.row[sum] ?? 0) + ms
  }

  /** So many a second, over the last so many whole ones; at most a minute. */
  rate(flow: Flow, seconds: number, now: number): number {
    return this.recent(flow, seconds, now) / seconds
  }

  /** So many in those. */
  recent(flow: Flow, seconds: number, now: number): number {
    const current = Math.floor(now / 1000)
    if (this.#second < current - seconds) return 0
    let count = 0
    for (let second = Math.max(0, current - seconds); second < current; second++) {
      const isRemembered = second <= this.#second && second > this.#second - secondsKept
      if (isRemembered) count += this.#seconds[(second & (secondsKept - 1)) * flowCount + flows[flow]] ?? 0
    }
    return count
  }

  /** From when jobs could be begun until a worker had them, in the last minute or two; undefined: there were none. */
  wait(now: number): Percentiles | undefined {
    return this.#percentiles(waitAt, now)
  }

  /** The same of attempts, from begin to end. */
  run(now: number): Percentiles | undefined {
    return this.#percentiles(runAt, now)
  }

  /** What 95 of 100 attempts have not exceeded since the server's start; undefined: there were too few. */
  get usualRunMs(): number | undefined {
    const counts = this.row.subarray(runAt, runAt + bucketCount)
    return counts.reduce((sum, count) => sum + count, 0) < usualRunsMin ? undefined : quantile(counts, 0.95)
  }

  #percentiles(at: number, now: number): Percentiles | undefined {
    if (now - this.#periodAt >= 2 * periodMs) return undefined
    const counts = this.row.slice(at, at + bucketCount)
    for (let bucket = 0; bucket < bucketCount; bucket++) {
      counts[bucket] = (counts[bucket] ?? 0) - (this.#older[at - waitAt + bucket] ?? 0)
    }
    const p50Ms = quantile(counts, 0.5)
    const p95Ms = quantile(counts, 0.95)
    return p50Ms === undefined || p95Ms === undefined ? undefined : { p50Ms, p95Ms }
  }

  /** Nothing that it says of the present changes by itself any more. */
  isQuiet(now: number): boolean {
    return now - Math.max(this.#periodAt, this.#second * 1000) > quietMs
  }

  /** Those of another one as well. */
  add({ row }: FunctionFigures): void {
    for (const [at, value] of row.entries()) this.row[at] = (this.row[at] ?? 0) + value
  }

  get submitted(): number {
    return this.value(counter.submittedForeground) + this.value(counter.submittedBackground)
  }

  get failed(): number {
    return this.#sumOfReasons(failedAt)
  }

  get retried(): number {
    return this.#sumOfReasons(retriedAt)
  }

  value(at: number): number {
    return this.row[at] ?? 0
  }

  #sumOfReasons(from: number): number {
    let sum = 0
    for (let at = from; at < from + reasons.length; at++) sum += this.value(at)
    return sum
  }

  /** Seconds that come round again begin with nothing. */
  #moveOn(second: number): void {
    const first = Math.max(this.#second + 1, second - secondsKept + 1)
    for (let next = first; next <= second; next++) {
      const at = (next & (secondsKept - 1)) * flowCount
      this.#seconds.fill(0, at, at + flowCount)
    }
    this.#second = second
  }

  #turnPeriod(now: number): void {
    const spare = this.#older
    const isLongAgo = now - this.#periodAt >= 2 * periodMs
    spare.set(this.row.subarray(waitAt))
    // Nothing was counted in the period before.
    if (isLongAgo) this.#recent.set(spare)
    this.#older = this.#recent
    this.#recent = spare
    this.#periodAt = now
  }
}
