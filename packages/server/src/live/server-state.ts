import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'
import type { LiveServer } from '@geartrain/protocol'
import type { Figures } from '../metrics/figures.ts'
import { bucketCount, quantile } from '../metrics/histogram.ts'
import { countConnections } from '../metrics/server-families.ts'
import { version } from '../version.ts'

/** The timer that measures delays fires so often; it is late by nothing when it is late by this. */
const resolutionMs = 20

/** Takes the state of the server, tick by tick. */
export class ServerMeter {
  readonly #figures: Figures
  readonly #delays: IntervalHistogram = monitorEventLoopDelay({ resolution: resolutionMs })
  #times: Float64Array = new Float64Array(bucketCount)

  constructor(figures: Figures) {
    this.#figures = figures
  }

  start(): void {
    this.#delays.enable()
    this.#times = this.#commitTimes
  }

  stop(): void {
    this.#delays.disable()
  }

  /** Delays and times are those since it was taken last. */
  take(): LiveServer {
    const { engine, connections, health, startedAt } = this.#figures
    const reasons = health.reasons.map(({ code }) => code)
    const delayMs = this.#delays.count === 0 ? 0 : this.#delays.max / 1e6 - resolutionMs
    this.#delays.reset()
    const store = this.#takeStore()
    return {
      version,
      startedAt,
      ready: reasons.length === 0,
      reasons,
      connections: countConnections(connections),
      jobsInMemory: engine.jobCount,
      memoryBytes: process.memoryUsage.rss(),
      eventLoopDelayMs: Math.max(0, Math.round(delayMs)),
      ...(store === undefined ? {} : { store }),
    }
  }

  #takeStore(): LiveServer['store'] {
    const { store } = this.#figures
    if (store === undefined) return undefined
    const { name, stats, journal } = store
    const times = this.#commitTimes
    const p95Ms = quantile(
      times.map((count, bucket) => count - (this.#times[bucket] ?? 0)),
      0.95,
    )
    this.#times = times
    const { additions, bytes } = journal.unkept
    return {
      kind: name.split(':', 1)[0] ?? name,
      failing: journal.trouble !== undefined,
      commits: stats.commits,
      failures: stats.failures,
      unkeptJobs: additions,
      unkeptBytes: bytes,
      ...(p95Ms === undefined ? {} : { commitP95Ms: Number(p95Ms.toPrecision(3)) }),
    }
  }

  get #commitTimes(): Float64Array {
    const { store } = this.#figures
    return store === undefined ? new Float64Array(bucketCount) : store.stats.times.slice(0, bucketCount)
  }
}
