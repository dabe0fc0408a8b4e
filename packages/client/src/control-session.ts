import { type ControlAnswer, type ControlOperation, packets } from '@geartrain/protocol'
import type { ServerAddress } from './address.ts'
import { Connection, type ConnectionOptions, type Receiver } from './connection.ts'
import { readControlJson, writeControlJson } from './control-json.ts'
import type { CallOptions } from './cutoff.ts'
import { Deferred } from './deferred.ts'
import { ClosedError, type ConnectionLostError, type GeartrainError, ProtocolError, ServerError } from './errors.ts'
import { Fifo } from './fifo.ts'
import type { IncomingPacket } from './incoming-packet.ts'

interface PendingRequest {
  readonly operation: ControlOperation
  readonly answer: Deferred<unknown>
}

/** One connection to a Geartrain server for CONTROL. Answers come in the order of the requests. */
export class ControlSession implements Receiver {
  #connection: Connection | undefined
  readonly #requests = new Fifo<PendingRequest>()
  #end: GeartrainError | undefined

  static async open(
    address: ServerAddress,
    connectionOptions: ConnectionOptions,
    options: CallOptions,
  ): Promise<ControlSession> {
    const session = new ControlSession()
    session.#connection = await Connection.open(address, session, connectionOptions, options)
    return session
  }

  /** False: another one has to be opened. */
  get isOpen(): boolean {
    return this.#end === undefined
  }

  /** What the server answers, which is of the operation's type. Throws InvalidArgumentError for names that can't be. */
  ask(operation: ControlOperation, params: object): Promise<unknown> {
    const answer = new Deferred<unknown>()
    if (this.#end !== undefined) {
      answer.reject(this.#end)
      return answer.promise
    }
    const json = writeControlJson({ ...params, op: operation })
    this.#requests.push({ operation, answer })
    this.#connection?.send(packets.CONTROL, [], json)
    return answer.promise
  }

  async close(): Promise<void> {
    this.#failAll(new ClosedError('the connection was closed before the answer came'))
    this.#end ??= new ClosedError('the connection is closed')
    await this.#connection?.close()
  }

  packet(packet: IncomingPacket): void {
    const request = this.#requests.peek()
    if (packet.name === 'CONTROL_RES' && request !== undefined) {
      const result = readControlJson(packet.data())
      if (!isAnswer(result)) throw new ProtocolError(`the answer to "${request.operation}" is none`)
      this.#requests.shift()
      if (result.ok) request.answer.resolve(result.answer)
      else request.answer.reject(new ServerError(result.error.code, result.error.message))
    } else if (packet.name === 'ERROR') {
      const error = new ServerError(packet.argument(0), packet.argument(1))
      this.#requests.shift()
      request?.answer.reject(error.serverCode === 'INVALID_COMMAND' ? notGeartrain() : error)
      // Why the server won't have this connection: it ends it now.
      if (request === undefined || error.serverCode === 'TOO_MANY_CONNECTIONS') this.#end = error
    } else throw new ProtocolError(`${packet.name} came in answer to CONTROL`)
  }

  line(): void {
    throw new ProtocolError('a line of text came in answer to CONTROL')
  }

  lost(error: ConnectionLostError): void {
    // C gearmand ends the connection at a packet that it does not know, without a word.
    const hasSpoken = (this.#connection?.bytesRead ?? 0) > 0
    const reason = hasSpoken || this.#requests.length === 0 || error.cause !== undefined ? error : notGeartrain()
    this.#end ??= reason
    this.#failAll(reason)
  }

  #failAll(error: GeartrainError): void {
    for (const { answer } of this.#requests.takeAll()) answer.reject(error)
  }
}

function notGeartrain(): ServerError {
  return new ServerError('', 'this server is no Geartrain: it does not know CONTROL')
}

function isAnswer(value: unknown): value is ControlAnswer<unknown> {
  if (typeof value !== 'object' || value === null || !('ok' in value)) return false
  if (value.ok === true) return 'answer' in value
  return 'error' in value && typeof value.error === 'object' && value.error !== null && 'message' in value.error
}
