import { randomBytes } from 'node:crypto'
import net from 'node:net'

// A Gearman peer of a few lines that shares no code with the packages under test: a mistake in their
// packet table can then not hide by being made on both sides of the wire.

/** Every packet type of the protocol with its number: what `send` takes and what `receive` names. */
export const PACKET = {
  CAN_DO: 1,
  CANT_DO: 2,
  RESET_ABILITIES: 3,
  PRE_SLEEP: 4,
  UNUSED_5: 5,
  NOOP: 6,
  SUBMIT_JOB: 7,
  JOB_CREATED: 8,
  GRAB_JOB: 9,
  NO_JOB: 10,
  JOB_ASSIGN: 11,
  WORK_STATUS: 12,
  WORK_COMPLETE: 13,
  WORK_FAIL: 14,
  GET_STATUS: 15,
  ECHO_REQ: 16,
  ECHO_RES: 17,
  SUBMIT_JOB_BG: 18,
  ERROR: 19,
  STATUS_RES: 20,
  SUBMIT_JOB_HIGH: 21,
  SET_CLIENT_ID: 22,
  CAN_DO_TIMEOUT: 23,
  ALL_YOURS: 24,
  WORK_EXCEPTION: 25,
  OPTION_REQ: 26,
  OPTION_RES: 27,
  WORK_DATA: 28,
  WORK_WARNING: 29,
  GRAB_JOB_UNIQ: 30,
  JOB_ASSIGN_UNIQ: 31,
  SUBMIT_JOB_HIGH_BG: 32,
  SUBMIT_JOB_LOW: 33,
  SUBMIT_JOB_LOW_BG: 34,
  SUBMIT_JOB_SCHED: 35,
  SUBMIT_JOB_EPOCH: 36,
  SUBMIT_REDUCE_JOB: 37,
  SUBMIT_REDUCE_JOB_BG: 38,
  GRAB_JOB_ALL: 39,
  JOB_ASSIGN_ALL: 40,
  GET_STATUS_UNIQUE: 41,
  STATUS_RES_UNIQUE: 42,
} as const

export type PacketName = keyof typeof PACKET

const nameOf: ReadonlyMap<number, string> = new Map(Object.entries(PACKET).map(([name, type]) => [type, name]))

/** How many NUL-terminated arguments stand before the data of a packet that carries data; no other packet has data. */
const argsBeforeData: ReadonlyMap<number, number> = new Map([
  [PACKET.JOB_ASSIGN, 2],
  [PACKET.JOB_ASSIGN_UNIQ, 3],
  [PACKET.JOB_ASSIGN_ALL, 4],
  [PACKET.WORK_COMPLETE, 1],
  [PACKET.WORK_DATA, 1],
  [PACKET.WORK_WARNING, 1],
  [PACKET.WORK_EXCEPTION, 1],
  [PACKET.ECHO_RES, 0],
])

export const waitMs = 10_000
const headerBytes = 12
const requestMagic = '\0REQ'
const responseMagic = '\0RES'

export type RawPacket = {
  readonly type: number
  readonly name: string
  /** All that follows the header. */
  readonly body: Buffer
  /** The body's arguments, one character a byte. */
  readonly args: readonly string[]
  readonly data: Buffer
}

/** Bytes as a reader of a failed test wants them: printable ASCII as it is, the rest escaped, long ones cut. */
export function printable(bytes: Uint8Array | string, lengthMax = 300): string {
  const text = typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('latin1')
  const escaped = text.slice(0, lengthMax).replace(/[^ -~]|\\/g, (char) => {
    if (char === '\\') return '\\\\'
    if (char === '\0') return '\\0'
    if (char === '\n') return '\\n'
    if (char === '\r') return '\\r'
    if (char === '\t') return '\\t'
    return `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`
  })
  return text.length > lengthMax ? `${escaped}... (${text.length} bytes)` : escaped
}

/** One request: header, then the parts with a NUL between them. */
export function request(type: number, ...parts: readonly (string | Uint8Array)[]): Buffer {
  const chunks = parts.flatMap((part, index) => {
    const bytes = typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part)
    return index === 0 ? [bytes] : [Buffer.of(0), bytes]
  })
  const body = Buffer.concat(chunks)
  const header = Buffer.alloc(headerBytes)
  header.write(requestMagic, 'latin1')
  header.writeUInt32BE(type, 4)
  header.writeUInt32BE(body.length, 8)
  return Buffer.concat([header, body])
}

/** Connects to a server on this machine; `name` is what the peer is called in errors. */
export async function connect(port: number, name = 'peer'): Promise<RawPeer> {
  const socket = net.connect({ host: '127.0.0.1', port, noDelay: true })
  const peer = new RawPeer(socket, name)
  await peer.connected()
  return peer
}

export class RawPeer {
  readonly name: string
  readonly #socket: net.Socket
  #received: Buffer = Buffer.alloc(0)
  #isConnected = false
  /** How the connection ended, once it has: 'end', 'reset', or what went wrong. */
  #ended: string | undefined
  #wake: (() => void) | undefined

