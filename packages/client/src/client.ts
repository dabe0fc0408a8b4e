import { packets } from '@geartrain/protocol'
import { parseServers, type ServerAddress, type Servers } from './address.ts'
import { ClientSession } from './client-session.ts'
import { defaultConnectionLimits, type RequestKind } from './connection.ts'
import { type CallOptions, throwIfAborted } from './cutoff.ts'
import { AbortedError, ClosedError, GeartrainError, InvalidArgumentError } from './errors.ts'
import { openFirstReachable } from './first-reachable.ts'
import type { IncomingPacket } from './incoming-packet.ts'
import { PromisedReply, type Reply } from './reply.ts'
import type { SubmittedJob } from './submitted-job.ts'
import { Waiter } from './waiter.ts'
import { readWireName, uniqueBytesMax, wireName } from './wire-name.ts'
import { type Workload, workloadBytes } from './workload.ts'

export type Priority = 'high' | 'normal' | 'low'

export interface ClientOptions {
  /** Time for each server of the list to answer; default 10 s. */
  readonly connectTimeoutMs?: number | undefined
  /** `close()` waits so long for the answers to what was sent; default 5 s. */
  readonly closeTimeoutMs?: number | undefined
  /** The largest packet that is taken from a server; default 1 GiB. */
  readonly packetBytesMax?: number | undefined
}

export interface ConnectOptions extends ClientOptions {
  readonly signal?: AbortSignal | undefined
}

export interface SubmitOptions extends CallOptions {
  /**
   * Jobs of a function with the same unique, waiting or running, are one job, whose end all submitters get. `-` stands
   * for the workload. At most 64 bytes.
   */
  readonly unique?: string | undefined
  readonly priority?: Priority | undefined
}

/** A job with `runAt` has the normal priority: the protocol knows no other. */
export type BackgroundOptions = CallOptions & {
  readonly unique?: string | undefined
} & (
    | { readonly priority?: Priority | undefined; readonly runAt?: undefined }
    | { readonly priority?: 'normal' | undefined; readonly runAt: Date }
  )

/** What the server knows of a job. Of one that has ended, or that never was, it knows nothing. */
export interface JobStatus {
  readonly isKnown: boolean
  readonly isRunning: boolean
  readonly numerator: number
  readonly denominator: number
}

export interface UniqueStatus extends JobStatus {
  /** Clients that wait for it. */
  readonly waiters: number
}

const foregroundKinds = { high: packets.SUBMIT_JOB_HIGH, normal: packets.SUBMIT_JOB, low: packets.SUBMIT_JOB_LOW }
const backgroundKinds = {
  high: packets.SUBMIT_JOB_HIGH_BG,
  normal: packets.SUBMIT_JOB_BG,
  low: packets.SUBMIT_JOB_LOW_BG,
}

const defaultConnectTimeoutMs = 10_000
const defaultCloseTimeoutMs = 5000

/**
 * Sends jobs to a server, over one connection that any number of jobs share. A connection that was lost fails what
 * waited on it, and the next call opens another.
 */
export class Client {
  readonly #servers: readonly ServerAddress[]
  readonly #options: ClientOptions
  #session: ClientSession | undefined
  #opening: Promise<ClientSession> | undefined
  /** Ends an opening that `close` meets. */
  readonly #stop = new AbortController()

  /** Connects with the first call. `Client.connect` does so at once, and says if it can't. */
  constructor(servers?: Servers, options: ClientOptions = {}) {
    this.#servers = parseServers(servers)
    this.#options = options
  }

  /** A client of the first server of the list that answers. */
  static async connect(servers?: Servers, options: ConnectOptions = {}): Promise<Client> {
    const client = new Client(servers, options)
    throwIfAborted(options.signal)
    const abort = () => client.#stop.abort(options.signal?.reason)
    options.signal?.addEventListener('abort', abort)
    try {
      await client.#open()
    } catch (error) {
      throwIfAborted(options.signal)
      throw error
    } finally {
      options.signal?.removeEventListener('abort', abort)
    }
    return client
  }

  /** Sends a job to whose end the caller listens. Nothing is thrown but InvalidArgumentError: the job tells. */
  submit(jobFunction: string, workload: Workload, options: SubmitOptions = {}): SubmittedJob {
    const { unique = '', priority = 'normal', signal } = options
    const args = [wireName(jobFunction, 'function'), wireName(unique, 'unique', uniqueBytesMax)]
    const waiter = new Waiter(jobFunction, unique, options)
    if (signal?.aborted === true) waiter.fail(new AbortedError(signal))
    else this.#request(foregroundKinds[priority], args, workloadBytes(workload), waiter)
    return waiter
  }

