import { hostname } from 'node:os'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import { version } from '../version.ts'
import { encodeSpans, rejectedSpans } from './otlp.ts'
import type { Span, SpanSink } from './span.ts'

interface OtlpExporterOptions {
  /** Of the collector; without a path it is OTLP's own, `/v1/traces`. */
  readonly url: string
  readonly clock: Clock
  readonly log: Log
}

/** Spans that wait to be sent; those that come then are dropped. About 4 MB. */
const queueMax = 8192
const batchMax = 512
/** A batch that is not full waits so long. */
const batchDelayMs = 1000
const requestTimeoutMs = 10_000
/** Waits after a collector has not taken a batch: the first, each next one twice as long, and the longest. */
const retryFirstMs = 1000
const retryMaxMs = 30_000
/** What is left when the server ends may take so long. */
const closeTimeoutMs = 1000
/** Answers after which the same batch may be taken another time. */
const passingStatuses: ReadonlySet<number> = new Set([408, 429, 502, 503, 504])

/**
 * Sends spans to a collector, in batches and one at a time. A collector that is slow or gone costs spans, which are
 * counted, and nothing else.
 */
export class OtlpExporter implements SpanSink {
  readonly #url: URL
  readonly #clock: Clock
  readonly #log: Log
  readonly #resource = { 'service.name': 'geartrain', 'service.version': version, 'host.name': hostname() }
  #queue: Span[] = []
  #stopTimer: (() => void) | undefined
  #sending: Promise<void> | undefined
  /** Times in a row that the collector has not taken what it was sent. */
  #failures = 0
  #isClosed = false
  /** Aborted when closing has taken too long. */
  readonly #stop = new AbortController()
  /** Spans that no collector will have. */
  dropped = 0
  sent = 0

  constructor({ url, clock, log }: OtlpExporterOptions) {
    this.#url = new URL(url)
    if (this.#url.pathname === '/') this.#url.pathname = '/v1/traces'
    this.#clock = clock
    this.#log = log
  }

  add(span: Span): void {
    if (this.#queue.length >= queueMax || this.#isClosed) {
      this.dropped++
      return
    }
    this.#queue.push(span)
    if (this.#sending !== undefined || this.#failures > 0) return
    if (this.#queue.length >= batchMax) this.#begin()
    else this.#stopTimer ??= this.#clock.after(batchDelayMs, () => this.#begin())
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const timer = setTimeout(() => this.#stop.abort(), closeTimeoutMs)
    await this.#sending
    while (this.#queue.length > 0 && this.#failures === 0 && !this.#stop.signal.aborted) {
      this.#begin()
      await this.#sending
    }
    clearTimeout(timer)
    this.#stopTimer?.()
    this.dropped += this.#queue.splice(0).length
  }

  #begin(): void {
    this.#stopTimer?.()
    this.#stopTimer = undefined
    this.#sending = this.#send(this.#queue.splice(0, batchMax)).finally(() => this.#goOn())
  }

  #goOn(): void {
    this.#sending = undefined
    if (this.#isClosed || this.#queue.length === 0) return
    const retryMs = Math.min(retryMaxMs, retryFirstMs * 2 ** (this.#failures - 1))
    if (this.#failures > 0) this.#stopTimer = this.#clock.after(retryMs, () => this.#begin())
    else if (this.#queue.length >= batchMax) this.#begin()
    else this.#stopTimer = this.#clock.after(batchDelayMs, () => this.#begin())
  }

  async #send(spans: readonly Span[]): Promise<void> {
    try {
      const response = await fetch(this.#url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: encodeSpans(spans, this.#resource, version),
        signal: AbortSignal.any([this.#stop.signal, AbortSignal.timeout(requestTimeoutMs)]),
      })
      const answer: unknown = await response.json().catch(() => undefined)
      if (response.ok) return this.#taken(spans, rejectedSpans(answer))
      this.#refused(spans, `it answers ${response.status}`, passingStatuses.has(response.status))
    } catch (error) {
      this.#refused(spans, reasonOf(error), true)
    }
  }

  #taken(spans: readonly Span[], rejected: number): void {
    this.sent += spans.length - rejected
    this.dropped += rejected
    if (this.#failures > 0) {
      this.#log.info({ dropped: this.dropped }, `the collector ${this.#url.origin} takes spans again`)
    }
    this.#failures = 0
  }

  #refused(spans: readonly Span[], why: string, isPassing: boolean): void {
    // Once, however long it lasts.
    if (this.#failures === 0) {
      const sentence = `the collector ${this.#url.origin} does not take spans: ${why}; past ${queueMax} they are dropped`
      this.#log.warn({ dropped: this.dropped }, sentence)
    }
    this.#failures++
    const room = isPassing ? queueMax - this.#queue.length : 0
    this.dropped += Math.max(0, spans.length - room)
    this.#queue.unshift(...spans.slice(0, room))
  }
}

/** `fetch` says why in its cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? error.cause.message || error.message : error.message
}
