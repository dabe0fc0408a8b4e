import type { JobFunction } from '@geartrain/engine'
import type { LiveFlow, LiveFunction, Percentiles } from '@geartrain/protocol'
import { functionTotals } from '../cluster/totals.ts'
import { textOfName } from '../http/names.ts'
import { counter, type Flow, type FunctionFigures } from '../metrics/function-figures.ts'
import { oldestReadyAt } from '../metrics/oldest-ready.ts'

/** What a live stream tells of a function. `jobFunction` undefined: only its dead jobs and its past are known. */
export function functionState(
  figures: FunctionFigures,
  jobFunction: JobFunction | undefined,
  dead: number,
  now: number,
  offsetMs: number,
): LiveFunction {
  const { policy } = jobFunction ?? {}
  const totals = jobFunction && functionTotals(jobFunction)
  const oldest = jobFunction && oldestReadyAt(jobFunction)
  return {
    name: textOfName(figures.name),
    ready: {
      high: totals?.ready[0] ?? 0,
      normal: totals?.ready[1] ?? 0,
      low: totals?.ready[2] ?? 0,
    },
    ...(oldest === undefined ? {} : { oldestReadyAt: oldest + offsetMs }),
    delayed: totals?.delayed ?? 0,
    running: totals?.running ?? 0,
    dead,
    workers: totals?.workers ?? 0,
    paused: policy?.paused ?? false,
    draining: policy?.draining ?? false,
    ...flowing(figures, now),
  }
}

export function flowing(figures: FunctionFigures, now: number): LiveFlow {
  const wait = rounded(figures.wait(now))
  const run = rounded(figures.run(now))
  return {
    totals: totalsOf(figures),
    rates: {
      submitted: rates(figures, 'submitted', now),
      done: rates(figures, 'done', now),
      failed: rates(figures, 'failed', now),
      retried: rates(figures, 'retried', now),
    },
    ...(wait === undefined ? {} : { wait }),
    ...(run === undefined ? {} : { run }),
  }
}

function totalsOf(figures: FunctionFigures): LiveFlow['totals'] {
  return {
    submitted: figures.submitted,
    joined: figures.value(counter.joined),
    done: figures.value(counter.done),
    failed: figures.failed,
    retried: figures.retried,
    died: figures.value(counter.died),
    expired: figures.value(counter.expired),
    cancelled: figures.value(counter.cancelled),
    abandoned: figures.value(counter.abandoned),
  }
}

function rates(figures: FunctionFigures, flow: Flow, now: number): readonly [number, number] {
  return [round(figures.rate(flow, 10, now)), round(figures.rate(flow, 60, now))]
}

function rounded(percentiles: Percentiles | undefined): Percentiles | undefined {
  return percentiles && { p50Ms: round(percentiles.p50Ms), p95Ms: round(percentiles.p95Ms) }
}

/** What changes less is not told again. */
function round(value: number): number {
  return value === 0 ? 0 : Number(value.toPrecision(3))
}
