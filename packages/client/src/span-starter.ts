/** OpenTelemetry's `Tracer`, said so that the types of this library need no package. */
export interface SpanStarter {
  startSpan(name: string, options?: never, context?: never): object
}
