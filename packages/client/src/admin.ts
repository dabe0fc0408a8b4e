import type tls from 'node:tls'
import type {
  ControlOperation,
  ControlOperations,
  DeadFilter,
  DeadJob,
  FunctionPolicy,
  FunctionState,
  JobDescription,
  JobSummary,
  PriorityName,
  ScheduleDefinition,
  ScheduleState,
} from '@geartrain/protocol'
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
import { ControlLink } from './control-link.ts'
import { type CallOptions, throwIfAborted } from './cutoff.ts'
import { InvalidArgumentError, ServerError } from './errors.ts'
import { openFirstReachable } from './first-reachable.ts'
import { checkedToken } from './token.ts'
import { readWireName, wireName } from './wire-name.ts'
import { type Workload, workloadBytes } from './workload.ts'

export interface AdminOptions {
  /** Time for each server of the list to answer; default 10 s. */
  readonly connectTimeoutMs?: number | undefined
  /** Encrypts the connection: `true`, or what Node's `tls.connect` takes, such as `ca`, `cert` and `key`. */
  readonly tls?: boolean | tls.ConnectionOptions | undefined
  /** Who this is, for servers with access rules: what `geartrain token` has made. */
  readonly token?: string | undefined
  readonly signal?: AbortSignal | undefined
}

/** How many jobs of a function a submission of each priority may find there; 0 is no limit. */
export interface QueueLimits {
  readonly high: number
  readonly normal: number
  readonly low: number
}

const defaultConnectTimeoutMs = 10_000
/** Jobs of a page. */
const pageJobs = 500

/** Dead jobs: those named, or all that the filter lets through; `{}` is all. */
export type DeadChoice = string | readonly string[] | DeadFilter

/**
 * The administrative commands of a server. Of each it understands only what was sent before it; all may be sent at
 * once. What only Geartrain has, from `control` on, takes a connection of its own, which is opened when it is needed.
 */
export class Admin {
  readonly #session: AdminSession
  readonly #link: ControlLink

  private constructor(session: AdminSession, link: ControlLink) {
    this.#session = session
    this.#link = link
  }