  /** Leaves a job with the server. The handle comes back when the server has taken it. */
  async submitBackground(jobFunction: string, workload: Workload, options: BackgroundOptions = {}): Promise<string> {
    const { unique = '', priority = 'normal', runAt } = options
    const args = [wireName(jobFunction, 'function'), wireName(unique, 'unique', uniqueBytesMax)]
    if (runAt === undefined)
      return this.#call(backgroundKinds[priority], args, workload, 'JOB_CREATED', readHandle, options)
    if (priority !== 'normal') throw new InvalidArgumentError('a job with runAt has the normal priority')
    args.push(String(epochSeconds(runAt)))
    return this.#call(packets.SUBMIT_JOB_EPOCH, args, workload, 'JOB_CREATED', readHandle, options)
  }

  /** How the job with this handle stands. */
  async status(handle: string, options: CallOptions = {}): Promise<JobStatus> {
    return this.#call(packets.GET_STATUS, [wireName(handle, 'handle')], undefined, 'STATUS_RES', readStatus, options)
  }

  /** How a job stands that was submitted with this unique, whatever its function. */
  async statusByUnique(unique: string, options: CallOptions = {}): Promise<UniqueStatus> {
    const args = [wireName(unique, 'unique', uniqueBytesMax)]
    return this.#call(packets.GET_STATUS_UNIQUE, args, undefined, 'STATUS_RES_UNIQUE', readUniqueStatus, options)
  }

  /** The same bytes, by way of the server. */
  async echo(data: Workload, options: CallOptions = {}): Promise<Uint8Array> {
    return this.#call(packets.ECHO_REQ, [], data, 'ECHO_RES', (packet) => packet.data(), options)
  }

  /**
   * Waits until the server has answered what was sent, then ends the connection. Foreground jobs that have not ended
   * by then fail with ClosedError.
   */
  async close(): Promise<void> {
    this.#stop.abort()
    // An opening that can't be stopped any more leaves a session.
    await this.#opening?.catch(() => undefined)
    await this.#session?.close(this.#options.closeTimeoutMs ?? defaultCloseTimeoutMs)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #call<T>(
    kind: RequestKind,
    args: readonly string[],
    data: Workload | undefined,
    expects: Reply['expects'],
    read: (packet: IncomingPacket) => T,
    options: CallOptions,
  ): Promise<T> {
    throwIfAborted(options.signal)
    const reply = new PromisedReply(expects, read, options)
    this.#request(kind, args, data === undefined ? undefined : workloadBytes(data), reply)
    return reply.promise
  }

  #request(kind: RequestKind, args: readonly string[], data: Uint8Array | undefined, reply: Reply): void {
    if (this.#stop.signal.aborted) {
      reply.fail(new ClosedError('the client is closed'))
    } else if (this.#session?.isOpen === true) {
      this.#session.request(kind, args, data, reply)
    } else {
      void this.#requestWhenOpen(kind, args, data, reply)
    }
  }

  /** Requests that wait for the same opening go out in the order in which they came. */
  async #requestWhenOpen(
    kind: RequestKind,
    args: readonly string[],
    data: Uint8Array | undefined,
    reply: Reply,
  ): Promise<void> {
    try {
      const session = await this.#open()
      session.request(kind, args, data, reply)
    } catch (error) {
      if (!(error instanceof GeartrainError)) throw error
      reply.fail(error instanceof AbortedError ? new ClosedError('the client was closed', { cause: error }) : error)
    }
  }

  #open(): Promise<ClientSession> {
    this.#opening ??= this.#openSession().finally(() => {
      this.#opening = undefined
    })
    return this.#opening
  }

  async #openSession(): Promise<ClientSession> {
    const { connectTimeoutMs = defaultConnectTimeoutMs, packetBytesMax = defaultConnectionLimits.packetBytesMax } =
      this.#options
    const limits = { signal: this.#stop.signal, timeoutMs: connectTimeoutMs }
    this.#session = await openFirstReachable(this.#servers, (server) =>
      ClientSession.open(server, { packetBytesMax }, limits),
    )
    return this.#session
  }
}

/** Rounded up: not before the time that was asked for. */
function epochSeconds(runAt: Date): number {
  const seconds = Math.ceil(runAt.getTime() / 1000)
  if (!(seconds >= 0)) throw new InvalidArgumentError('runAt is no time that the protocol can tell')
  return seconds
}

function readHandle(packet: IncomingPacket): string {
  return readWireName(packet.argument(0))
}

function readStatus(packet: IncomingPacket): JobStatus {
  return {
    isKnown: packet.flag(1),
    isRunning: packet.flag(2),
    numerator: packet.number(3),
    denominator: packet.number(4),
  }
}

function readUniqueStatus(packet: IncomingPacket): UniqueStatus {
  return { ...readStatus(packet), waiters: packet.number(5) }
}
