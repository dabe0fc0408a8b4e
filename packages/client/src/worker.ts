import { setTimeout as delay } from 'node:timers/promises'
import { parseServers, type ServerAddress, type Servers } from './address.ts'
import { type AssignedJob, JobFailure, type JobHandler } from './assigned-job.ts'
import type { Assignment } from './assignment.ts'
import { type BackoffOptions, backoffMs, defaultBackoff } from './backoff.ts'
import { defaultConnectionLimits } from './connection.ts'
import { checkedTimeoutMs, startCutoff } from './cutoff.ts'
import { Deferred } from './deferred.ts'
import {
  AbortedError,
  ClosedError,
  ConnectError,
  type ConnectionLostError,
  GeartrainError,
  InvalidArgumentError,
  ProtocolError,
} from './errors.ts'
import { openFirstReachable } from './first-reachable.ts'
import { wireName } from './wire-name.ts'
import { type Ability, type JobTaker, WorkerSession } from './worker-session.ts'
import { workloadBytes } from './workload.ts'

export interface WorkerOptions {
  /** Jobs at once; default 1. */
  readonly concurrency?: number | undefined
  /** The name that the server lists it by: no blanks, at most 127 bytes. */
  readonly clientId?: string | undefined
  /** `start()` waits for a server instead of rejecting when none can be reached; default false. */
  readonly waitForServer?: boolean | undefined
  /** Time for each server of the list to answer; default 10 s. */
  readonly connectTimeoutMs?: number | undefined
  /** Waits between attempts to connect again: default 100 ms at first, doubling up to 10 s. */
  readonly reconnect?: Partial<BackoffOptions> | undefined
  /** Jobs that run at `close()` have so long before they are aborted; default: as long as they take. */
  readonly closeTimeoutMs?: number | undefined
  /** The largest packet that is taken from a server; default 1 GiB. */
  readonly packetBytesMax?: number | undefined
  readonly onConnect?: ((server: ServerAddress) => void) | undefined
  /** The connection is lost, or an attempt to open it again failed; the next one is due in `retryMs`. */
  readonly onDisconnect?: ((error: ConnectionLostError | ConnectError, retryMs: number) => void) | undefined
  /** What a handler threw, and what the server did not accept. The client sees of an error only its message. */
  readonly onError?: ((error: unknown, job: AssignedJob | undefined) => void) | undefined
}

export interface HandleOptions {
  /**
   * The server gives the job to another worker when it takes longer; at least 1000. The handler's `job.signal` is then
   * aborted, and its slot is free for the next job.
   */
  readonly timeoutMs?: number | undefined
}

interface HandledAbility extends Ability {
  readonly handler: JobHandler
}

const clientIdBytesMax = 127
const timeoutMsMin = 1000
const defaultConnectTimeoutMs = 10_000
/** A server that is told goodbye has so long to answer that it got the last results. */
const goodbyeMs = 5000

const noResult = new Uint8Array(0)

/**
 * Does jobs. It takes them from one server, keeps at most `concurrency` of them, and when the connection is lost it
 * opens another and registers its functions again, until `close()`.
 */
export class Worker {
  readonly #servers: readonly ServerAddress[]
  readonly #options: WorkerOptions
  readonly #concurrency: number
  readonly #clientId: string | undefined
  readonly #backoff: BackoffOptions
  readonly #abilities = new Map<string, HandledAbility>()
  readonly #taker: JobTaker
  #session: WorkerSession | undefined
  #started: Promise<void> | undefined
  #reconnected: Promise<void> | undefined
  #closing: Promise<void> | undefined
  readonly #stop = new AbortController()
  readonly #closed = new Deferred<void>()
  #running = 0
  /** Jobs that the servers have given it, ever. */
  #taken = 0
  /** Resolved when no job runs, or `close()` has waited long enough. Only `close()` makes it. */
  #idle: Deferred<void> | undefined

  constructor(servers?: Servers, options: WorkerOptions = {}) {
    const { concurrency = 1, clientId, reconnect } = options
    if (!Number.isInteger(concurrency) || concurrency < 1) {
      throw new InvalidArgumentError(`concurrency is a whole number from 1, not ${concurrency}`)
    }
    if (clientId !== undefined && /[\s\p{Cc}]/u.test(clientId)) {
      throw new InvalidArgumentError(`there are blanks in the clientId ${JSON.stringify(clientId)}`)
    }
    this.#servers = parseServers(servers)
    this.#options = options
    this.#concurrency = concurrency
    this.#clientId = clientId === undefined ? undefined : wireName(clientId, 'clientId', clientIdBytesMax)
    this.#backoff = { ...defaultBackoff, ...reconnect }
    this.#taker = {
      freeSlots: () => (this.#stop.signal.aborted ? 0 : this.#concurrency - this.#running),
      take: (job, wireFunction, session) => this.#take(job, wireFunction, session),
      refused: (error) => options.onError?.(error, undefined),
      lost: (session, error) => this.#lose(session, error),
    }
  }

