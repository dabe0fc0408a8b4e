import { packets } from '@geartrain/protocol'
import { formatServer, type ServerAddress } from './address.ts'
import { Connection, type ConnectionOptions, type Receiver, type RequestKind } from './connection.ts'
import type { CallOptions } from './cutoff.ts'
import { Deferred } from './deferred.ts'
import { hasFraction, withWholeSeconds } from './epoch.ts'
import {
  ClosedError,
  type ConnectionLostError,
  type GeartrainError,
  ProtocolError,
  ServerError,
  UnsupportedError,
} from './errors.ts'
import { Fifo } from './fifo.ts'
import { GeartrainQuestion } from './geartrain-question.ts'
import { heartbeatPayload, startHeartbeat } from './heartbeat.ts'
import type { IncomingPacket } from './incoming-packet.ts'
import { PromisedReply, type Reply } from './reply.ts'
import type { Submission } from './submission.ts'
import { WaiterTable } from './waiter-table.ts'

export interface SessionOptions extends ConnectionOptions {
  /** 0: none. */
  readonly heartbeatMs: number
}

/** A packet to be sent: most have no workload, and only submissions another form. */
export type Request = Pick<Submission, 'kind' | 'args'> & Partial<Pick<Submission, 'workload' | 'extended'>>

/** That it came is all that is wanted of it. */
const heartbeatReply: Reply = { expects: 'ECHO_RES', hasEnded: false, answer() {}, refused() {}, lost() {}, fail() {} }

/** What a client holds of one connection: the requests that wait for an answer and the jobs that wait for their end. */
export class ClientSession implements Receiver {
  #connection: Connection | undefined
  readonly #replies = new Fifo<Reply>()
  readonly #waiters = new WaiterTable()
  #answered: Deferred<void> | undefined
  /** An ERROR that answers nothing: why the server is about to end the connection. */
  #parting: ServerError | undefined
  #lost: ConnectionLostError | undefined
  /** Of a session that was open. */
  #onLost: ((session: ClientSession) => void) | undefined
  #isLeaving = false
  /** Undefined: nothing was sent that depends on it. */
  #question: GeartrainQuestion | undefined
  #stopHeartbeat: () => void = () => {}

  /** Resolves when the server has shown that it speaks the protocol. */
  static async open(
    address: ServerAddress,
    { heartbeatMs, ...connectionOptions }: SessionOptions,
    options: CallOptions,
    onLost: (session: ClientSession) => void,
  ): Promise<ClientSession> {
    const session = new ClientSession()
    const connection = await Connection.open(address, session, connectionOptions, options)
    session.#connection = connection
    try {
      await session.#askForExceptions(options)
      if (session.#lost !== undefined) throw session.#lost
      session.#onLost = onLost
      session.#stopHeartbeat = startHeartbeat(connection, heartbeatMs, () =>
        session.request({ kind: packets.ECHO_REQ, args: [], workload: heartbeatPayload }, heartbeatReply),
      )
      return session
    } catch (error) {
      connection.destroy()
      throw error
    }
  }

  get isOpen(): boolean {
    return this.#connection?.isOpen === true
  }

  /** The server shuts down: it finishes the jobs that it has and takes no others. */
  get isLeaving(): boolean {
    return this.#isLeaving
  }

  /** The reply gets the answer, or the reason why there is none. Nothing is sent if it has ended before. */
  request(request: Request, reply: Reply): void {
    const { kind, args, workload } = request
    const isPrecise = kind.type === packets.SUBMIT_JOB_EPOCH.type && hasFraction(args)
    if (!isPrecise && request.extended === undefined) return this.#send(kind, args, workload, reply)
    // Then it is not sent at all.
    if (this.#lost !== undefined) return this.#send(kind, args, workload, reply)
    this.#question ??= this.#askForGeartrain()
    const send = (isGeartrain: boolean) =>
      isGeartrain ? this.#sendToGeartrain(request, reply) : this.#sendToOther(request, reply)
    this.#question.decide({ send, reply })
  }

  #sendToGeartrain({ kind, args, workload, extended }: Request, reply: Reply): void {
    if (extended === undefined) this.#send(kind, args, workload, reply)
    else this.#send(packets.SUBMIT_JOB_WITH, extended.args, workload, reply)
  }

