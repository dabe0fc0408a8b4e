import { setMaxListeners } from 'node:events'
import type tls from 'node:tls'
import { parseServers, type ServerAddress, type Servers } from './address.ts'
import { type AssignedJob, isJobFailure, type JobHandler } from './assigned-job.ts'
import type { Assignment } from './assignment.ts'
import { type BackoffOptions, checkedBackoff } from './backoff.ts'
import { defaultConnectionOptions, tlsOptions } from './connection.ts'
import { checkedCloseTimeoutMs, checkedTimeoutMs, startCutoff } from './cutoff.ts'
import { Deferred } from './deferred.ts'
import {
  ClosedError,
  type ConnectError,
  type ConnectionLostError,
  GeartrainError,
  InvalidArgumentError,
  JobCancelledError,
  TimeoutError,
} from './errors.ts'
import { unreachable } from './first-reachable.ts'
import { checkedHeartbeatMs, defaultHeartbeatMs } from './heartbeat.ts'
import { JobSlots } from './job-slots.ts'
import {
  type AnyJobs,
  type FunctionName,
  type HandlerResult,
  type JobTypes,
  type ReceivedInput,
  typeOf,
} from './job-types.ts'
import { type Ability, Lane } from './lane.ts'
import { performer } from './performer.ts'
import type { SpanStarter } from './span-starter.ts'
import { checkedToken } from './token.ts'
import { Tracing } from './tracing.ts'
import { wireName } from './wire-name.ts'
import { WorkerLink } from './worker-link.ts'
import type { WorkerSession } from './worker-session.ts'

export interface WorkerOptions<Jobs extends JobTypes = AnyJobs> {
  /** The functions with what they take and give; without, all functions take and give bytes. */
  readonly jobs?: Jobs | undefined
  /** Jobs at once, of all servers together; default 1. */
  readonly concurrency?: number | undefined
  /** The name that the servers list it by: no blanks, at most 127 bytes. */
  readonly clientId?: string | undefined
  /** `start()` waits for a server instead of rejecting when none can be reached; default false. */
  readonly waitForServer?: boolean | undefined
  /** Time for a server to answer; default 10 s. */
  readonly connectTimeoutMs?: number | undefined
  /** Waits between attempts to connect again: default 100 ms at first, doubling up to 10 s. */
  readonly reconnect?: Partial<BackoffOptions> | undefined
  /** A server that has said nothing for so long is asked for a sign, and has as long to give it; default 60 s, 0: never. */
  readonly heartbeatMs?: number | undefined
  /** Jobs that run at `close()` have so long before they are aborted; default: as long as they take. */
  readonly closeTimeoutMs?: number | undefined
  /** The largest packet that is taken from a server; default 1 GiB. */
  readonly packetBytesMax?: number | undefined
  /**
   * A larger result fails its job; default 64 MiB less 1 KiB, which is what servers take. One that gets more closes the
   * connection, and the job would come again and again.
   */
  readonly resultBytesMax?: number | undefined
  /** Encrypts the connections: `true`, or what Node's `tls.connect` takes, such as `ca`, `cert` and `key`. */
  readonly tls?: boolean | tls.ConnectionOptions | undefined
  /** Who this is, for servers with access rules: what `geartrain token` has made. */
  readonly token?: string | undefined
  /**
   * Runs each handler in a span of OpenTelemetry, which continues the trace of the job's client: `true`, or a tracer.
   * Needs `@opentelemetry/api`; default false.
   */
  readonly tracing?: boolean | SpanStarter | undefined
  /** A server knows the functions: the first time, or again. */
  readonly onConnect?: ((server: ServerAddress) => void) | undefined
  /** A server is lost, or an attempt to reach it failed; the next one is due in `retryMs`. */
  readonly onDisconnect?:
    | ((error: ConnectionLostError | ConnectError, retryMs: number, server: ServerAddress) => void)
    | undefined
  /**
   * What a handler threw, jobs that took too long or were cancelled, and what the server did not accept. The client sees
   * of an error only its message.
   */
  readonly onError?: ((error: unknown, job: AssignedJob | undefined) => void) | undefined
}