  /** Sets what does the jobs of a function, before `start()` or after it. */
  handle(jobFunction: string, handler: JobHandler, options: HandleOptions = {}): this {
    const { timeoutMs } = options
    if (timeoutMs !== undefined && checkedTimeoutMs(timeoutMs) < timeoutMsMin) {
      throw new InvalidArgumentError(`timeoutMs is at least ${timeoutMsMin}, not ${timeoutMs}: servers know no less`)
    }
    const name = wireName(jobFunction, 'function')
    if (this.#abilities.has(name)) throw new InvalidArgumentError(`${jobFunction} has a handler already`)
    const ability = { wireName: name, timeoutMs: timeoutMs === undefined ? undefined : Math.ceil(timeoutMs), handler }
    this.#abilities.set(name, ability)
    this.#session?.register([ability])
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

  async #start(): Promise<void> {
    if (this.#abilities.size === 0) throw new InvalidArgumentError('a worker without functions: call handle() first')
    try {
      await this.#open()
    } catch (error) {
      if (!(error instanceof ConnectError) || this.#options.waitForServer !== true) throw error
      await this.#reconnect(error)
    }
    if (this.#session === undefined) throw new ClosedError('the worker was closed before it had started')
  }

  async #open(): Promise<void> {
    if (this.#stop.signal.aborted) throw new ClosedError('the worker is closed')
    const { packetBytesMax = defaultConnectionLimits.packetBytesMax } = this.#options
    const limits = { signal: this.#stop.signal, timeoutMs: this.#options.connectTimeoutMs ?? defaultConnectTimeoutMs }
    const abilities = this.#abilities
    const session = await openFirstReachable(this.#servers, (server) =>
      WorkerSession.open(server, this.#taker, abilities.values(), this.#clientId, { packetBytesMax }, limits),
    )
    this.#session = session
    // Also those that were added while the session was being opened.
    session.register(abilities.values())
    session.start()
    this.#options.onConnect?.(session.address)
  }

  /** Tries until there is a session again, or the worker is closed. */
  async #reconnect(reason: ConnectionLostError | ConnectError): Promise<void> {
    let error = reason
    for (let attempt = 0; ; attempt++) {
      const retryMs = backoffMs(this.#backoff, attempt)
      this.#options.onDisconnect?.(error, retryMs)
      if (!(await this.#wait(retryMs))) return
      try {
        await this.#open()
        return
      } catch (failure) {
        if (failure instanceof AbortedError || failure instanceof ClosedError) return
        if (!(failure instanceof ConnectError)) throw failure
        error = failure
      }
    }
  }

  /** False: the worker was closed meanwhile. */
  async #wait(ms: number): Promise<boolean> {
    try {
      await delay(ms, undefined, { signal: this.#stop.signal })
      return true
    } catch {
      return false
    }
  }

  #lose(session: WorkerSession, error: ConnectionLostError): void {
    // Others were never in use: whoever opened them has been told.
    if (session !== this.#session) return
    this.#session = undefined
    if (!this.#stop.signal.aborted) this.#reconnected = this.#reconnect(error)
  }

  #take(job: Assignment, wireFunction: string, session: WorkerSession): void {
    const ability = this.#abilities.get(wireFunction)
    if (ability === undefined) throw new ProtocolError(`a job came of ${wireFunction}, which was not registered`)
    this.#running++
    this.#taken++
    void this.#work(job, ability, session)
  }

  async #work(job: Assignment, ability: HandledAbility, session: WorkerSession): Promise<void> {
    const { timeoutMs } = ability
    const stopTimer =
      timeoutMs === undefined
        ? undefined
        : startCutoff({ timeoutMs }, `the job ${job.handle} of ${job.function}`, (error) => {
            // The server has taken it away. The slot is given up with it, or a handler that hangs would stop the worker.
            job.drop(error)
            this.#release(job, session)
            this.#options.onError?.(error, job)
          })
    try {
      const result = await ability.handler(job)
      job.complete(resultBytes(result))
    } catch (thrown) {
      job.fail(thrown)
      if (!isExpected(thrown, job)) this.#options.onError?.(thrown, job)
    } finally {
      stopTimer?.()
      this.#release(job, session)
    }
  }

  #release(job: Assignment, session: WorkerSession): void {
    if (job.isReleased) return
    job.isReleased = true
    this.#running--
    session.release(job)
    if (session !== this.#session) this.#session?.grab()
    if (this.#running === 0) this.#idle?.resolve()
  }

  async #close(): Promise<void> {
    this.#stop.abort()
    let isOverdue = false
    const release = startCutoff({ timeoutMs: this.#options.closeTimeoutMs }, 'close()', () => {
      isOverdue = true
      this.#session?.destroy(new ClosedError('the worker was closed before the job was done'))
      this.#idle?.resolve()
    })
    await this.#started?.catch(() => undefined)
    await this.#reconnected
    let taken: number
    do {
      this.#idle = new Deferred()
      if (this.#running > 0 && !isOverdue) await this.#idle.promise
      taken = this.#taken
      await this.#sayGoodbye()
      // The server may have answered an earlier GRAB_JOB_ALL with a job before it saw the goodbye.
    } while (this.#taken > taken && !isOverdue)
    release()
    await this.#session?.close()
  }

  /** The connection is not ended before the server has the last result. */
  async #sayGoodbye(): Promise<void> {
    try {
      await this.#session?.sync({ timeoutMs: goodbyeMs })
    } catch (error) {
      if (!(error instanceof GeartrainError)) throw error
      this.#options.onError?.(error, undefined)
    }
  }
}

function resultBytes(result: unknown): Uint8Array {
  if (result === undefined) return noResult
  if (typeof result === 'string' || result instanceof Uint8Array) return workloadBytes(result)
  const type = result === null ? 'null' : typeof result
  throw new InvalidArgumentError(`a handler returns a string, a Uint8Array or nothing, not ${type}`)
}

/** A handler that gives up on purpose, or because it was told to, is no error. */
function isExpected(thrown: unknown, job: Assignment): boolean {
  if (thrown instanceof JobFailure) return thrown.cause === undefined
  return job.isDropped && (thrown === job.signal.reason || (thrown instanceof Error && thrown.name === 'AbortError'))
}