  #sendToOther({ kind, args, workload, extended }: Request, reply: Reply): void {
    const needs = extended?.needs ?? ''
    const server = this.#connection === undefined ? '' : formatServer(this.#connection.address)
    if (needs !== '') return reply.fail(new UnsupportedError(`${server} is no Geartrain, which it takes for ${needs}`))
    const isLater = kind.type === packets.SUBMIT_JOB_EPOCH.type
    this.#send(kind, isLater ? withWholeSeconds(args) : args, workload, reply)
  }

  #send(kind: RequestKind, args: readonly string[], data: Uint8Array | undefined, reply: Reply): void {
    if (reply.hasEnded) return
    if (this.#lost !== undefined) {
      reply.lost(this.#lost)
      return
    }
    // First: what can't be sent has no answer.
    this.#connection?.send(kind, args, data)
    this.#replies.push(reply)
  }

  /** When there is little left to be sent. */
  async drained(): Promise<void> {
    await this.#connection?.drained()
  }

  /** Ends the connection when all requests have their answer, at the latest after `timeoutMs`. */
  async close(timeoutMs: number): Promise<void> {
    if (this.#replies.length > 0 && this.isOpen) {
      this.#answered ??= new Deferred()
      const timer = setTimeout(this.#answered.resolve, timeoutMs)
      await this.#answered.promise
      clearTimeout(timer)
    }
    this.#failAll(new ClosedError('the client was closed before this was done'))
    await this.#connection?.close()
  }

  packet(packet: IncomingPacket): void {
    switch (packet.type) {
      case packets.WORK_DATA.type:
        this.#waiters.next(packet.argument(0))?.add({ type: 'data', data: packet.data() })
        break
      case packets.WORK_WARNING.type:
        this.#waiters.next(packet.argument(0))?.add({ type: 'warning', data: packet.data() })
        break
      case packets.WORK_STATUS.type: {
        const [numerator, denominator] = [packet.number(1), packet.number(2)]
        this.#waiters.next(packet.argument(0))?.add({ type: 'status', numerator, denominator })
        break
      }
      case packets.WORK_COMPLETE.type:
        this.#end('complete', packet)
        break
      case packets.WORK_EXCEPTION.type:
        this.#end('exception', packet)
        break
      case packets.WORK_FAIL.type:
        for (const waiter of this.#waiters.take(packet.argument(0))) waiter.end({ type: 'fail' })
        break
      default:
        this.#answer(packet)
    }
  }

  line(line: string): void {
    throw new ProtocolError(`a line of text came: ${JSON.stringify(line.slice(0, 100))}`)
  }

  lost(error: ConnectionLostError): void {
    if (this.#parting !== undefined && error.cause === undefined) error.cause = this.#parting
    this.#lost = error
    this.#stopHeartbeat()
    // In the order in which they were sent: those that were answered came first.
    for (const waiter of this.#waiters.takeAll()) waiter.lost(error)
    for (const reply of this.#replies.takeAll()) reply.lost(error)
    this.#answered?.resolve()
    this.#onLost?.(this)
  }

  #end(type: 'complete' | 'exception', packet: IncomingPacket): void {
    const data = packet.data()
    // Each may change what it gets.
    for (const [index, waiter] of this.#waiters.take(packet.argument(0)).entries()) {
      waiter.end({ type, data: index === 0 ? data : data.slice() })
    }
  }

  #answer(packet: IncomingPacket): void {
    const reply = this.#replies.peek()
    if (packet.name === 'ERROR') {
      const error = new ServerError(packet.argument(0), packet.argument(1))
      if (error.serverCode === 'SHUTTING_DOWN') this.#isLeaving = true
      if (reply === undefined) this.#parting = error
      else reply.refused(error)
    } else if (reply?.expects === packet.name) {
      reply.answer(packet, this.#waiters)
    } else {
      throw new ProtocolError(`${packet.name} came, expected was ${reply?.expects ?? 'nothing'}`)
    }
    this.#replies.shift()
    if (this.#replies.length === 0) this.#answered?.resolve()
  }

  #failAll(error: GeartrainError): void {
    for (const reply of this.#replies.takeAll()) reply.fail(error)
    for (const waiter of this.#waiters.takeAll()) waiter.fail(error)
    this.#answered?.resolve()
  }

  /** The option is for workers, and nothing to a client; only Geartrain knows it. */
  #askForGeartrain(): GeartrainQuestion {
    const question = new GeartrainQuestion()
    this.#send(packets.OPTION_REQ, ['cancellation'], undefined, question)
    return question
  }

  /** Without the option a server makes of WORK_EXCEPTION a WORK_FAIL. One that doesn't know it is as welcome. */
  async #askForExceptions(options: CallOptions): Promise<void> {
    const reply = new PromisedReply('OPTION_RES', () => undefined, options)
    this.#send(packets.OPTION_REQ, ['exceptions'], undefined, reply)
    try {
      await reply.promise
    } catch (error) {
      if (!(error instanceof ServerError) || error.retryable) throw error
    }
  }
}
