import { createRequire } from 'node:module'
import type { Tracer } from '@opentelemetry/api'
import type { Span, SpanSink } from './span.ts'

type OpenTelemetry = typeof import('@opentelemetry/api')

/** OpenTelemetry's `Tracer`, said so that the types of this package need no other. */
export interface TracesTracer {
  startSpan(name: string, options?: never, context?: never): object
}

/**
 * Gives spans to a tracer of the program that embeds the server. It makes the ids of the spans itself, so those of a job
 * whose client does not trace are side by side, under a parent that nobody sends.
 */
export class TracerSink implements SpanSink {
  readonly #api: OpenTelemetry
  readonly #tracer: Tracer

  /** Whoever has a tracer has the package that it is of. */
  constructor(tracer: TracesTracer) {
    this.#api = createRequire(import.meta.url)('@opentelemetry/api') as OpenTelemetry
    this.#tracer = tracer as Tracer
  }

  add({ name, traceId, spanId, parentSpanId, startMs, endMs, attributes, error }: Span): void {
    const { ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags, trace } = this.#api
    const parent = { traceId, spanId: parentSpanId ?? spanId ?? '', traceFlags: TraceFlags.SAMPLED, isRemote: true }
    const kind = name === 'submit' ? SpanKind.SERVER : SpanKind.INTERNAL
    const context = trace.setSpanContext(ROOT_CONTEXT, parent)
    const span = this.#tracer.startSpan(name, { kind, startTime: startMs, attributes }, context)
    if (error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: error })
    span.end(endMs)
  }

  /** It is for the program to end it. */
  async close(): Promise<void> {}
}