export interface HandleOptions {
  /**
   * The server gives the job to another worker when it takes longer; at least 1000. The handler's `job.signal` is then
   * aborted, and its slot is free for the next job.
   */
  readonly timeoutMs?: number | undefined
  /**
   * Jobs of this function at once; default: as many as the worker does. If it is fewer, the function has a connection of
   * its own to each server, so that these can give the jobs above it to other workers.
   */
  readonly concurrency?: number | undefined
}

const clientIdBytesMax = 127
const timeoutMsMin = 1000
/** What a server takes in one packet by default, with room for the handle. */
export const defaultResultBytesMax: number = 64 * 1024 * 1024 - 1024
const defaultConnectTimeoutMs = 10_000
/** A server that is told goodbye has so long to answer that it got the last results. */
const goodbyeMs = 5000

/**
 * Does jobs. It takes them from all servers of the list, keeps at most `concurrency` of them, and when a server is lost
 * it goes on with the others, connects again and registers its functions again, until `close()`.
 */
export class Worker<Jobs extends JobTypes = AnyJobs> {
  readonly #options: WorkerOptions<Jobs>
  readonly #concurrency: number
  readonly #closeTimeoutMs: number | undefined
  readonly #resultBytesMax: number
  readonly #slots: JobSlots
  readonly #tracing: Tracing | undefined
  readonly #names = new Set<string>()
  /** Of the functions without a limit of their own. */
  #commonLane: Lane | undefined
  readonly #lanes: Lane[] = []
  readonly #links: readonly WorkerLink[]
  #started: Promise<void> | undefined
  #closing: Promise<void> | undefined
  readonly #stop = new AbortController()
  readonly #closed = new Deferred<void>()
  #running = 0
  /** Jobs that the servers have given it, ever. */
  #taken = 0
  /** Resolved when no job runs, or `close()` has waited long enough. Only `close()` makes it. */
  #idle: Deferred<void> | undefined

