import type { Clock } from '../clock.ts'
import type { Handles } from '../handles.ts'
import type { Log } from '../log.ts'
import type { Observers } from '../observers.ts'
import type { WallTime } from '../wall-time.ts'
import { JobSpans } from './job-spans.ts'
import { OtlpExporter } from './otlp-exporter.ts'
import type { SpanSink } from './span.ts'
import { TracerSink, type TracesTracer } from './tracer-sink.ts'

interface TracesOptions {
  readonly traces: string | TracesTracer
  readonly sample: number
  readonly clock: Clock
  readonly log: Log
  readonly handles: Handles
  readonly wallTime: WallTime
}

/** From now on spans are made of what becomes of jobs. */
export function startTraces(observers: Observers, options: TracesOptions): SpanSink {
  const { traces, sample, clock, log, handles, wallTime } = options
  const sink = typeof traces === 'string' ? new OtlpExporter({ url: traces, clock, log }) : new TracerSink(traces)
  observers.add(new JobSpans({ handles, wallTime, sample, sink }))
  return sink
}