  /** The administration of the first server of the list that can be reached. */
  static async connect(servers?: Servers, options: AdminOptions = {}): Promise<Admin> {
    const { connectTimeoutMs: timeoutMs = defaultConnectTimeoutMs, tls, token, signal } = options
    const connectionOptions = { ...defaultConnectionOptions, tls: tlsOptions(tls), token: checkedToken(token) }
    return await openFirstReachable(parseServers(servers), async (server) => {
      const session = await AdminSession.open(server, connectionOptions, { timeoutMs, signal })
      return new Admin(session, new ControlLink(server, connectionOptions, timeoutMs))
    })
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

  // What only Geartrain has

  /**
   * Any of the operations that a Geartrain server has beside the commands of Gearman. Rejects with a ServerError whose
   * `serverCode` is BAD_REQUEST, NOT_FOUND, CONFLICT, STORE_FAILED, SHUTTING_DOWN or INTERNAL_ERROR.
   */
  async control<Operation extends ControlOperation>(
    operation: Operation,
    params: ControlOperations[Operation]['params'],
    options: CallOptions = {},
  ): Promise<ControlOperations[Operation]['answer']> {
    // A server answers an operation with what is its answer: that is the protocol.
    return (await this.#link.ask(operation, params, options)) as ControlOperations[Operation]['answer']
  }

  /** Every function with its jobs in each state, and whether it is paused. */
  async functions(options?: CallOptions): Promise<readonly FunctionState[]> {
    return (await this.control('functions', {}, options)).functions
  }

  /** What holds for a function or a pattern such as `mail.*`, and where each value comes from. */
  async policy(name: string, options?: CallOptions): Promise<FunctionPolicy> {
    return this.control('function show', { name }, options)
  }

  /** Values are written as in the configuration file; null takes one back. All of them or none. */
  async setPolicy(
    name: string,
    values: Readonly<Record<string, string | number | boolean | null>>,
    options?: CallOptions,
  ): Promise<FunctionPolicy> {
    const texts = Object.entries(values).map(([key, value]) => [key, value === null ? null : String(value)] as const)
    return this.control('function set', { name, values: Object.fromEntries(texts) }, options)
  }

  /** No job of the function is given to a worker. */
  async pause(name: string, options?: CallOptions): Promise<void> {
    await this.setPolicy(name, { paused: true }, options)
  }

  /** No job of the function is taken from a client. */
  async drain(name: string, options?: CallOptions): Promise<void> {
    await this.setPolicy(name, { draining: true }, options)
  }

  /** Ends `pause` and `drain`. */
  async resume(name: string, options?: CallOptions): Promise<void> {
    await this.setPolicy(name, { paused: false, draining: false }, options)
  }

  /** Ends all jobs of the function that wait. How many there were. */
  async purge(name: string, options?: CallOptions): Promise<number> {
    return (await this.control('function purge', { name }, options)).purged
  }

  /** All that is known of a job, its result too if that is kept. Undefined: nothing is. */
  async job(handle: string, options?: CallOptions): Promise<JobDescription | undefined> {
    return orUndefined(this.control('job show', { handle }, options))
  }

  /** Those that have not ended, page by page. */
  async *listJobs(
    filter: { readonly function?: string; readonly state?: 'ready' | 'delayed' | 'running' } = {},
    options?: CallOptions,
  ): AsyncGenerator<JobSummary, void, undefined> {
    yield* pages(async (after) => {
      return this.control('jobs', { ...filter, ...(after === undefined ? {} : { after }), limit: pageJobs }, options)
    })
  }

  /** A job that waits goes to the end of another line. */
  async prioritize(handle: string, priority: PriorityName, options?: CallOptions): Promise<void> {
    await this.control('job prioritize', { handle, priority }, options)
  }

  /** The latest first, page by page. */
  async *deadJobs(filter: DeadFilter = {}, options?: CallOptions): AsyncGenerator<DeadJob, void, undefined> {
    yield* pages(async (before) => {
      return this.control('dead', { ...filter, ...(before === undefined ? {} : { before }), limit: pageJobs }, options)
    })
  }

  /** Dead jobs are ready again, as if they were new; one that is named may get another workload. */
  async retryDead(
    jobs: DeadChoice,
    { workload, ...options }: CallOptions & { readonly workload?: Workload | undefined } = {},
  ): Promise<ControlOperations['dead retry']['answer']> {
    const bytes =
      workload === undefined ? {} : { workload: { base64: Buffer.from(workloadBytes(workload)).toString('base64') } }
    return this.control('dead retry', { ...chosen(jobs), ...bytes }, options)
  }

  /** How many there were. */
  async deleteDead(jobs: DeadChoice, options?: CallOptions): Promise<number> {
    return (await this.control('dead delete', chosen(jobs), options)).deleted
  }

  /** All of them, or those of a function. */
  async schedules(jobFunction?: string, options?: CallOptions): Promise<readonly ScheduleState[]> {
    const filter = jobFunction === undefined ? {} : { function: jobFunction }
    return (await this.control('schedules', filter, options)).schedules
  }

  /** Undefined: there is none of that name. */
  async schedule(name: string, options?: CallOptions): Promise<ScheduleState | undefined> {
    return orUndefined(this.control('schedule show', { name }, options))
  }

  /** A new one, or in the place of the one of that name. */
  async putSchedule(definition: ScheduleDefinition, options?: CallOptions): Promise<ScheduleState> {
    return this.control('schedule put', definition, options)
  }

  async pauseSchedule(name: string, options?: CallOptions): Promise<ScheduleState> {
    return this.control('schedule pause', { name }, options)
  }

  async resumeSchedule(name: string, options?: CallOptions): Promise<ScheduleState> {
    return this.control('schedule resume', { name }, options)
  }

  /** Now, beside its times. The handle of the job. */
  async runSchedule(name: string, options?: CallOptions): Promise<string> {
    return (await this.control('schedule run', { name }, options)).handle
  }

  async removeSchedule(name: string, options?: CallOptions): Promise<void> {
    await this.control('schedule remove', { name }, options)
  }

  /** Commands without an answer fail with ClosedError. */
  async close(): Promise<void> {
    await Promise.all([this.#session.close(), this.#link.close()])
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

function chosen(jobs: DeadChoice): { handles: readonly string[] } | { filter: DeadFilter } {
  if (typeof jobs === 'string') return { handles: [jobs] }
  // Array.isArray does not know of readonly arrays.
  return 'length' in jobs ? { handles: jobs as readonly string[] } : { filter: jobs }
}

async function orUndefined<Value>(answer: Promise<Value>): Promise<Value | undefined> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof ServerError && error.serverCode === 'NOT_FOUND') return undefined
    throw error
  }
}

async function* pages<Job>(
  read: (cursor: string | undefined) => Promise<{ readonly jobs: readonly Job[]; readonly next?: string }>,
): AsyncGenerator<Job, void, undefined> {
  let cursor: string | undefined
  do {
    const { jobs, next } = await read(cursor)
    yield* jobs
    cursor = next
  } while (cursor !== undefined)
}
