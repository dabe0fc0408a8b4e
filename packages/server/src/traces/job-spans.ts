import { createHash } from 'node:crypto'
import type { FailureReason, Job, JobFunction, JobOutcome, Observer } from '@geartrain/engine'
import { readTraceParent, type TraceParent } from '@geartrain/protocol'
import type { Handles } from '../handles.ts'
import { fromWire } from '../policies/function-name.ts'
import type { WallTime } from '../wall-time.ts'
import type { Span, SpanSink } from './span.ts'

interface JobSpansOptions {
  readonly handles: Handles
  readonly wallTime: WallTime
  /** Of the jobs whose clients do not trace them, from 0 to 1. */
  readonly sample: number
  readonly sink: SpanSink
}

/** Where the spans of a job belong. */
interface Place {
  readonly traceId: string
  /** Of `submit`, if that begins the trace. */
  readonly rootSpanId: string | undefined
  readonly parentSpanId: string
}

/** Outcomes that are nobody's failure. */
const fine: ReadonlySet<JobOutcome> = new Set(['complete', 'cancelled', 'abandoned'])

/**
 * Makes spans of what becomes of jobs: `submit`, a `wait` for each time that a job could have been begun and a `run` for each
 * attempt. They are in the trace of the job's client, if that has one and records it; else in one that the job's handle
 * says, so that nothing has to be remembered of any job, and nothing is lost when the server is started again.
 */
export class JobSpans implements Observer {
  readonly #options: JobSpansOptions
  /** The number of the attempt that is under way. */
  readonly #attempts = new WeakMap<Job, number>()

  constructor(options: JobSpansOptions) {
    this.#options = options
  }

  submitted(jobFunction: JobFunction, background: boolean, number: number, trace: string): void {
    const place = this.#placeOf(number, trace)
    if (place === undefined) return
    const now = this.#options.wallTime.now
    const { rootSpanId } = place
    const parentSpanId = rootSpanId === undefined ? place.parentSpanId : undefined
    const attributes = { ...this.#attributes(jobFunction, number), 'geartrain.job.background': background }
    const { traceId } = place
    this.#add({ name: 'submit', traceId, spanId: rootSpanId, parentSpanId, startMs: now, endMs: now, attributes })
  }

  joined(): void {}

  assigned(job: Job, waitMs: number): void {
    this.#attempts.set(job, job.retries + 1)
    this.#stretch('wait', job, waitMs, {})
  }

  progressed(): void {}

  sentData(): void {}

  retried(job: Job, reason: FailureReason, runMs: number, waitMs: number): void {
    this.#stretch('run', job, runMs, { 'geartrain.job.outcome': reason, 'geartrain.job.retry_in_ms': waitMs }, reason)
  }

  ended(job: Job, outcome: JobOutcome, isDead: boolean, runMs: number | undefined): void {
    const attributes = { 'geartrain.job.outcome': outcome, 'geartrain.job.dead': isDead }
    const error = fine.has(outcome) ? undefined : outcome
    // One that was not begun, or not yet again, has its end in its wait.
    if (runMs === undefined) this.#stretch('wait', job, this.#waitMs(job), attributes, error)
    else this.#stretch('run', job, runMs, attributes, error)
  }

  /** Of what is on disk alone the trace is not at hand. */
  endedOnDisk(): void {}

  #waitMs({ readyAt }: Job): number {
    const { now, offsetMs } = this.#options.wallTime
    return Math.max(0, now - (readyAt + offsetMs))
  }

  /** What has just ended after so long. */
  #stretch(name: 'wait' | 'run', job: Job, lengthMs: number, more: Span['attributes'], error?: string): void {
    const place = this.#placeOf(job.number, job.trace)
    if (place === undefined) return
    const endMs = this.#options.wallTime.now
    const attributes = {
      ...this.#attributes(job.function, job.number),
      'geartrain.job.attempts': this.#attempts.get(job) ?? job.retries,
      ...more,
    }
    const { traceId, parentSpanId } = place
    this.#add({ name, traceId, spanId: undefined, parentSpanId, startMs: endMs - lengthMs, endMs, attributes }, error)
  }

  #add(span: Omit<Span, 'error'>, error?: string): void {
    this.#options.sink.add({ ...span, error })
  }

  #attributes(jobFunction: JobFunction, number: number): Span['attributes'] {
    return {
      'messaging.system': 'gearman',
      'messaging.destination.name': fromWire(jobFunction.name),
      'messaging.message.id': this.#options.handles.text(number),
    }
  }

  /** Undefined: it is not recorded. */
  #placeOf(number: number, trace: string): Place | undefined {
    const client = trace === '' ? undefined : readTraceParent(trace)
    return client === undefined ? this.#ownPlace(number) : placeUnder(client)
  }

  #ownPlace(number: number): Place | undefined {
    const digest = createHash('sha256').update(this.#options.handles.text(number)).digest()
    // Spread evenly from 0 to 1, and the same for all of the job's spans.
    if (digest.readUIntBE(24, 6) / 2 ** 48 >= this.#options.sample) return undefined
    const rootSpanId = digest.toString('hex', 16, 24)
    return { traceId: digest.toString('hex', 0, 16), rootSpanId, parentSpanId: rootSpanId }
  }
}

function placeUnder({ traceId, spanId, isSampled }: TraceParent): Place | undefined {
  return isSampled ? { traceId, rootSpanId: undefined, parentSpanId: spanId } : undefined
}
