import net from 'node:net'
import tls from 'node:tls'
import { Decoder, PacketWriter, packets } from '@geartrain/protocol'
import { formatServer, type ServerAddress } from './address.ts'
import { type CallOptions, startCutoff, throwIfAborted } from './cutoff.ts'
import { Deferred } from './deferred.ts'
import { ConnectionLostError, ProtocolError } from './errors.ts'
import { IncomingPacket } from './incoming-packet.ts'
import { TokenReply } from './token.ts'

/** Whoever has the connection. None of these is called again after `lost`. */
export interface Receiver {
  packet(packet: IncomingPacket): void
  /** A line of text, without its end, one character a byte. */
  line(line: string): void
  /** The connection has ended, by either side. Once, and last. */
  lost(error: ConnectionLostError): void
}

/** A packet of the table, which may carry data only where the table says so. */
export type RequestKind = (typeof packets)[keyof typeof packets]

export interface ConnectionOptions {
  /** The largest packet that is taken from a server. */
  readonly packetBytesMax: number
  /** What Node's `tls.connect` takes; undefined: no TLS. */
  readonly tls?: tls.ConnectionOptions | undefined
  /** Says to the server who this is, before anything else. */
  readonly token?: string | undefined
}

const MiB = 1024 * 1024

export const defaultConnectionOptions: ConnectionOptions = { packetBytesMax: 1024 * MiB }

/** Of the text protocol; a `workers` line has all functions of a worker. */
const lineBytesMax = 16 * MiB
/** Above it `drained()` waits. */
const outputBytesHigh = MiB
/** Data from here on is written from where it lies and not copied into the output. */
const ownWriteBytesMin = 64 * 1024
/** Output in one piece up to here; the buffer is kept for the next. */
const outputBytesKept = 256 * 1024
const keepAliveIdleMs = 60_000
/** A server that was told that the connection ends has this long to end it as well. */
const endTimeoutMs = 1000

const noData = new Uint8Array(0)
const allocate = (bytes: number) => Buffer.allocUnsafeSlow(bytes)

/**
 * A socket, the decoder behind it and the writer before it. What is sent within one turn of the event loop leaves in
 * one write.
 */
export class Connection {
  readonly address: ServerAddress
  readonly #socket: net.Socket
  #receiver: Receiver
  readonly #decoder: Decoder
  readonly #packet: IncomingPacket
  readonly #writer = new PacketWriter(allocate)
  #flushing: NodeJS.Immediate | undefined
  #drained: Deferred<void> | undefined
  readonly #ended = new Deferred<void>()
  /** Why it ends, as soon as that is known. */
  #fault: Error | undefined
  #isOpen = true
  #hasReceived = false

