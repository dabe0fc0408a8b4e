import { hostname } from 'node:os'
import { type AssignedJob, ClosedError, type JobHandler, Worker, type WorkerOptions } from '@geartrain/client'
import type { HandlerEntry } from './handler-module.ts'
import type { WorkLog } from './work-log.ts'

export interface WorkerRunOptions {
  /** As `new Worker` takes them. */
  readonly servers: string | undefined
  readonly entries: readonly HandlerEntry[]
  /** Jobs at once of all entries that have no number of their own. */
  readonly concurrency: number
  /** No more jobs are taken after so many. */
  readonly jobsMax: number
  readonly log: WorkLog
}

const stopSignals = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const
const hostnameCharsMax = 100

/**
 * Does jobs until a signal comes or there were enough of them, and then finishes those that run. A second signal ends the
 * process at once. Rejects with ConnectError if no server can be reached at the start; later it waits for one.
 */
export async function runWorker(options: WorkerRunOptions): Promise<void> {
  const { entries, concurrency, jobsMax, log } = options
  let taken = 0
  let running = 0
  let isStopping = false
  const stop = (reason: string) => {
    if (isStopping) return
    isStopping = true
    log.stopping(reason, running)
    for (const worker of workers) void worker.close()
  }
  const counted =
    (handler: JobHandler): JobHandler =>
    async (job) => {
      running++
      if (++taken === jobsMax) stop(`${jobsMax} jobs were taken`)
      try {
        return await handler(job)
      } finally {
        running--
      }
    }
  const hooks = connectionHooks(log)
  const workers = groupByConcurrency(entries, concurrency).map(([group, jobsAtOnce]) => {
    const worker = new Worker(options.servers, { ...hooks.ofWorker(), concurrency: jobsAtOnce })
    for (const { function: name, handler, timeoutMs } of group) worker.handle(name, counted(handler), { timeoutMs })
    return worker
  })
  using _ = onStopSignals((signal, isFirst) => {
    if (isFirst) return stop(signal)
    process.exit(128 + stopSignals[signal])
  })
  try {
    await Promise.all(workers.map((worker) => worker.start()))
    const names = entries.map((entry) => entry.function)
    if (!isStopping) log.ready(hooks.servers(), names, concurrency)
    await Promise.all(workers.map((worker) => worker.run()))
  } catch (error) {
    if (!(error instanceof ClosedError && isStopping)) throw error
  } finally {
    await Promise.all(workers.map((worker) => worker.close()))
  }
}

/** Entries with a number of their own have a connection of their own; the others share one. */
function groupByConcurrency(
  entries: readonly HandlerEntry[],
  concurrency: number,
): (readonly [readonly HandlerEntry[], number])[] {
  const shared = entries.filter((entry) => entry.concurrency === undefined)
  const own = entries.flatMap((entry) =>
    entry.concurrency === undefined ? [] : [[[entry], entry.concurrency] as const],
  )
  return shared.length === 0 ? own : [[shared, concurrency], ...own]
}

/** The connections of all workers in the log as if it were one: lost when the first is, back with the last. */
function connectionHooks(log: WorkLog) {
  const servers = new Set<string>()
  const lost = new Set<object>()
  return {
    servers: () => [...servers],
    ofWorker(): WorkerOptions {
      const self = {}
      return {
        // So that one finds it in the server's list of workers.
        clientId: `${hostname().replace(/\s/g, '').slice(0, hostnameCharsMax)}-${process.pid}`,
        onConnect({ host, port }) {
          const server = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
          servers.add(server)
          if (lost.delete(self) && lost.size === 0) log.back(server)
        },
        onDisconnect(error, retryMs) {
          if (lost.size === 0) log.lost(error.message, retryMs)
          lost.add(self)
        },
        onError(error: unknown, job: AssignedJob | undefined) {
          if (job === undefined) log.refused(error)
          else log.failed(job, error)
        },
      }
    },
  }
}

function onStopSignals(act: (signal: keyof typeof stopSignals, isFirst: boolean) => void): Disposable {
  let isFirst = true
  const listen = (signal: keyof typeof stopSignals) => {
    act(signal, isFirst)
    isFirst = false
  }
  process.on('SIGHUP', listen).on('SIGINT', listen).on('SIGTERM', listen)
  return {
    [Symbol.dispose]() {
      process.off('SIGHUP', listen).off('SIGINT', listen).off('SIGTERM', listen)
    },
  }
}