  constructor(socket: net.Socket, name: string) {
    this.name = name
    this.#socket = socket
    const wake = () => this.#wake?.()
    socket.on('connect', () => {
      this.#isConnected = true
      wake()
    })
    socket.on('data', (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk])
      wake()
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#ended ??= error.code === 'ECONNRESET' || error.code === 'EPIPE' ? 'reset' : error.message
      wake()
    })
    socket.on('close', () => {
      this.#ended ??= 'end'
      wake()
    })
  }

  get isClosed(): boolean {
    return this.#ended !== undefined
  }

  /** Bytes that came and that nobody has received yet. */
  get pending(): Buffer {
    return this.#received
  }

  async connected(): Promise<void> {
    await this.#until('the connection', () => (this.#isConnected ? true : undefined))
  }

  send(type: number, ...parts: readonly (string | Uint8Array)[]): void {
    this.sendBytes(request(type, ...parts))
  }

  sendBytes(bytes: Uint8Array | string): void {
    this.#socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
  }

  /** A line of the text protocol; the newline is the caller's, LF and CRLF are both tested. */
  sendLine(line: string): void {
    this.sendBytes(line.endsWith('\n') ? line : `${line}\n`)
  }

  /** The next packet. `waitingFor` says in the error what the test expected. */
  async receive(waitingFor = 'a packet'): Promise<RawPacket> {
    const bytes = await this.#until(waitingFor, () => {
      if (this.#received.length > 0 && this.#received[0] !== 0) throw this.#fault(waitingFor, 'text came')
      if (this.#received.length < headerBytes) return undefined
      const magic = this.#received.toString('latin1', 0, 4)
      if (magic !== responseMagic) throw this.#fault(waitingFor, `the magic ${printable(magic)} came`)
      const length = headerBytes + this.#received.readUInt32BE(8)
      return this.#received.length < length ? undefined : this.#take(length)
    })
    const type = bytes.readUInt32BE(4)
    const body = bytes.subarray(headerBytes)
    const argCount = argsBeforeData.get(type)
    const fields = body.toString('latin1').split('\0')
    const args = argCount === undefined ? (body.length === 0 ? [] : fields) : fields.slice(0, argCount)
    const dataStart = args.reduce((sum, arg) => sum + arg.length + 1, 0)
    const data = argCount === undefined ? Buffer.alloc(0) : body.subarray(dataStart)
    return { type, name: nameOf.get(type) ?? `type ${type}`, body, args, data }
  }

  /** Text up to and with `terminator`: the end of the text's last line, `.\n` or `\n` as a rule. */
  async receiveText(terminator: string | RegExp, waitingFor = `text up to ${String(terminator)}`): Promise<string> {
    return this.#until(waitingFor, () => {
      if (this.#received[0] === 0) throw this.#fault(waitingFor, 'a packet came')
      const text = this.#received.toString('latin1')
      const match = typeof terminator === 'string' ? undefined : terminator.exec(text)
      const start = typeof terminator === 'string' ? text.indexOf(terminator) : (match?.index ?? -1)
      if (start < 0) return undefined
      const length = start + (typeof terminator === 'string' ? terminator.length : (match?.[0].length ?? 0))
      return this.#take(length).toString('latin1')
    })
  }

  /** Exactly so many bytes, whatever they are. */
  async receiveBytes(count: number): Promise<Buffer> {
    return this.#until(`${count} bytes`, () => (this.#received.length < count ? undefined : this.#take(count)))
  }

  /**
   * An ECHO round trip: when it is back, the server has acted on all that this peer sent before. What else
   * comes meanwhile stays to be received.
   */
  async sync(): Promise<void> {
    const token = randomBytes(12).toString('hex')
    this.send(PACKET.ECHO_REQ, token)
    const answer = request(PACKET.ECHO_RES, token)
    answer.write(responseMagic, 'latin1')
    await this.#until('the answer to an ECHO_REQ', () => {
      const start = this.#received.indexOf(answer)
      if (start < 0) return undefined
      const rest = this.#received.subarray(start + answer.length)
      this.#received = Buffer.concat([this.#received.subarray(0, start), rest])
      return true
    })
  }

  /** The server has nothing for this peer: not a matter of waiting, an ECHO behind all else proves it. */
  async expectNothing(): Promise<void> {
    await this.sync()
    if (this.#received.length > 0) throw this.#fault('nothing', 'bytes came')
  }

  /** The server closes the connection and sends nothing before. */
  async expectClosed(): Promise<void> {
    while (!this.isClosed) {
      if (this.#received.length > 0) throw this.#fault('the end of the connection', 'bytes came')
      await this.#event('the end of the connection')
    }
    if (this.#received.length > 0) throw this.#fault('the end of the connection', 'bytes came')
  }

  /** Sends what is still to be sent and ends the connection from this side. */
  async close(): Promise<void> {
    this.#socket.end()
    this.#socket.resume()
    while (!this.isClosed) await this.#event('the end of a connection that this side ended')
  }

  /** Ends the connection as a crashed program's kernel does, with whatever was half sent. */
  destroy(): void {
    this.#ended ??= 'destroyed here'
    this.#socket.destroy()
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.destroy()
    return Promise.resolve()
  }

  #take(length: number): Buffer {
    const bytes = this.#received.subarray(0, length)
    this.#received = this.#received.subarray(length)
    return bytes
  }

  async #until<T>(waitingFor: string, find: () => T | undefined): Promise<T> {
    const deadline = Date.now() + waitMs
    for (;;) {
      const found = find()
      if (found !== undefined) return found
      if (this.isClosed) throw this.#fault(waitingFor, `the connection ended (${this.#ended})`)
      await this.#event(waitingFor, deadline - Date.now())
    }
  }

  async #event(waitingFor: string, timeoutMs = waitMs): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(this.#fault(waitingFor, `nothing more came in ${waitMs} ms`)), timeoutMs)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    }).finally(() => {
      this.#wake = undefined
    })
  }

  #fault(waitingFor: string, instead: string): Error {
    return new Error(
      `${this.name} waited for ${waitingFor}, but ${instead}; not yet received: "${printable(this.#received)}"`,
    )
  }
}
