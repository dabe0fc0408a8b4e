import { packets } from '@geartrain/protocol'
import type { ServerAddress } from './address.ts'
import { Assignment } from './assignment.ts'
import { Connection, type ConnectionOptions, type Receiver } from './connection.ts'
import type { CallOptions } from './cutoff.ts'
import { ConnectionLostError, type GeartrainError, ProtocolError, ServerError } from './errors.ts'
import { heartbeatPayload, isHeartbeat, startHeartbeat } from './heartbeat.ts'
import type { IncomingPacket } from './incoming-packet.ts'
import type { Grabber, JobSlots } from './job-slots.ts'
import type { Ability, Lane } from './lane.ts'
import { PromisedReply } from './reply.ts'

/** Whoever does the jobs. */
interface JobTaker {
  take(job: Assignment, ability: Ability, session: WorkerSession): void
  /** The server has taken it back. */
  /** `isOverdue`: the server's time for it is over. */
  cancelled(job: Assignment, session: WorkerSession, isOverdue: boolean): void
  /** The server has answered something with ERROR, most likely the outcome of a job that it has given to another. */
  refused(error: ServerError): void
}

/** What the sessions of a worker have in common. */
export interface SessionOptions {
  readonly taker: JobTaker
  readonly slots: JobSlots
  /** The server is to say of which trace a job is. */
  readonly isTraced: boolean
  readonly clientId: string | undefined
  readonly connection: ConnectionOptions
  readonly heartbeatMs: number
}

/**
 * One connection of a worker: a lane of its functions on one of its servers, and the talk about jobs, which has three
 * states.
 *
 * opening: the server is told the functions, and has not yet answered the ECHO_REQ behind them.
 * awake: GRAB_JOB_ALL is sent for each slot that it gets, for `#window` of them without awaiting the answers. JOB_ASSIGN
 *   doubles the window, so that a worker of many slots fills them in few round trips; NO_JOB sets it to one and gives
 *   the slot back. When the last answer to come was NO_JOB, PRE_SLEEP is sent: asleep. Without a slot nothing is sent,
 *   until it is its turn.
 * asleep: nothing is sent until NOOP: awake. Jobs that still run don't change that, nor do those of other sessions: a
 *   server whose NOOP finds all slots taken waits for a turn like those with jobs, or wakes another worker.
 */
export class WorkerSession implements Receiver, Grabber {
  readonly lane: Lane
  readonly #options: SessionOptions
  readonly #onLost: (session: WorkerSession, error: ConnectionLostError) => void
  #connection: Connection | undefined
  #stopHeartbeat: () => void = () => {}
  readonly #jobs = new Set<Assignment>()
  #grabs = 0
  #window = 1
  #isAsleep = false
  #isReady = false
  /** OPTION_REQs that have no answer yet. */
  #optionsAsked = 0
  #sync: PromisedReply<void> | undefined
  readonly #registered = new Set<string>()
  #lost: ConnectionLostError | undefined

  private constructor(
    lane: Lane,
    options: SessionOptions,
    onLost: (session: WorkerSession, error: ConnectionLostError) => void,
  ) {
    this.lane = lane
    this.#options = options
    this.#onLost = onLost
  }

  /**
   * Resolves when the server knows all functions of the lane. Jobs come after `start`. `onLost` is called once if the
   * connection is opened, and last.
   */
  static async open(
    address: ServerAddress,
    lane: Lane,
    options: SessionOptions,
    onLost: (session: WorkerSession, error: ConnectionLostError) => void,
    limits: CallOptions,
  ): Promise<WorkerSession> {
    const session = new WorkerSession(lane, options, onLost)
    const connection = await Connection.open(address, session, options.connection, limits)
    session.#connection = connection
    try {
      session.#askFor('cancellation')
      if (options.isTraced) session.#askFor('tracing')
      if (options.clientId !== undefined) connection.send(packets.SET_CLIENT_ID, [options.clientId])
      session.register()
      await session.sync(limits)
      if (!session.isOpen) throw new ConnectionLostError('the server was lost as soon as it was reached')
    } catch (error) {
      connection.destroy()
      throw error
    }
    return session
  }

  get isOpen(): boolean {
    return this.#connection?.isOpen === true
  }

  get wantsSlot(): boolean {
    return !this.#isAsleep && this.#grabs < this.#window
  }

  start(): void {
    if (this.#connection === undefined || !this.isOpen) return
    this.#isReady = true
    this.#stopHeartbeat = startHeartbeat(this.#connection, this.#options.heartbeatMs, () =>
      this.#connection?.send(packets.ECHO_REQ, [], heartbeatPayload),
    )
    this.#options.slots.add(this)
  }

