import type tls from 'node:tls'
import { parseServers, type Servers } from './address.ts'
import {
  type ConnectedWorker,
  type FunctionStatus,
  type ListedJob,
  type PriorityStatus,
  parsePriorityStatus,
  parseShowJobs,
  parseStatus,
  parseWorkers,
} from './admin-rows.ts'
import { AdminSession } from './admin-session.ts'
import { defaultConnectionOptions, tlsOptions } from './connection.ts'
import { type CallOptions, throwIfAborted } from './cutoff.ts'
import { InvalidArgumentError, ServerError } from './errors.ts'
import { openFirstReachable } from './first-reachable.ts'
import { readWireName, wireName } from './wire-name.ts'

export interface AdminOptions {
  /** Time for each server of the list to answer; default 10 s. */
  readonly connectTimeoutMs?: number | undefined
  /** Encrypts the connection: `true`, or what Node's `tls.connect` takes, such as `ca`, `cert` and `key`. */
  readonly tls?: boolean | tls.ConnectionOptions | undefined
  readonly signal?: AbortSignal | undefined
}

/** How many jobs of a function a submission of each priority may find there; 0 is no limit. */
export interface QueueLimits {
  readonly high: number
  readonly normal: number
  readonly low: number
}

const defaultConnectTimeoutMs = 10_000

/** The administrative commands of a server. Of each it understands only what was sent before it; all may be sent at once. */
export class Admin {
  readonly #session: AdminSession

  private constructor(session: AdminSession) {
    this.#session = session
  }

  /** The administration of the first server of the list that can be reached. */
  static async connect(servers?: Servers, options: AdminOptions = {}): Promise<Admin> {
    const { connectTimeoutMs: timeoutMs = defaultConnectTimeoutMs, tls, signal } = options
    const session = await openFirstReachable(parseServers(servers), (server) =>
      AdminSession.open(server, { ...defaultConnectionOptions, tls: tlsOptions(tls) }, { timeoutMs, signal }),
    )
    return new Admin(session)
  }

  /** Every function with its jobs and workers. */
  async status(options?: CallOptions): Promise<FunctionStatus[]> {
    return this.#list('status', parseStatus, options)
  }

  /** Every function with its waiting jobs of each priority. */
  async priorityStatus(options?: CallOptions): Promise<PriorityStatus[]> {
    return this.#list('prioritystatus', parsePriorityStatus, options)
  }

  /** Every connection of the server, this one too: who has no functions is no worker. */
  async workers(options?: CallOptions): Promise<ConnectedWorker[]> {
    return this.#list('workers', parseWorkers, options)
  }

  /** Every job that has not ended. */
  async jobs(options?: CallOptions): Promise<ListedJob[]> {
    return this.#list('show jobs', parseShowJobs, options)
  }

  /** The uniques of all jobs that have not ended, empty ones too. */
  async uniqueJobs(options?: CallOptions): Promise<string[]> {
    return this.#list('show unique jobs', readWireName, options)
  }

  /** Limits the jobs of a function, one number for all priorities; without `limits` there is none any more. */
  async maxQueue(jobFunction: string, limits?: number | QueueLimits, options?: CallOptions): Promise<void> {
    const sizes =
      limits === undefined ? [] : typeof limits === 'number' ? [limits] : [limits.high, limits.normal, limits.low]
    for (const size of sizes) {
      if (!Number.isSafeInteger(size) || size < 0) throw new InvalidArgumentError(`${size} is no number of jobs`)
    }
    await this.#tell(['maxqueue', word(jobFunction, 'function'), ...sizes].join(' '), options)
  }

  /** Fails a job. False: there is no such job. */
  async cancel(handle: string, options?: CallOptions): Promise<boolean> {
    try {
      await this.#tell(`cancel job ${word(handle, 'handle')}`, options)
      return true
    } catch (error) {
      if (error instanceof ServerError && error.serverCode === 'UNKNOWN_JOB') return false
      throw error
    }
  }

  async createFunction(jobFunction: string, options?: CallOptions): Promise<void> {
    await this.#tell(`create function ${word(jobFunction, 'function')}`, options)
  }

  /** Rejects with ServerError if there is no such function, or somebody uses it. */
  async dropFunction(jobFunction: string, options?: CallOptions): Promise<void> {
    await this.#tell(`drop function ${word(jobFunction, 'function')}`, options)
  }

  /** Such as `1.1.20`. */
  async version(options?: CallOptions): Promise<string> {
    return this.#tell('version', options)
  }

  /** The server's process id. */
  async getpid(options?: CallOptions): Promise<number> {
    return Number(await this.#tell('getpid', options))
  }

  /** How much the server logs, in its words. */
  async verbose(options?: CallOptions): Promise<string> {
    return this.#tell('verbose', options)
  }

  /** Commands without an answer fail with ClosedError. */
  async close(): Promise<void> {
    await this.#session.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #list<T>(command: string, parseRow: (line: string) => T, options: CallOptions = {}): Promise<T[]> {
    throwIfAborted(options.signal)
    return this.#session.list(command, parseRow, options)
  }

  async #tell(command: string, options: CallOptions = {}): Promise<string> {
    throwIfAborted(options.signal)
    return this.#session.tell(command, options)
  }
}

/** A name within a command, which is cut into words at blanks. */
function word(name: string, what: string): string {
  const wire = wireName(name, what)
  if (/^[^ \r\n]+$/.test(wire)) return wire
  throw new InvalidArgumentError(
    `the ${what} ${JSON.stringify(name)} can't be put in a command: it is empty or has blanks`,
  )
}
