import { setMaxListeners } from 'node:events'
import type tls from 'node:tls'
import { packets } from '@geartrain/protocol'
import type { Servers } from './address.ts'
import { type BackoffOptions, checkedBackoff } from './backoff.ts'
import type { ClientSession, Request as SessionRequest } from './client-session.ts'
import { encodeValue, pass } from './codec.ts'
import { defaultConnectionOptions, tlsOptions } from './connection.ts'
import { type CallOptions, checkedCloseTimeoutMs, checkedTimeoutMs, throwIfAborted } from './cutoff.ts'
import { AbortedError, ClosedError, GeartrainError, InvalidArgumentError, ServerError } from './errors.ts'
import { checkedHeartbeatMs, defaultHeartbeatMs } from './heartbeat.ts'
import type { IncomingPacket } from './incoming-packet.ts'
import { type JobStatus, readStatus, readUniqueStatus, type UniqueStatus } from './job-status.ts'
import {
  type AnyJobs,
  type FunctionName,
  type JobTypes,
  type ReceivedOutput,
  type SentInput,
  submitterCodecs,
} from './job-types.ts'
import { type Settled, type Stop, settleInOrder } from './many.ts'
import { PromisedReply, type Reply } from './reply.ts'
import { Resubmitter } from './resubmitter.ts'
import { ServerList } from './server-list.ts'
import type { SpanStarter } from './span-starter.ts'
import {
  type BackgroundOptions,
  draftBackground,
  draftForeground,
  type Submission,
  type SubmitOptions,
  toSubmission,
} from './submission.ts'
import type { SubmittedJob } from './submitted-job.ts'
import { checkedToken } from './token.ts'
import { Tracing } from './tracing.ts'
import { type Submitter, Waiter } from './waiter.ts'
import { readWireName, uniqueBytesMax, wireName } from './wire-name.ts'
import { type Workload, workloadBytes } from './workload.ts'

export interface ClientOptions<Jobs extends JobTypes = AnyJobs> {
  /** The functions with what they take and give; without, all functions take and give bytes. */
  readonly jobs?: Jobs | undefined
  /** Time for each server of the list to answer; default 10 s. */
  readonly connectTimeoutMs?: number | undefined
  /** Waits between attempts to reach a server that is gone: default 100 ms at first, doubling up to 10 s. */
  readonly reconnect?: Partial<BackoffOptions> | undefined
  /** How often a foreground job is submitted again whose server went away; default 5, and 0 is never. */
  readonly resubmissions?: number | undefined
  /** Such a job fails when no server can be reached for so long; default 30 s. */
  readonly resubmitTimeoutMs?: number | undefined
  /** `close()` waits so long for the answers to what was sent; default 5 s. */
  readonly closeTimeoutMs?: number | undefined
  /** A server that has said nothing for so long is asked, and given up if it then says nothing; default 60 s, 0: never. */
  readonly heartbeatMs?: number | undefined
  /** The largest packet that is taken from a server; default 1 GiB. */
  readonly packetBytesMax?: number | undefined
  /** Encrypts the connections: `true`, or what Node's `tls.connect` takes, such as `ca`, `cert` and `key`. */
  readonly tls?: boolean | tls.ConnectionOptions | undefined
  /** Who this is, for servers with access rules: what `geartrain token` has made. */
  readonly token?: string | undefined
  /**
   * Makes a span of OpenTelemetry for each submission, and tells a Geartrain server of its trace: `true`, or a tracer.
   * Needs `@opentelemetry/api`; default false.
   */
  readonly tracing?: boolean | SpanStarter | undefined
}

export interface ConnectOptions<Jobs extends JobTypes = AnyJobs> extends ClientOptions<Jobs> {
  readonly signal?: AbortSignal | undefined
}

export interface ManyOptions {
  /** How many are sent that were not given back yet; default 1000. */
  readonly inFlight?: number | undefined
}

const defaultConnectTimeoutMs = 10_000
const defaultCloseTimeoutMs = 5000
const defaultResubmissions = 5
const defaultResubmitTimeoutMs = 30_000
const defaultInFlight = 1000
const closedSentence = 'the client is closed'

