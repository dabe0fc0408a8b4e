import { formatServer, type ServerAddress } from './address.ts'
import { Connection, defaultConnectionLimits, type Receiver } from './connection.ts'
import { type CallOptions, startCutoff } from './cutoff.ts'
import { Deferred } from './deferred.ts'
import { ClosedError, type ConnectionLostError, type GeartrainError, ProtocolError, ServerError } from './errors.ts'
import { Fifo } from './fifo.ts'
import type { IncomingPacket } from './incoming-packet.ts'

/** A command that waits for its answer: a line, or lines up to one with a dot alone. */
interface PendingCommand {
  /** Undefined: one line is the answer. */
  readonly rows: string[] | undefined
  readonly answer: Deferred<string[]>
  readonly release: () => void
}

/** One connection to a server for its text protocol. Answers come in the order of the commands. */
export class AdminSession implements Receiver {
  readonly #server: string
  #connection: Connection | undefined
  readonly #commands = new Fifo<PendingCommand>()
  #end: GeartrainError | undefined

  private constructor(server: string) {
    this.#server = server
  }

  static async open(address: ServerAddress, options: CallOptions): Promise<AdminSession> {
    const session = new AdminSession(formatServer(address))
    session.#connection = await Connection.open(address, session, defaultConnectionLimits, options)
    return session
  }

  /** The rows of the answer. */
  list(command: string, options: CallOptions): Promise<string[]> {
    return this.#send(command, [], options)
  }

  /** What follows OK. */
  async tell(command: string, options: CallOptions): Promise<string> {
    const [line = ''] = await this.#send(command, undefined, options)
    if (line !== 'OK' && !line.startsWith('OK ')) {
      throw new ProtocolError(`${this.#server} answered "${command}" with ${JSON.stringify(line.slice(0, 100))}`)
    }
    return line.slice('OK '.length)
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
    const { rows, answer } = command
    if (rows === undefined || rows.length === 0) {
      const error = readError(line, rows !== undefined)
      if (error !== undefined) {
        answer.reject(error)
        this.#shift()
        return
      }
    }
    if (rows !== undefined && line !== '.') {
      rows.push(line)
      return
    }
    answer.resolve(rows ?? [line])
    this.#shift()
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

  #send(command: string, rows: string[] | undefined, options: CallOptions): Promise<string[]> {
    const answer = new Deferred<string[]>()
    if (this.#end !== undefined) {
      answer.reject(this.#end)
      return answer.promise
    }
    const release = startCutoff(options, `the answer to "${command}"`, answer.reject)
    this.#commands.push({ rows, answer, release })
    this.#connection?.sendLine(command)
    return answer.promise
  }

  #shift(): void {
    this.#commands.shift()?.release()
  }

  #failAll(error: GeartrainError): void {
    for (const { answer, release } of this.#commands.takeAll()) {
      release()
      answer.reject(error)
    }
  }
}

/**
 * `ERR CODE some+text`, and with some commands `ERR some text`. Where rows are awaited only an unknown command is an
 * error: a unique may well read like one.
 */
function readError(line: string, hasRows: boolean): ServerError | undefined {
  const match = /^ERR (?:([A-Z_]+)(?: (.*))?|(.*))$/.exec(line)
  if (match === null) return undefined
  const [, code = '', codeText, text] = match
  if (hasRows && code !== 'UNKNOWN_COMMAND' && code !== 'UNKNOWN_SHOW_ARGUMENTS') return undefined
  return new ServerError(code, (codeText?.replaceAll('+', ' ') ?? text ?? code) || code)
}
