import { type JobFunction, priorities } from '@geartrain/engine'
import { textOfName } from '../http/names.ts'
import { type Exposition, labels } from './exposition.ts'
import type { Figures } from './figures.ts'
import { counter, FunctionFigures, failedAt, reasons, retriedAt, runAt, waitAt } from './function-figures.ts'
import { otherName } from './function-stats.ts'
import { oldestReadyAt } from './oldest-ready.ts'

/** What a family shows of a function, or of several. */
interface Shown {
  readonly figures: FunctionFigures
  readonly functions: readonly JobFunction[]
  readonly dead: number
  readonly labels: string
  readonly now: number
}

interface Family {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  write(out: Exposition, name: string, shown: Shown): void
}

/** `docs/operating.md` lists them. */
const families: readonly Family[] = [
  {
    name: 'geartrain_jobs_queued',
    type: 'gauge',
    help: 'Jobs that wait for a worker, in memory and on disk.',
    write(out, name, { functions, labels: own }) {
      for (const [word, priority] of Object.entries(priorities)) {
        out.sample(
          name,
          `${own},priority="${word}"`,
          sum(functions, (each) => each.queuedCount(priority)),
        )
      }
    },
  },
  {
    name: 'geartrain_oldest_wait_seconds',
    type: 'gauge',
    help: 'How long the job that waits longest has been ready, of those in memory.',
    write(out, name, { functions, labels: own, now }) {
      const times = functions.map(oldestReadyAt).filter((time) => time !== undefined)
      if (times.length > 0) out.sample(name, own, Math.max(0, now - Math.min(...times)) / 1000)
    },
  },
  gauge('geartrain_jobs_delayed', 'Jobs whose time has not come.', ({ delayedCount, backlog }) => {
    return delayedCount + backlog.delayed
  }),
  gauge('geartrain_jobs_running', 'Jobs that a worker has.', ({ runningCount }) => runningCount),
  {
    name: 'geartrain_jobs_dead',
    type: 'gauge',
    help: 'Dead jobs that are kept for a person.',
    write: (out, name, { dead, labels: own }) => out.sample(name, own, dead),
  },
  gauge('geartrain_function_workers', 'Workers that can do the function.', ({ workerCount }) => workerCount),
  gauge('geartrain_function_paused', '1 if jobs of the function are not given out, by its policy.', ({ policy }) =>
    policy.paused ? 1 : 0,
  ),
  {
    name: 'geartrain_jobs_submitted_total',
    type: 'counter',
    help: 'New jobs; submissions that have joined one are not among them.',
    write(out, name, { figures, labels: own }) {
      out.sample(name, `${own},kind="foreground"`, figures.value(counter.submittedForeground))
      out.sample(name, `${own},kind="background"`, figures.value(counter.submittedBackground))
    },
  },
  counted('geartrain_jobs_joined_total', 'Submissions that have joined a job.', counter.joined),
  counted('geartrain_jobs_done_total', 'Jobs that were done.', counter.done),
  withReasons(
    'geartrain_jobs_failed_total',
    'Jobs that have failed for good, by the end of the last attempt.',
    failedAt,
  ),
  withReasons('geartrain_jobs_retried_total', 'Attempts that have failed and are followed by another.', retriedAt),
  counted('geartrain_jobs_died_total', 'Jobs that have become dead ones.', counter.died),
  counted('geartrain_jobs_expired_total', 'Jobs that were not begun in their time.', counter.expired),
  counted('geartrain_jobs_cancelled_total', 'Jobs that were cancelled.', counter.cancelled),
  counted('geartrain_jobs_abandoned_total', 'Jobs whose clients have all left.', counter.abandoned),
  times('geartrain_job_wait_seconds', 'From when a job could be begun until a worker had it.', waitAt),
  times('geartrain_job_run_seconds', 'Attempts, from their begin to their end.', runAt),
]

/** What is told of functions, a piece of text for each family. One who may not see all of them sees no sum either. */
export function* functionFamilies(
  out: Exposition,
  { engine, functions, dead, clock }: Figures,
  maySee: ((name: string) => boolean) | undefined,
): Generator<string, void> {
  for (const { name } of engine.functions()) functions.named(name)
  for (const name of dead.byName.keys()) functions.named(name)
  const now = clock.now()
  const shown: Shown[] = []
  const rest: FunctionFigures[] = []
  for (const figures of functions.all()) {
    const { name, hasSeries } = figures
    if (!hasSeries) rest.push(figures)
    else if (maySee === undefined || maySee(name)) {
      const own = { now, figures, dead: dead.byName.get(name) ?? 0, labels: labels({ function: textOfName(name) }) }
      shown.push({ ...own, functions: known(engine.findFunction(name)) })
    }
  }
  if (maySee === undefined && (rest.length > 0 || functions.forgotten.row.some((value) => value > 0))) {
    const figures = new FunctionFigures('', true)
    for (const each of [functions.forgotten, ...rest]) figures.add(each)
    shown.push({
      figures,
      functions: rest.flatMap(({ name }) => known(engine.findFunction(name))),
      dead: sum(rest, ({ name }) => dead.byName.get(name) ?? 0),
      labels: labels({ function: otherName }),
      now,
    })
  }
  for (const { name, type, help, write } of families) {
    out.family(name, type, help)
    for (const each of shown) write(out, name, each)
    yield out.take()
  }
}

function known(jobFunction: JobFunction | undefined): readonly JobFunction[] {
  return jobFunction === undefined ? [] : [jobFunction]
}

function sum<T>(all: readonly T[], valueOf: (each: T) => number): number {
  let total = 0
  for (const each of all) total += valueOf(each)
  return total
}

function gauge(name: string, help: string, valueOf: (jobFunction: JobFunction) => number): Family {
  return {
    name,
    type: 'gauge',
    help,
    write: (out, ownName, { functions, labels: own }) => out.sample(ownName, own, sum(functions, valueOf)),
  }
}

function counted(name: string, help: string, at: number): Family {
  return {
    name,
    type: 'counter',
    help,
    write: (out, ownName, { figures, labels: own }) => out.sample(ownName, own, figures.value(at)),
  }
}

function withReasons(name: string, help: string, from: number): Family {
  return {
    name,
    type: 'counter',
    help,
    write(out, ownName, { figures, labels: own }) {
      for (const [index, reason] of reasons.entries()) {
        out.sample(ownName, `${own},reason="${reason}"`, figures.value(from + index))
      }
    },
  }
}

function times(name: string, help: string, at: number): Family {
  return {
    name,
    type: 'histogram',
    help,
    write: (out, ownName, { figures, labels: own }) => out.times(ownName, own, figures.row, at),
  }
}
