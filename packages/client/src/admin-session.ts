import type { ServerAddress } from './address.ts'
import { Connection, type ConnectionOptions, type Receiver } from './connection.ts'
import { type CallOptions, startCutoff } from './cutoff.ts'
import { Deferred } from './deferred.ts'
import { ClosedError, type ConnectionLostError, type GeartrainError, ProtocolError, ServerError } from './errors.ts'
import { Fifo } from './fifo.ts'
import type { IncomingPacket } from './incoming-packet.ts'

/** A command that waits for its answer. Takes the answer's lines until it has all of it: then it is true. */
interface PendingCommand {
  take(line: string): boolean
  fail(error: GeartrainError): void
}

/** One connection to a server for its text protocol. Answers come in the order of the commands. */
export class AdminSession implements Receiver {
  #connection: Connection | undefined
  readonly #commands = new Fifo<PendingCommand>()
  #end: GeartrainError | undefined

  static async open(
    address: ServerAddress,
    connectionOptions: ConnectionOptions,
    options: CallOptions,
  ): Promise<AdminSession> {
    const session = new AdminSession()
    session.#connection = await Connection.open(address, session, connectionOptions, options)
    return session
  }

  /** The rows of the answer, up to a line with a dot alone. */
  list<T>(command: string, parseRow: (line: string) => T, options: CallOptions): Promise<T[]> {
    const rows: T[] = []
    return this.#send(command, options, (line, answer) => {
      const error = rows.length === 0 ? readListError(line) : undefined
      if (error !== undefined) answer.reject(error)
      else if (line === '.') answer.resolve(rows)
      else {
        rows.push(parseRow(line))
        return false
      }
      return true
    })
  }

  /** What follows OK. */
  tell(command: string, options: CallOptions): Promise<string> {
    return this.#send(command, options, (line, answer) => {
      const error = readError(line)
      if (error !== undefined) answer.reject(error)
      else if (line === 'OK' || line.startsWith('OK ')) answer.resolve(line.slice('OK '.length))
      else throw new ProtocolError(`the answer to "${command}" is ${JSON.stringify(line.slice(0, 100))}`)
      return true
    })
  }

  async close(): Promise<void> {
    this.#failAll(new ClosedError('the connection was closed before the answer came'))
    this.#end ??= new ClosedError('the connection is closed')
    await this.#connection?.close()
  }

  line(line: string): void {
    const command = this.#commands.peek()
    if (command === undefined)
      throw new ProtocolError(`an answer came to no command: ${JSON.stringify(line.slice(0, 100))}`)
    if (command.take(line)) this.#commands.shift()
  }

  packet(packet: IncomingPacket): void {
    if (packet.name === 'ERROR') {
      // Why the server won't have this connection: it ends it now.
      this.#end = new ServerError(packet.argument(0), packet.argument(1))
      this.#failAll(this.#end)
      return
    }
    throw new ProtocolError(`${packet.name} came in answer to an administrative command`)
  }

  lost(error: ConnectionLostError): void {
    this.#end ??= error
    this.#failAll(error)
  }

  #send<T>(command: string, options: CallOptions, take: (line: string, answer: Deferred<T>) => boolean): Promise<T> {
    const answer = new Deferred<T>()
    if (this.#end !== undefined) {
      answer.reject(this.#end)
      return answer.promise
    }
    const release = startCutoff(options, `the answer to "${command}"`, answer.reject)
    this.#commands.push({
      take(line) {
        const isWhole = take(line, answer)
        if (isWhole) release()
        return isWhole
      },
      fail(error) {
        release()
        answer.reject(error)
      },
    })
    this.#connection?.sendLine(command)
    return answer.promise
  }

  #failAll(error: GeartrainError): void {
    for (const command of this.#commands.takeAll()) command.fail(error)
  }
}

/** `ERR CODE some+text`, and with some commands `ERR some text`. */
function readError(line: string): ServerError | undefined {
  const match = /^ERR (?:([A-Z_]+)(?: (.*))?|(.*))$/.exec(line)
  if (match === null) return undefined
  const [, code = '', codeText, text] = match
  return new ServerError(code, (codeText?.replaceAll('+', ' ') ?? text ?? code) || code)
}

/** What can stand in the place of rows. A unique may well read like another error. */
const listErrors = new Set(['UNKNOWN_COMMAND', 'UNKNOWN_SHOW_ARGUMENTS', 'QUEUE_ERROR', 'ACCESS_DENIED'])

function readListError(line: string): ServerError | undefined {
  const error = readError(line)
  return error !== undefined && listErrors.has(error.serverCode) ? error : undefined
}
