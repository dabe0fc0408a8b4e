import { hostname } from 'node:os'
import {
  ClosedError,
  formatServer,
  JobCancelledError,
  type JobHandler,
  Worker,
  type WorkerOptions,
} from '@geartrain/client'
import { credentials, reasonNotReached } from '../servers.ts'
import type { HandlerEntry } from './handler-module.ts'
import type { WorkLog } from './work-log.ts'

export interface WorkerRunOptions {
  /** As `new Worker` takes them. */
  readonly servers: string | undefined
  readonly entries: readonly HandlerEntry[]
  /** Jobs at once. */
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
export async function runWorker({ servers, entries, concurrency, jobsMax, log }: WorkerRunOptions): Promise<void> {
  let taken = 0
  let running = 0
  let isStopping = false
  let isSignalled = false
  const stop = (reason: string) => {
    if (isStopping) return
    isStopping = true
    log.stopping(reason, running)
    void worker.close()
  }
  const counted =
    (handler: JobHandler): JobHandler =>
    async (job) => {
      running++
      if (++taken === jobsMax) stop(`${jobsMax} taken`)
      try {
        return await handler(job)
      } finally {
        running--
      }
    }
  const connections = new ConnectionLog(log)
  const worker = new Worker(servers, { ...credentials(), ...connections.hooks, concurrency, clientId: clientId() })
  for (const { function: name, handler, ...options } of entries) worker.handle(name, counted(handler), options)
  using _ = onStopSignals((signal) => {
    if (isSignalled) process.exit(128 + stopSignals[signal])
    isSignalled = true
    stop(signal)
  })
  try {
    await worker.start()
    const names = entries.map((entry) => entry.function)
    if (!isStopping) connections.ready(names, concurrency)
    await worker.run()
  } catch (error) {
    if (!(error instanceof ClosedError && isStopping)) throw error
  }
}

/** Tells of servers that come and go; what was there from the start is told at once, by `ready`. */
class ConnectionLog {
  readonly hooks: WorkerOptions
  readonly #log: WorkLog
  readonly #servers = new Set<string>()
  /** An attempt that fails again is no news. */
  readonly #lost = new Set<string>()
  #isReady = false

  constructor(log: WorkLog) {
    this.#log = log
    this.hooks = {
      onConnect: (address) => {
        const server = formatServer(address)
        this.#servers.add(server)
        this.#lost.delete(server)
        if (this.#isReady) log.connected(server)
      },
      onDisconnect: (error, _retryMs, address) => {
        const server = formatServer(address)
        this.#servers.delete(server)
        if (!this.#lost.has(server)) log.lost(server, reasonNotReached(error))
        this.#lost.add(server)
      },
      onError: (error, job) => {
        if (job === undefined) log.refused(error)
        else if (error instanceof JobCancelledError) log.cancelled(job)
        else log.failed(job, error)
      },
    }
  }

  ready(functions: readonly string[], concurrency: number): void {
    this.#isReady = true
    this.#log.ready([...this.#servers], functions, concurrency)
  }
}

/** So that one finds the process in the server's list of workers. */
function clientId(): string {
  return `${hostname().replace(/\s/g, '').slice(0, hostnameCharsMax)}-${process.pid}`
}

function onStopSignals(act: (signal: keyof typeof stopSignals) => void): Disposable {
  process.on('SIGINT', act).on('SIGTERM', act)
  // Of a terminal that is gone. Where it is none, nohup may have told us to ignore it, which a listener would undo.
  if (process.stderr.isTTY) process.on('SIGHUP', act)
  return {
    [Symbol.dispose]() {
      process.off('SIGHUP', act).off('SIGINT', act).off('SIGTERM', act)
    },
  }
}