  private constructor(address: ServerAddress, socket: net.Socket, receiver: Receiver, packetBytesMax: number) {
    this.address = address
    this.#socket = socket
    this.#receiver = receiver
    this.#decoder = new Decoder({ packetBytesMax, lineBytesMax })
    this.#packet = new IncomingPacket(this.#decoder)
    socket.on('data', (chunk) => this.#read(chunk))
    socket.on('drain', () => this.#releaseDrained())
    socket.on('error', (error) => {
      this.#fault ??= error
    })
    socket.on('close', () => this.#lose())
  }

  /** Rejects with the system's error, AbortedError or TimeoutError; with ServerError if the token is refused. */
  static async open(
    address: ServerAddress,
    receiver: Receiver,
    { packetBytesMax, tls: secure, token }: ConnectionOptions,
    options: CallOptions,
  ): Promise<Connection> {
    throwIfAborted(options.signal)
    const { socket, event } = connect(address, secure)
    const connected = new Deferred<void>()
    const closed = new Promise((resolve) => socket.once('close', resolve))
    const cutoff = new Deferred<never>()
    cutoff.promise.catch(() => {})
    const release = startCutoff(options, `connecting to ${formatServer(address)}`, (error) => {
      connected.reject(error)
      cutoff.reject(error)
    })
    socket.once(event, connected.resolve)
    socket.once('error', connected.reject)
    try {
      await connected.promise
      if (token === undefined) return new Connection(address, socket, receiver, packetBytesMax)
      const reply = new TokenReply(address)
      const connection = new Connection(address, socket, reply, packetBytesMax)
      connection.send(packets.OPTION_REQ, [`token:${token}`])
      await Promise.race([reply.answer, cutoff.promise])
      connection.#receiver = receiver
      return connection
    } catch (error) {
      // An error after this one is nobody's.
      socket.on('error', () => {})
      socket.destroy()
      // So that nothing of it is left when `close()` has waited for this.
      await closed
      throw error
    } finally {
      release()
      socket.removeListener(event, connected.resolve)
      socket.removeListener('error', connected.reject)
    }
  }

  /** False from the moment on that nothing can be sent any more. */
  get isOpen(): boolean {
    return this.#isOpen
  }

  /** How much has come from the server. */
  get bytesRead(): number {
    return this.#socket.bytesRead
  }

  /** The system has not yet taken all that was sent. */
  get isSending(): boolean {
    return this.#socket.writableLength > 0
  }

  send(kind: RequestKind, args: readonly string[], data: Uint8Array = noData): void {
    if (!this.#isOpen) return
    const writer = this.#writer
    const ownWrite = data.length >= ownWriteBytesMin
    writer.open(kind, args, data.length, true, ownWrite ? 0 : data.length)
    if (ownWrite) {
      this.#flush()
      this.#socket.write(data)
      return
    }
    writer.data(data)
    this.#scheduleFlush()
  }

  /** A line of the text protocol, one character a byte. Its end is CRLF: gearmand takes a letter off some that end in LF. */
  sendLine(line: string): void {
    if (!this.#isOpen) return
    this.#writer.reserve(line.length + 2)
    this.#writer.text(`${line}\r\n`)
    this.#scheduleFlush()
  }

  /** When there is little left to be sent: for those who could send without end. Also when the connection is lost. */
  async drained(): Promise<void> {
    if (!this.#isOpen || this.#writer.length + this.#socket.writableLength < outputBytesHigh) return
    this.#drained ??= new Deferred()
    await this.#drained.promise
  }

  /** Sends what is to be sent and ends the connection; resolves when it has ended. */
  async close(): Promise<void> {
    if (this.#isOpen) {
      this.#flush()
      this.#isOpen = false
      this.#socket.end()
    }
    const timer = setTimeout(() => this.#socket.destroy(), endTimeoutMs)
    await this.#ended.promise
    clearTimeout(timer)
  }

  /** Ends it at once; what was not sent is not. */
  destroy(fault?: Error): void {
    this.#fault ??= fault
    this.#isOpen = false
    this.#socket.destroy()
  }

  /** The receiver may end the connection at any packet; what follows it is then not read. */
  #read(chunk: Uint8Array): void {
    const decoder = this.#decoder
    this.#hasReceived = true
    decoder.push(chunk)
    try {
      for (;;) {
        const decoded = decoder.next()
        if (decoded === 'more' || this.#socket.destroyed) return
        if (decoded === 'bad') throw new ProtocolError(`${decoder.problem}: this is not the Gearman protocol`)
        if (decoded === 'line') {
          this.#receiver.line(Buffer.from(decoder.bytes.subarray(decoder.start, decoder.end)).toString('latin1'))
          continue
        }
        this.#packet.read()
        this.#receiver.packet(this.#packet)
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.destroy(error)
    }
  }

  #scheduleFlush(): void {
    this.#flushing ??= setImmediate(() => this.#flush())
  }

  #flush(): void {
    if (this.#flushing !== undefined) clearImmediate(this.#flushing)
    this.#flushing = undefined
    const writer = this.#writer
    if (writer.length === 0 || !this.#isOpen) return
    this.#socket.write(writer.written())
    // The kernel took all of it, so nobody else reads the buffer.
    if (this.#socket.writableLength === 0 && writer.bytes.length <= outputBytesKept) writer.clear()
    else writer.renew(0)
    if (!this.#socket.writableNeedDrain) this.#releaseDrained()
  }

  #releaseDrained(): void {
    this.#drained?.resolve()
    this.#drained = undefined
  }

  #lose(): void {
    this.#isOpen = false
    if (this.#flushing !== undefined) clearImmediate(this.#flushing)
    this.#releaseDrained()
    this.#receiver.lost(lostError(this.address, this.#fault, this.#hasReceived ? '' : silenceHint(this.#socket)))
    this.#ended.resolve()
  }
}

/** What users say of TLS, as a connection takes it. */
export function tlsOptions(option: boolean | tls.ConnectionOptions | undefined): tls.ConnectionOptions | undefined {
  if (option === true) return {}
  return option === false ? undefined : option
}

/** A socket that connects, and the event that says it can be used. */
function connect(
  { host, port }: ServerAddress,
  secure: tls.ConnectionOptions | undefined,
): { readonly socket: net.Socket; readonly event: 'connect' | 'secureConnect' } {
  const options = { host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveIdleMs }
  if (secure === undefined) return { socket: net.connect(options), event: 'connect' }
  // A name for the certificate, which an address can't be.
  const servername = net.isIP(host) === 0 ? host : ''
  const socket = tls.connect({ servername, ...secure, ...options })
  // tls.connect passes on neither of these.
  socket.setNoDelay(true)
  socket.setKeepAlive(true, keepAliveIdleMs)
  return { socket, event: 'secureConnect' }
}

/** What may be the matter with a server that has closed a connection without a word. */
function silenceHint(socket: net.Socket): string {
  const question =
    socket instanceof tls.TLSSocket ? 'does it know the certificate of this client?' : 'does it want TLS?'
  return ` before it said anything; ${question}`
}

function lostError(address: ServerAddress, fault: Error | undefined, hint: string): ConnectionLostError {
  const server = formatServer(address)
  if (fault !== undefined) {
    // OpenSSL's messages have numbers and places before what they say, and a line end after it.
    const reason = 'reason' in fault ? String(fault.reason) : fault.message.trimEnd()
    return new ConnectionLostError(`the connection to ${server} is lost: ${reason}`, { cause: fault })
  }
  return new ConnectionLostError(`${server} has closed the connection${hint}`)
}
