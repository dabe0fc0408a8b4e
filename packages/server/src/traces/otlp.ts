import { randomBytes } from 'node:crypto'
import type { Span } from './span.ts'

/** OTLP's names by number. `submit` is somebody's request; the others are the server's own. */
const kinds = { submit: 2, wait: 1, run: 1 } as const
const statusError = 2

/** A request of OTLP/HTTP in JSON (OpenTelemetry protocol 1, `ExportTraceServiceRequest`). */
export function encodeSpans(spans: readonly Span[], resource: Span['attributes'], scopeVersion: string): string {
  const scopeSpans = [{ scope: { name: 'geartrain', version: scopeVersion }, spans: spans.map(encodeSpan) }]
  return JSON.stringify({ resourceSpans: [{ resource: { attributes: encodeAttributes(resource) }, scopeSpans }] })
}

function encodeSpan({ name, traceId, spanId, parentSpanId, startMs, endMs, attributes, error }: Span): object {
  return {
    traceId,
    spanId: spanId ?? randomBytes(8).toString('hex'),
    ...(parentSpanId === undefined ? {} : { parentSpanId }),
    name,
    kind: kinds[name],
    startTimeUnixNano: nanoseconds(startMs),
    endTimeUnixNano: nanoseconds(endMs),
    attributes: encodeAttributes(attributes),
    ...(error === undefined ? {} : { status: { code: statusError, message: error } }),
  }
}

function encodeAttributes(attributes: Span['attributes']): object[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: encodeValue(value) }))
}

/** 64-bit numbers are text in protobuf's JSON. */
function encodeValue(value: string | number | boolean): object {
  if (typeof value === 'string') return { stringValue: value }
  return typeof value === 'boolean' ? { boolValue: value } : { intValue: String(Math.round(value)) }
}

function nanoseconds(ms: number): string {
  return `${Math.round(ms)}000000`
}

/** How many spans a collector that has taken a request says it has thrown away. */
export function rejectedSpans(answer: unknown): number {
  if (typeof answer !== 'object' || answer === null || !('partialSuccess' in answer)) return 0
  const { partialSuccess } = answer
  if (typeof partialSuccess !== 'object' || partialSuccess === null || !('rejectedSpans' in partialSuccess)) return 0
  return Number(partialSuccess.rejectedSpans) || 0
}