type Request = SessionRequest & Partial<Pick<Submission, 'key'>>

/**
 * Sends jobs to a server, over one connection that any number of jobs share. Of several servers the first one that can
 * be reached gets them; those with a unique go where all clients with the same list send them.
 */
export class Client<out Jobs extends JobTypes = AnyJobs> {
  readonly #jobs: Jobs | undefined
  readonly #servers: ServerList
  readonly #resubmitter: Resubmitter
  readonly #submitter: Submitter = {
    takeLost: (waiter, error) => this.#resubmitter.take(waiter, error),
    forget: (waiter) => this.#resubmitter.forget(waiter),
    status: (handle, options) => this.status(handle, options),
  }
  readonly #closeTimeoutMs: number
  readonly #tracing: Tracing | undefined
  /** Aborted by `close`. */
  readonly #stop = new AbortController()

  /** Connects with the first call. `Client.connect` does so at once, and says if it can't. */
  constructor(servers?: Servers, options: ClientOptions<Jobs> = {}) {
    const {
      jobs,
      connectTimeoutMs = defaultConnectTimeoutMs,
      reconnect,
      resubmissions = defaultResubmissions,
      resubmitTimeoutMs = defaultResubmitTimeoutMs,
      closeTimeoutMs = defaultCloseTimeoutMs,
      heartbeatMs = defaultHeartbeatMs,
      packetBytesMax = defaultConnectionOptions.packetBytesMax,
      tls,
      token,
      tracing,
    } = options
    this.#jobs = jobs
    this.#tracing = Tracing.of(tracing)
    this.#closeTimeoutMs = checkedCloseTimeoutMs(closeTimeoutMs)
    // Of each server, and of each connection that is being opened.
    setMaxListeners(0, this.#stop.signal)
    this.#servers = new ServerList(servers, {
      session: {
        packetBytesMax,
        tls: tlsOptions(tls),
        token: checkedToken(token),
        heartbeatMs: checkedHeartbeatMs(heartbeatMs),
      },
      connectTimeoutMs: checkedTimeoutMs(connectTimeoutMs),
      reconnect: checkedBackoff(reconnect),
      stop: this.#stop.signal,
      onUp: () => this.#resubmitter.tryAll(),
    })
    this.#resubmitter = new Resubmitter(this.#servers, {
      attemptsMax: checkedResubmissions(resubmissions),
      patienceMs: checkedTimeoutMs(resubmitTimeoutMs),
    })
  }

  /** A client of which a server has been reached. */
  static async connect<Jobs extends JobTypes = AnyJobs>(
    servers?: Servers,
    options: ConnectOptions<Jobs> = {},
  ): Promise<Client<Jobs>> {
    const { signal } = options
    const client = new Client<Jobs>(servers, options)
    throwIfAborted(signal)
    const abort = () => client.#stop.abort(signal?.reason)
    signal?.addEventListener('abort', abort)
    try {
      await client.#servers.open(undefined)
      return client
    } catch (error) {
      client.#stop.abort()
      throwIfAborted(signal)
      throw error
    } finally {
      signal?.removeEventListener('abort', abort)
    }
  }

  /** Sends a job to whose end the caller listens. Nothing is thrown but InvalidArgumentError: the job tells. */
  submit<Name extends FunctionName<Jobs>>(
    jobFunction: Name,
    input: SentInput<Jobs, Name>,
    options: SubmitOptions = {},
  ): SubmittedJob<ReceivedOutput<Jobs, Name>> {
    const span = this.#tracing?.publish(jobFunction)
    const draft = draftForeground(jobFunction, options, span?.traceParent ?? '')
    const codecs = submitterCodecs(this.#jobs, jobFunction)
    const waiter = new Waiter(jobFunction, draft.unique, codecs.output, this.#submitter, options)
    const send = (workload: Uint8Array) => {
      const submission = toSubmission(draft, workload)
      waiter.submission = submission
      this.#request(submission, waiter)
    }
    if (options.signal?.aborted === true) waiter.fail(new AbortedError(options.signal))
    else settle(() => pass(encodeValue(codecs.input, input, `the input of ${jobFunction}`), send), waiter)
    void span?.endWith(waiter.created())
    return waiter
  }

  /** Leaves a job with the server. The handle comes back when the server has taken it. */
  async submitBackground<Name extends FunctionName<Jobs>>(
    jobFunction: Name,
    input: SentInput<Jobs, Name>,
    options: BackgroundOptions = {},
  ): Promise<string> {
    const span = this.#tracing?.publish(jobFunction)
    const handle = this.#leave(jobFunction, input, options, span?.traceParent ?? '')
    void span?.endWith(handle)
    return handle
  }

  async #leave<Name extends FunctionName<Jobs>>(
    jobFunction: Name,
    input: SentInput<Jobs, Name>,
    options: BackgroundOptions,
    trace: string,
  ): Promise<string> {
    const draft = draftBackground(jobFunction, options, trace)
    throwIfAborted(options.signal)
    const reply = new PromisedReply('JOB_CREATED', readHandle, options)
    const { input: codec } = submitterCodecs(this.#jobs, jobFunction)
    let submission: Submission | undefined
    const send = (workload: Uint8Array) => {
      submission = toSubmission(draft, workload)
      this.#request(submission, reply)
    }
    settle(() => pass(encodeValue(codec, input, `the input of ${jobFunction}`), send), reply)
    try {
      return await reply.promise
    } catch (error) {
      if (submission === undefined || !isShuttingDown(error)) throw error
      // It was not taken, and another server may take it.
      const again = new PromisedReply('JOB_CREATED', readHandle, options)
      this.#request(submission, again)
      return again.promise
    }
  }

  /**
   * Submits a job for each input and gives the results in the order of the inputs. Inputs are taken as there is room
   * for them, so there may be any number.
   */
  submitMany<Name extends FunctionName<Jobs>>(
    jobFunction: Name,
    inputs: Iterable<SentInput<Jobs, Name>> | AsyncIterable<SentInput<Jobs, Name>>,
    options: SubmitOptions & ManyOptions = {},
  ): AsyncGenerator<Settled<ReceivedOutput<Jobs, Name>>, void, undefined> {
    const start = (input: SentInput<Jobs, Name>) => this.submit(jobFunction, input, options).result()
    return settleInOrder(inputs, checkedInFlight(options), start, this.#stopOf(options))
  }

  /** As `submitMany`, of jobs in the background: it gives their handles. */
  submitManyBackground<Name extends FunctionName<Jobs>>(
    jobFunction: Name,
    inputs: Iterable<SentInput<Jobs, Name>> | AsyncIterable<SentInput<Jobs, Name>>,
    options: BackgroundOptions & ManyOptions = {},
  ): AsyncGenerator<Settled<string>, void, undefined> {
    const start = (input: SentInput<Jobs, Name>) => this.submitBackground(jobFunction, input, options)
    return settleInOrder(inputs, checkedInFlight(options), start, this.#stopOf(options))
  }

  /** How the job with this handle stands, on whichever of the servers has it. */
  async status(handle: string, options: CallOptions = {}): Promise<JobStatus> {
    const request = { kind: packets.GET_STATUS, args: [wireName(handle, 'handle')] }
    return this.#askAll(request, () => new PromisedReply('STATUS_RES', readStatus, options), options)
  }

  /** How a job stands that was submitted with this unique, whatever its function. */
  async statusByUnique(unique: string, options: CallOptions = {}): Promise<UniqueStatus> {
    const request = { kind: packets.GET_STATUS_UNIQUE, args: [wireName(unique, 'unique', uniqueBytesMax)] }
    return this.#askAll(request, () => new PromisedReply('STATUS_RES_UNIQUE', readUniqueStatus, options), options)
  }

  /** The same bytes, by way of the server. */
  async echo(data: Workload, options: CallOptions = {}): Promise<Uint8Array> {
    throwIfAborted(options.signal)
    const reply = new PromisedReply('ECHO_RES', (packet) => packet.data(), options)
    this.#request({ kind: packets.ECHO_REQ, args: [], workload: workloadBytes(data) }, reply)
    return reply.promise
  }

  /** When little of what was submitted is left to be sent: for those who could submit without end. */
  async drained(): Promise<void> {
    await Promise.all(this.#servers.sessions().map((session) => session.drained()))
  }

  /**
   * Waits until the server has answered what was sent, then ends the connection. Foreground jobs that have not ended
   * by then fail with ClosedError.
   */
  async close(): Promise<void> {
    this.#stop.abort()
    this.#resubmitter.close()
    await this.#servers.close(this.#closeTimeoutMs)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** No further jobs are to be submitted, and why. */
  #stopOf({ signal }: CallOptions): Stop {
    const closed = this.#stop.signal
    return {
      signal: signal === undefined ? closed : AbortSignal.any([signal, closed]),
      error: () => (signal?.aborted === true ? new AbortedError(signal) : new ClosedError(closedSentence)),
    }
  }

  /** Which server has the job is known to the servers alone. */
  async #askAll<Status extends JobStatus>(
    request: Request,
    newReply: () => PromisedReply<Status>,
    { signal }: CallOptions,
  ): Promise<Status> {
    throwIfAborted(signal)
    if (this.#stop.signal.aborted) throw new ClosedError(closedSentence)
    // Before anything is opened: the options may be wrong.
    const replies = Array.from({ length: this.#servers.count }, newReply)
    for (const [index, opening] of this.#servers.openEach().entries()) {
      const reply = replies[index]
      if (reply !== undefined) void this.#requestWhenOpen(request, reply, opening)
    }
    return firstKnown(replies.map((reply) => reply.promise))
  }

  #request(request: Request, reply: Reply): void {
    if (this.#stop.signal.aborted) {
      reply.fail(new ClosedError(closedSentence))
      return
    }
    const session = this.#servers.current(request.key)
    if (session === undefined) void this.#requestWhenOpen(request, reply, this.#servers.open(request.key))
    else session.request(request, reply)
  }

  /** Requests that wait for the same opening go out in the order in which they came. */
  async #requestWhenOpen(request: Request, reply: Reply, opening: Promise<ClientSession>): Promise<void> {
    try {
      const session = await opening
      session.request(request, reply)
    } catch (error) {
      reply.fail(error instanceof AbortedError ? new ClosedError(closedSentence, { cause: error }) : asOurs(error))
    }
  }
}

/** What stops a reply from being waited for, at once or later, becomes its failure. */
function settle(send: () => void | Promise<void>, reply: Reply): void {
  const fail = (error: unknown) => reply.fail(asOurs(error))
  try {
    const sent = send()
    if (sent instanceof Promise) sent.catch(fail)
  } catch (error) {
    fail(error)
  }
}

/** Other errors are defects of this library, and nobody's to handle. */
function asOurs(error: unknown): GeartrainError {
  if (error instanceof GeartrainError) return error
  throw error
}

/**
 * The first answer of one that knows the job. A server that can't be asked may have it: that none of the others knows
 * it is then no answer.
 */
function firstKnown<Status extends JobStatus>(replies: readonly Promise<Status>[]): Promise<Status> {
  return new Promise((resolve, reject) => {
    void Promise.allSettled(
      replies.map(async (reply) => {
        const status = await reply
        if (status.isKnown) resolve(status)
        return status
      }),
    ).then((answers) => {
      const failure = answers.find((answer) => answer.status === 'rejected')
      if (failure !== undefined) reject(failure.reason)
      for (const answer of answers) if (answer.status === 'fulfilled') resolve(answer.value)
    })
  })
}

function isShuttingDown(error: unknown): boolean {
  return error instanceof ServerError && error.serverCode === 'SHUTTING_DOWN'
}

function checkedResubmissions(resubmissions: number): number {
  if (resubmissions >= 0) return resubmissions
  throw new InvalidArgumentError(`resubmissions is a number from 0, not ${resubmissions}`)
}

function checkedInFlight({ inFlight = defaultInFlight }: ManyOptions): number {
  if (Number.isInteger(inFlight) && inFlight > 0) return inFlight
  throw new InvalidArgumentError(`inFlight is a whole number from 1, not ${inFlight}`)
}

function readHandle(packet: IncomingPacket): string {
  return readWireName(packet.argument(0))
}