  constructor(servers?: Servers, options: WorkerOptions<Jobs> = {}) {
    const {
      concurrency = 1,
      clientId,
      connectTimeoutMs = defaultConnectTimeoutMs,
      reconnect,
      heartbeatMs = defaultHeartbeatMs,
      closeTimeoutMs,
      resultBytesMax = defaultResultBytesMax,
      packetBytesMax = defaultConnectionOptions.packetBytesMax,
      tls,
      token,
      tracing,
      onConnect,
      onDisconnect,
    } = options
    if (clientId !== undefined && /[\s\p{Cc}]/u.test(clientId)) {
      throw new InvalidArgumentError(`there are blanks in the clientId ${JSON.stringify(clientId)}`)
    }
    this.#options = options
    this.#tracing = Tracing.of(tracing)
    this.#resultBytesMax = resultBytesMax
    this.#closeTimeoutMs = closeTimeoutMs === undefined ? undefined : checkedCloseTimeoutMs(closeTimeoutMs)
    // Every server listens to it.
    setMaxListeners(0, this.#stop.signal)
    this.#concurrency = checkedConcurrency(concurrency)
    this.#slots = new JobSlots(concurrency)
    const linkOptions = {
      session: {
        taker: {
          take: (job: Assignment, ability: Ability, session: WorkerSession) => this.#take(job, ability, session),
          cancelled: (job: Assignment, session: WorkerSession, isOverdue: boolean) =>
            this.#cancelled(job, session, isOverdue),
          refused: (error: Error) => options.onError?.(error, undefined),
        },
        slots: this.#slots,
        isTraced: this.#tracing !== undefined,
        clientId: clientId === undefined ? undefined : wireName(clientId, 'clientId', clientIdBytesMax),
        connection: { packetBytesMax, tls: tlsOptions(tls), token: checkedToken(token) },
        heartbeatMs: checkedHeartbeatMs(heartbeatMs),
      },
      lanes: this.#lanes,
      connectTimeoutMs: checkedTimeoutMs(connectTimeoutMs),
      reconnect: checkedBackoff(reconnect),
      stop: this.#stop.signal,
      onConnect,
      onDisconnect,
    }
    this.#links = parseServers(servers).map((server) => new WorkerLink(server, linkOptions))
  }

  /** Sets what does the jobs of a function, before `start()` or after it. */
  handle<Name extends FunctionName<Jobs>>(
    jobFunction: Name,
    handler: JobHandler<ReceivedInput<Jobs, Name>, HandlerResult<Jobs, Name>>,
    options: HandleOptions = {},
  ): this {
    const { timeoutMs, concurrency = this.#concurrency } = options
    if (timeoutMs !== undefined && checkedTimeoutMs(timeoutMs) < timeoutMsMin) {
      throw new InvalidArgumentError(`timeoutMs is at least ${timeoutMsMin}, not ${timeoutMs}: servers know no less`)
    }
    const name = wireName(jobFunction, 'function')
    if (this.#names.has(name)) throw new InvalidArgumentError(`${jobFunction} has a handler already`)
    const lane = this.#laneFor(checkedConcurrency(concurrency))
    this.#names.add(name)
    const timeout = timeoutMs === undefined ? undefined : Math.ceil(timeoutMs)
    const perform = performer(jobFunction, handler, typeOf(this.#options.jobs, jobFunction))
    lane.abilities.set(name, { wireName: name, timeoutMs: timeout, perform })
    for (const link of this.#links) link.serve(lane)
    return this
  }

  /**
   * Resolves when a server knows the functions and the worker takes jobs. Rejects with ConnectError if no server can
   * be reached, unless it is to wait for one.
   */
  start(): Promise<void> {
    this.#started ??= this.#start().catch((error: unknown) => {
      this.#started = undefined
      throw error
    })
    return this.#started
  }

  /** Starts, and resolves when the worker has closed: by `close()`, or because the signal was aborted. */
  async run(options: { readonly signal?: AbortSignal | undefined } = {}): Promise<void> {
    const { signal } = options
    const close = () => void this.close()
    if (signal?.aborted === true) close()
    else signal?.addEventListener('abort', close)
    try {
      await this.start()
    } catch (error) {
      if (!(error instanceof ClosedError)) throw error
    } finally {
      if (this.#started === undefined) signal?.removeEventListener('abort', close)
    }
    await this.#closed.promise
    signal?.removeEventListener('abort', close)
  }

  /**
   * Takes no more jobs, finishes those that run, and ends the connection. After `closeTimeoutMs` the signals of those
   * that still run are aborted, and the server gives them to others. A handler must not wait for it.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close().finally(this.#closed.resolve)
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #laneFor(concurrency: number): Lane {
    if (concurrency < this.#concurrency) return this.#addLane(concurrency)
    this.#commonLane ??= this.#addLane(this.#concurrency)
    return this.#commonLane
  }

  #addLane(concurrency: number): Lane {
    const lane = new Lane(concurrency)
    this.#lanes.push(lane)
    return lane
  }

  async #start(): Promise<void> {
    if (this.#lanes.length === 0) throw new InvalidArgumentError('a worker without functions: call handle() first')
    const { waitForServer = false } = this.#options
    if (!this.#stop.signal.aborted) {
      const attempts = this.#links.map((link) => ({ link, opened: link.open() }))
      if (!waitForServer) await this.#first(attempts.map(({ opened }) => opened))
      for (const { link, opened } of attempts) link.keep(opened)
      if (waitForServer) await Promise.race(this.#links.map((link) => link.settled))
    }
    if (this.#stop.signal.aborted) throw new ClosedError('the worker was closed before it had started')
  }

  /** Resolves with the first server that is reached, rejects if none can be. */
  async #first(attempts: readonly Promise<void>[]): Promise<void> {
    try {
      await Promise.any(attempts)
    } catch (error) {
      if (this.#stop.signal.aborted || !(error instanceof AggregateError)) return
      throw unreachable(
        this.#links.map((link) => link.address),
        error.errors,
      )
    }
  }

  #take(job: Assignment, ability: Ability, session: WorkerSession): void {
    this.#running++
    this.#taken++
    void this.#work(job, ability, session)
  }

  async #work(job: Assignment, ability: Ability, session: WorkerSession): Promise<void> {
    const { timeoutMs } = job
    // The connection keeps the process alive; without it nobody waits for the job.
    const timer = timeoutMs && setTimeout(() => this.#giveUp(job, session), timeoutMs).unref()
    try {
      const result = await (this.#tracing?.process(job, ability.perform) ?? ability.perform(job))
      if (result.length > this.#resultBytesMax) throw tooLarge(result, this.#resultBytesMax)
      job.complete(result)
    } catch (thrown) {
      job.fail(thrown)
      if (!isExpected(thrown, job)) this.#options.onError?.(thrown, job)
    } finally {
      if (timer) clearTimeout(timer)
      this.#release(job, session)
    }
  }

  /** The server has taken it away. The slot is given up with it, or a handler that hangs would stop the worker. */
  #giveUp(job: Assignment, session: WorkerSession): void {
    if (job.isReleased) return
    const error = new TimeoutError(`the job ${job.handle} of ${job.function} took longer than ${timeOf(job)}`)
    job.drop(error)
    this.#release(job, session)
    this.#options.onError?.(error, job)
  }

  /** The slot stays taken until the handler has ended: what it still does takes its place. */
  #cancelled(job: Assignment, session: WorkerSession, isOverdue: boolean): void {
    if (isOverdue) return this.#giveUp(job, session)
    const error = new JobCancelledError(job.function, job.handle)
    job.drop(error)
    this.#options.onError?.(error, job)
  }

  #release(job: Assignment, session: WorkerSession): void {
    if (job.isReleased) return
    job.isReleased = true
    this.#running--
    session.release(job)
    this.#slots.release(session.lane)
    if (this.#running === 0) this.#idle?.resolve()
  }

  async #close(): Promise<void> {
    this.#stop.abort()
    this.#slots.stop()
    let isOverdue = false
    const release = startCutoff({ timeoutMs: this.#closeTimeoutMs }, 'close()', () => {
      isOverdue = true
      for (const link of this.#links) link.destroy(new ClosedError('the worker was closed before the job was done'))
      this.#idle?.resolve()
    })
    await this.#started?.catch(() => undefined)
    await Promise.all(this.#links.map((link) => link.settled))
    let taken: number
    do {
      this.#idle = new Deferred()
      if (this.#running > 0 && !isOverdue) await this.#idle.promise
      taken = this.#taken
      await Promise.all(this.#links.flatMap((link) => link.sessions.map((session) => this.#sayGoodbye(session))))
      // A server may have answered an earlier GRAB_JOB_ALL with a job before it saw the goodbye.
    } while (this.#taken > taken && !isOverdue)
    release()
    await Promise.all(this.#links.map((link) => link.close()))
  }

  /** The connection is not ended before the server has the last result. */
  async #sayGoodbye(session: WorkerSession): Promise<void> {
    if (!session.isOpen) return
    try {
      await session.sync({ timeoutMs: goodbyeMs })
    } catch (error) {
      if (!(error instanceof GeartrainError)) throw error
      // Ended from here, because closing took too long.
      if (!(error.cause instanceof ClosedError)) this.#options.onError?.(error, undefined)
    }
  }
}

function tooLarge(result: Uint8Array, bytesMax: number): InvalidArgumentError {
  const advice = 'return a stream, or send parts with job.data(); a server that takes more needs resultBytesMax'
  return new InvalidArgumentError(`the result has ${result.length} bytes, at most ${bytesMax} are sent: ${advice}`)
}

function checkedConcurrency(concurrency: number): number {
  if (Number.isInteger(concurrency) && concurrency >= 1) return concurrency
  throw new InvalidArgumentError(`concurrency is a whole number from 1, not ${concurrency}`)
}

/** A handler that gives up on purpose, or because it was told to, is no error. */
function isExpected(thrown: unknown, job: Assignment): boolean {
  if (isJobFailure(thrown)) return thrown.cause === undefined
  return job.isDropped && (thrown === job.signal.reason || (thrown instanceof Error && thrown.name === 'AbortError'))
}

function timeOf({ timeoutMs }: Assignment): string {
  return timeoutMs === undefined ? 'the server gives it' : `${timeoutMs} ms`
}
