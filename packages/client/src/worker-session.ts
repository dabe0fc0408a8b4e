import { packets } from '@geartrain/protocol'
import type { ServerAddress } from './address.ts'
import { Assignment } from './assignment.ts'
import { Connection, type ConnectionLimits, type Receiver } from './connection.ts'
import type { CallOptions } from './cutoff.ts'
import { ConnectionLostError, type GeartrainError, ProtocolError, ServerError } from './errors.ts'
import type { IncomingPacket } from './incoming-packet.ts'
import { PromisedReply } from './reply.ts'

/** A function that the worker can do, by its name on the wire. */
export interface Ability {
  readonly wireName: string
  readonly timeoutMs: number | undefined
}

/** Whoever does the jobs. */
export interface JobTaker {
  /** How many jobs more it would do now. */
  freeSlots(): number
  take(job: Assignment, wireFunction: string, session: WorkerSession): void
  /** The server has answered something with ERROR, most likely the outcome of a job that it has given to another. */
  refused(error: ServerError): void
  lost(session: WorkerSession, error: ConnectionLostError): void
}

/**
 * One connection of a worker and its talk about jobs, which has two states.
 *
 * awake: GRAB_JOB_ALL is sent for free slots, `#window` of them without awaiting the answers. JOB_ASSIGN doubles the
 *   window, so that a worker of many slots fills them in few round trips; NO_JOB sets it to one. When the last answer
 *   to come was NO_JOB, PRE_SLEEP is sent: asleep.
 * asleep: nothing is sent until NOOP: awake. Jobs that still run don't change that.
 */
export class WorkerSession implements Receiver {
  readonly address: ServerAddress
  readonly #taker: JobTaker
  #connection: Connection | undefined
  readonly #jobs = new Set<Assignment>()
  #grabs = 0
  #window = 1
  #isAsleep = false
  #isReady = false
  #sync: PromisedReply<void> | undefined
  readonly #registered = new Set<string>()
  #lost: ConnectionLostError | undefined

  private constructor(address: ServerAddress, taker: JobTaker) {
    this.address = address
    this.#taker = taker
  }

  /** Resolves when the server knows all abilities. Jobs come after `start`. */
  static async open(
    address: ServerAddress,
    taker: JobTaker,
    abilities: Iterable<Ability>,
    clientId: string | undefined,
    limits: ConnectionLimits,
    options: CallOptions,
  ): Promise<WorkerSession> {
    const session = new WorkerSession(address, taker)
    const connection = await Connection.open(address, session, limits, options)
    session.#connection = connection
    try {
      if (clientId !== undefined) connection.send(packets.SET_CLIENT_ID, [clientId])
      session.register(abilities)
      await session.sync(options)
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

  start(): void {
    this.#isReady = true
    this.grab()
  }

  /** Tells the server of those that are new. It wakes nobody for jobs that wait for them already, so they are asked for. */
  register(abilities: Iterable<Ability>): void {
    for (const ability of abilities) {
      if (this.#registered.has(ability.wireName)) continue
      this.#registered.add(ability.wireName)
      this.#canDo(ability)
      this.#isAsleep = false
    }
    this.grab()
  }

  /** Asks for as many jobs as there may come. To be called when a slot has become free. */
  grab(): void {
    if (this.#isAsleep || !this.#isReady) return
    while (this.#grabs < this.#window && this.#grabs < this.#taker.freeSlots()) {
      this.#grabs++
      this.#connection?.send(packets.GRAB_JOB_ALL, [])
    }
  }

  /** The job has ended here, in one way or the other. */
  release(job: Assignment): void {
    this.#jobs.delete(job)
    this.grab()
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
    this.#dropJobs(reason)
    this.#connection?.destroy(reason)
  }

  packet(packet: IncomingPacket): void {
    switch (packet.type) {
      case packets.JOB_ASSIGN.type:
        this.#assign(packet, '', '')
        break
      case packets.JOB_ASSIGN_UNIQ.type:
        this.#assign(packet, packet.argument(2), '')
        break
      case packets.JOB_ASSIGN_ALL.type:
        this.#assign(packet, packet.argument(2), packet.argument(3))
        break
      case packets.NO_JOB.type:
        this.#grabs--
        this.#window = 1
        if (this.#grabs === 0) this.#sleep()
        break
      case packets.NOOP.type:
        this.#isAsleep = false
        this.grab()
        break
      case packets.ECHO_RES.type:
        this.#sync?.answer(packet)
        this.#sync = undefined
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
    this.#sync?.fail(error)
    this.#dropJobs(error)
    this.#taker.lost(this, error)
  }

  #canDo({ wireName, timeoutMs }: Ability): void {
    if (timeoutMs === undefined) this.#connection?.send(packets.CAN_DO, [wireName])
    else this.#connection?.send(packets.CAN_DO_TIMEOUT, [wireName, String(timeoutMs)])
  }

  #assign(packet: IncomingPacket, unique: string, reducer: string): void {
    if (this.#connection === undefined) return
    const names = { handle: packet.argument(0), function: packet.argument(1), unique, reducer }
    const job = new Assignment(this.#connection, names, packet.data())
    this.#grabs--
    this.#window *= 2
    this.#jobs.add(job)
    this.#taker.take(job, names.function, this)
    this.grab()
  }

  #sleep(): void {
    if (this.#taker.freeSlots() === 0) return
    this.#isAsleep = true
    this.#connection?.send(packets.PRE_SLEEP, [])
  }

  /** Before the session is open an ERROR is the server's reason for not having it. */
  #refuse(error: ServerError): void {
    if (this.#isReady) this.#taker.refused(error)
    else this.#sync?.fail(error)
  }

  #dropJobs(reason: Error): void {
    for (const job of this.#jobs) job.drop(reason)
    this.#jobs.clear()
  }
}
