import { createRequire } from 'node:module'
import { readTraceParent, writeTraceParent } from '@geartrain/protocol'
import type { Attributes, Span, Tracer } from '@opentelemetry/api'
import type { Assignment } from './assignment.ts'
import { PackageMissingError } from './errors.ts'
import type { SpanStarter } from './span-starter.ts'

type OpenTelemetry = typeof import('@opentelemetry/api')

const system = 'gearman'

/**
 * The spans of client and worker, by OpenTelemetry's conventions for messaging: `publish FUNCTION` until the server has
 * the job, and `process FUNCTION` around its handler.
 */
export class Tracing {
  readonly #api: OpenTelemetry
  readonly #tracer: Tracer

  private constructor(api: OpenTelemetry, tracer: Tracer) {
    this.#api = api
    this.#tracer = tracer
  }

  /** Undefined: it is off. True is the tracer of the SDK that the program registers. */
  static of(option: boolean | SpanStarter | undefined): Tracing | undefined {
    if (option === undefined || option === false) return undefined
    const api = requireOpenTelemetry()
    // The option is a Tracer in the words of OpenTelemetry's own types.
    return new Tracing(api, option === true ? api.trace.getTracer('@geartrain/client') : (option as Tracer))
  }

  /** Under the span that is active where it is called. */
  publish(jobFunction: string): PublishSpan {
    const span = this.#tracer.startSpan(`publish ${jobFunction}`, {
      kind: this.#api.SpanKind.PRODUCER,
      attributes: attributesOf(jobFunction, 'publish', 'send'),
    })
    const { traceId, spanId, traceFlags } = span.spanContext()
    const isSampled = (traceFlags & this.#api.TraceFlags.SAMPLED) !== 0
    // Without an SDK there is no trace.
    const traceParent = this.#api.isSpanContextValid(span.spanContext())
      ? writeTraceParent({ traceId, spanId, isSampled })
      : ''
    return new PublishSpan(span, traceParent, (error) => this.#fail(span, error))
  }

  /** Does the job in a span that continues the job's trace, or begins one. */
  process<Result>(job: Assignment, perform: (job: Assignment) => Promise<Result>): Promise<Result> {
    const { ROOT_CONTEXT, SpanKind, TraceFlags, trace } = this.#api
    const parent = readTraceParent(job.trace)
    const context =
      parent === undefined
        ? ROOT_CONTEXT
        : trace.setSpanContext(ROOT_CONTEXT, {
            traceId: parent.traceId,
            spanId: parent.spanId,
            traceFlags: parent.isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
            isRemote: true,
          })
    const attributes = { ...attributesOf(job.function, 'process', 'process'), 'messaging.message.id': job.handle }
    const options = { kind: SpanKind.CONSUMER, attributes }
    return this.#tracer.startActiveSpan(`process ${job.function}`, options, context, async (span) => {
      try {
        return await perform(job)
      } catch (error) {
        this.#fail(span, error)
        throw error
      } finally {
        span.end()
      }
    })
  }

  #fail(span: Span, thrown: unknown): void {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown))
    const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name
    span.recordException(error)
    span.setAttribute('error.type', code)
    span.setStatus({ code: this.#api.SpanStatusCode.ERROR, message: error.message })
  }
}

/** From a submission to the server's answer. */
export class PublishSpan {
  /** What the server is told of it; empty: nothing. */
  readonly traceParent: string
  readonly #span: Span
  readonly #fail: (error: unknown) => void

  constructor(span: Span, traceParent: string, fail: (error: unknown) => void) {
    this.#span = span
    this.traceParent = traceParent
    this.#fail = fail
  }

  /** Ends with the job's handle, or with why there is none. */
  async endWith(created: Promise<string>): Promise<void> {
    try {
      this.#span.setAttribute('messaging.message.id', await created)
    } catch (error) {
      this.#fail(error)
    } finally {
      this.#span.end()
    }
  }
}

function attributesOf(jobFunction: string, operation: string, type: string): Attributes {
  return {
    'messaging.system': system,
    'messaging.destination.name': jobFunction,
    'messaging.operation.name': operation,
    'messaging.operation.type': type,
  }
}

/** Loaded only by those who trace, and at once, so that whoever lacks it learns so when client or worker is made. */
function requireOpenTelemetry(): OpenTelemetry {
  try {
    const required: OpenTelemetry = createRequire(import.meta.url)('@opentelemetry/api')
    return required
  } catch (error) {
    throw new PackageMissingError(
      'the option tracing needs @opentelemetry/api, which could not be loaded: npm install @opentelemetry/api',
      { cause: error },
    )
  }
}
