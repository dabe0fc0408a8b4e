/** A stretch of a job's life, as tracing systems have it. Times are milliseconds since 1970. */
export interface Span {
  readonly name: 'submit' | 'wait' | 'run'
  /** 32 hexadecimal digits. */
  readonly traceId: string
  /** 16 of them; undefined: it is to get one. */
  readonly spanId: string | undefined
  /** Undefined: it is the first of its trace. */
  readonly parentSpanId: string | undefined
  readonly startMs: number
  readonly endMs: number
  readonly attributes: Readonly<Record<string, string | number | boolean>>
  /** Why it has failed; undefined: it has not. */
  readonly error: string | undefined
}

/** Where spans go. It takes them at once, whatever becomes of them. */
export interface SpanSink {
  add(span: Span): void
  /** Sends what is left, and does not take long over it. */
  close(): Promise<void>
}