  /** Tells the server of functions that are new. It wakes nobody for jobs that wait for them already, so they are asked for. */
  register(): void {
    for (const ability of this.lane.abilities.values()) {
      if (this.#registered.has(ability.wireName)) continue
      this.#registered.add(ability.wireName)
      this.#canDo(ability)
      this.#isAsleep = false
    }
    if (this.#isReady) this.#options.slots.deal()
  }

  grab(): void {
    this.#grabs++
    this.#connection?.send(packets.GRAB_JOB_ALL, [])
  }

  /** The job has ended here, in one way or the other. */
  release(job: Assignment): void {
    this.#jobs.delete(job)
  }

  /** Resolves when the server has acted on all that was sent, and all its answers to it are here. One at a time. */
  async sync(options: CallOptions): Promise<void> {
    if (this.#lost !== undefined) throw this.#lost
    const sync = new PromisedReply('ECHO_RES', () => {}, options)
    this.#sync = sync
    this.#connection?.send(packets.ECHO_REQ, [])
    await sync.promise
  }

  async close(): Promise<void> {
    await this.#connection?.close()
  }

  /** Ends the connection, and the server gives its jobs to others. */
  destroy(reason: GeartrainError): void {
    this.#retire()
    this.#dropJobs(reason)
    this.#connection?.destroy(reason)
  }

  packet(packet: IncomingPacket): void {
    switch (packet.type) {
      case packets.JOB_ASSIGN.type:
        this.#assign(packet, '', '', '')
        break
      case packets.JOB_ASSIGN_UNIQ.type:
        this.#assign(packet, packet.argument(2), '', '')
        break
      case packets.JOB_ASSIGN_ALL.type:
        this.#assign(packet, packet.argument(2), packet.argument(3), '')
        break
      case packets.JOB_ASSIGN_TRACED.type:
        this.#assign(packet, packet.argument(2), packet.argument(3), packet.argument(4))
        break
      case packets.JOB_CANCEL.type:
        this.#cancel(packet.argument(0), packet.argument(1) === 'timeout')
        break
      case packets.NO_JOB.type:
        this.#answerToGrab()
        this.#window = 1
        if (this.#grabs === 0) this.#sleep()
        this.#options.slots.release(this.lane)
        break
      case packets.NOOP.type:
        this.#isAsleep = false
        if (this.#isReady) this.#options.slots.deal()
        break
      case packets.ECHO_RES.type:
        this.#optionsAsked = 0
        if (isHeartbeat(packet)) break
        this.#sync?.answer(packet)
        this.#sync = undefined
        break
      case packets.OPTION_RES.type:
        this.#optionsAsked--
        break
      case packets.ERROR.type:
        this.#refuse(new ServerError(packet.argument(0), packet.argument(1)))
        break
      default:
        throw new ProtocolError(`${packet.name} came, which is nothing for a worker`)
    }
  }

  line(line: string): void {
    throw new ProtocolError(`a line of text came: ${JSON.stringify(line.slice(0, 100))}`)
  }

  lost(error: ConnectionLostError): void {
    this.#lost = error
    this.#retire()
    this.#sync?.fail(error)
    this.#dropJobs(error)
    this.#onLost(this, error)
  }

  /**
   * With `cancellation` the server says which jobs it has taken back, with `tracing` of which trace a job is. Nothing
   * waits for the answer.
   */
  #askFor(option: 'cancellation' | 'tracing'): void {
    this.#optionsAsked++
    this.#connection?.send(packets.OPTION_REQ, [option])
  }

  #canDo({ wireName, timeoutMs }: Ability): void {
    if (timeoutMs === undefined) this.#connection?.send(packets.CAN_DO, [wireName])
    else this.#connection?.send(packets.CAN_DO_TIMEOUT, [wireName, String(timeoutMs)])
  }

  /** Its slot is the job's now. */
  #assign(packet: IncomingPacket, unique: string, reducer: string, trace: string): void {
    if (this.#connection === undefined) return
    const names = { handle: packet.argument(0), function: packet.argument(1), unique, reducer, trace }
    const ability = this.lane.abilities.get(names.function)
    if (ability === undefined) throw new ProtocolError(`a job came of ${names.function}, which was not registered`)
    this.#answerToGrab()
    const job = new Assignment(this.#connection, names, packet.data(), ability.timeoutMs)
    this.#window *= 2
    this.#jobs.add(job)
    this.#options.taker.take(job, ability, this)
    this.#options.slots.deal()
  }

  /** Not if the job has ended here meanwhile. One that was taken back may have come again, under the same handle. */
  #cancel(handle: string, isOverdue: boolean): void {
    for (const job of this.#jobs) {
      if (!job.isDropped && job.is(handle)) return this.#options.taker.cancelled(job, this, isOverdue)
    }
  }

  /** A server that answers more than it was asked would have more jobs done than there are slots. */
  #answerToGrab(): void {
    if (this.#grabs === 0) throw new ProtocolError('the server gave an answer to a GRAB_JOB that was not sent')
    this.#grabs--
  }

  #sleep(): void {
    if (this.#options.slots.isStopped) return
    this.#isAsleep = true
    this.#connection?.send(packets.PRE_SLEEP, [])
  }

  /**
   * Before the session is open an ERROR is the server's reason for not having it. One that does not know the option, as
   * gearmand, is as welcome.
   */
  #refuse(error: ServerError): void {
    if (this.#optionsAsked > 0 && !error.retryable) this.#optionsAsked--
    else if (this.#isReady) this.#options.taker.refused(error)
    else this.#sync?.fail(error)
  }

  /** It asks for nothing any more, and what it had asked for does not come. */
  #retire(): void {
    this.#stopHeartbeat()
    if (!this.#isReady) return
    this.#isReady = false
    const grabs = this.#grabs
    this.#grabs = 0
    this.#options.slots.remove(this)
    if (grabs > 0) this.#options.slots.release(this.lane, grabs)
  }

  #dropJobs(reason: Error): void {
    for (const job of this.#jobs) job.drop(reason)
    this.#jobs.clear()
  }
}
