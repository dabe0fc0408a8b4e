import type { Duplex } from 'node:stream'
import type { Session } from '@geartrain/engine'
import { Decoder, packets } from '@geartrain/protocol'
import type { Actor } from './access/actor.ts'
import type { Clock } from './clock.ts'
import type { Connections } from './connections.ts'
import { LocalLink } from './gateway/local-link.ts'
import type { Limits } from './limits.ts'
import type { Log } from './log.ts'
import { Output } from './output.ts'
import type { Turn } from './turn.ts'

/** What a connection needs of the server it belongs to. */
export interface ConnectionContext {
  readonly clock: Clock
  readonly connections: Connections
  readonly limits: Limits
  readonly log: Log
  readonly turn: Turn
  /** A decoded packet or line lies in `connection.decoder`. */
  onPacket(connection: Connection): void
  onLine(connection: Connection): void
  /** The end of a job is a packet that is too large. Another worker would do the job, and say the same. */
  onResultTooLarge(connection: Connection, error: string): void
  /** No more commands will come from it. */
  onGone(connection: Connection): void
}

export type ConnectionKind = 'tcp' | 'tls' | 'http'

/** The next row has to be waited for: it is told whom to call then. */
export type ListingPause = (goOn: () => void) => void
export type Listing = Generator<string | ListingPause, void>

/** What ends a job. */
const lastWords: ReadonlySet<number> = new Set([packets.WORK_COMPLETE.type, packets.WORK_EXCEPTION.type])
/** Rows of a listing are written in portions, so that a long one holds up nobody and waits for its reader. */
const listingBytesMax = 256 * 1024
/** After an ERROR that ends a connection, the peer has this long to read it. */
const lingerMs = 2000
const MiB = 1024 * 1024
/** The first byte that a client of TLS sends, which no packet and no text command begins with. */
const tlsHandshake = 0x16
/** What the commands of one connection may take of a turn before others have theirs. */
const turnShareMs = 10
/** The clock is looked at once for so many commands. */
const commandsPerLook = 64

/**
 * One connection: bytes to commands, output to bytes, and the patience that is had with its peer. It is read from
 * unless it is held by a listing it asked for, or feeds a reader that is slow.
 */
export class Connection {
  readonly id: number
  /** `-` if it is not known. */
  readonly address: string
  /** Another one when it turns out that the peer is another server. */
  session: Session
  /** Who the peer is, as far as it has shown. */
  actor: Actor
  readonly decoder: Decoder
  readonly output: Output
  /** Never given to another one while the server runs. */
  readonly serial: number
  readonly kind: ConnectionKind
  /** What the peer calls itself. */
  clientId = '-'
  /** A worker that wants to know the traces of its jobs. */
  tracing = false
  bytesIn = 0
  /** Tokens that it has shown and that are none. */
  wrongTokens = 0
  /** It has output of this turn. */
  isTouched = false
  /** It has all the output that it will get. */
  isFinished = false

  readonly #socket: Duplex
  readonly #context: ConnectionContext
  /** Slow readers that this one has given output to. */
  readonly #waitsFor = new Set<Connection>()
  /** Those that wait for this one. */
  readonly #feeders = new Set<Connection>()
  #listing: Listing | undefined
  /** The listing waits for its next row. */
  #isListingPaused = false
  /** How many things have to happen before more is read. */
  #pauses = 0
  /** Set while a grab waits for the store. */
  #endGrabPause: (() => void) | undefined
  /** It has had its share of this turn. */
  #isResting = false
  #spentMs = 0
  /** The peer says no more. */
  #hasEnded = false
  #isClosing = false
  #isGone = false
  #isOverfull = false
  readonly #openedAt: number
  #lastInputAt: number
  #hasSpoken = false
  #partialSince = 0
  #blockedSince = 0
  #closingSince = 0

  constructor(id: number, session: Session, socket: Duplex, actor: Actor, context: ConnectionContext) {
    this.id = id
    this.session = session
    this.actor = actor
    this.address = actor.address
    this.decoder = new Decoder(context.limits, (bytes) => Buffer.allocUnsafeSlow(bytes))
    this.output = new Output(socket)
    this.serial = context.connections.takeSerial()
    this.kind = kindOf(socket)
    this.#socket = socket
    this.#context = context
    this.#openedAt = context.clock.now()
    this.#lastInputAt = this.#openedAt
    socket.on('drain', () => this.#onDrain())
    socket.on('end', () => this.#onEnd())
    socket.on('error', (error) =>
      context.log.debug({ connection: id, address: this.address, err: error }, 'connection failed'),
    )
    socket.on('close', () => this.#onClose())
  }

  /** What it sends is not read for now. */
  get isHeldBack(): boolean {
    return this.#mustWait
  }

  /** In the engine's time. */
  get openedAt(): number {
    return this.#openedAt
  }

  /** When it was last read from; when it was opened, if it was not. */
  get lastInputAt(): number {
    return this.#lastInputAt
  }

  /** Bytes from the peer. They may be overwritten when this returns. */
  receive(chunk: Uint8Array): void {
    if (this.#isClosing) return
    this.bytesIn += chunk.length
    if (!this.#hasSpoken && this.decoder.pendingBytes === 0 && chunk[0] === tlsHandshake) return this.#refuseTls()
    this.decoder.push(chunk)
    this.#read()
    if (this.#mustWait) this.decoder.keepRest()
  }

  /** An ERROR packet; the connection goes on. */
  error({ code, text }: { readonly code: string; readonly text: string }): void {
    const writer = this.output.packet(packets.ERROR.type, code.length + 1 + text.length)
    writer.argument(code)
    writer.text(text)
  }

  /** Answers with the rows, one by one as the peer takes them, before anything else that it has sent is read. */
  list(rows: Listing): void {
    this.#listing = rows
    if (!this.#writeListing()) this.#socket.pause()
  }

  /** Nothing more that it has sent is read until the function that is given back is called. */
  pause(): () => void {
    this.#pauses++
    this.#socket.pause()
    return () => {
      this.#pauses--
      this.#context.clock.soon(() => this.#readOn())
    }
  }

  /** Its grab has got a job or none. */
  grabAnswered(): void {
    this.#endGrabPause?.()
    this.#endGrabPause = undefined
  }

  /** Reads nothing more from this peer until `slow` has taken its output. */
  waitFor(slow: Connection): void {
    if (this.#waitsFor.has(slow)) return
    this.#waitsFor.add(slow)
    slow.#feeders.add(this)
    this.#socket.pause()
  }

  /** Even with its feeders held back, more output waits than may; the connection will be closed. */
  isOverfull(): boolean {
    if (this.output.length > this.#context.limits.outputBytesMax) this.#isOverfull = true
    return this.#isOverfull
  }

  flush(): void {
    if (this.#isOverfull) return this.#drop('it does not read its output')
    this.#spentMs = 0
    const wasBlocked = this.output.isBlocked
    this.output.flush()
    if (this.output.isBlocked && !wasBlocked) this.#blockedSince = this.#context.clock.now()
    if (this.#isClosing) {
      if (this.output.isWaiting) return
      this.isFinished = true
      this.#socket.end()
    } else if (this.#listing !== undefined && !this.#isListingPaused && !this.output.isBlocked) this.#continueSoon()
  }

  /** Takes no more commands and closes when the output that is there is sent. */
  close(): void {
    if (this.#isClosing) return
    this.#isClosing = true
    this.#closingSince = this.#context.clock.now()
    this.#leave()
    // What still comes is read and thrown away: closing with bytes unread would take back what was just sent.
    this.#socket.resume()
    this.#context.turn.begin()
    this.#context.connections.to(this.id)
  }

  destroy(): void {
    this.#socket.destroy()
  }

  /** Closes the connection if the peer has used up the server's patience. */
  checkPatience(now: number): void {
    const { handshakeTimeoutMs, packetTimeoutMs, outputTimeoutMs } = this.#context.limits
    const isStalled = this.output.isBlocked && outputTimeoutMs > 0 && now - this.#blockedSince >= outputTimeoutMs
    if (isStalled) this.#drop('it does not read its output')
    else if (this.#isClosing) {
      const isWaiting = this.output.isBlocked || this.output.isWaiting
      if (now - this.#closingSince >= lingerMs && !isWaiting) this.#socket.destroy()
    } else if (!this.#hasSpoken && handshakeTimeoutMs > 0 && now - this.#openedAt >= handshakeTimeoutMs) {
      this.#drop('it has not said anything')
    } else if (this.#partialSince > 0 && packetTimeoutMs > 0 && !this.#mustWait) {
      const patienceMs = packetTimeoutMs * (1 + Math.floor(this.decoder.pendingBytes / MiB))
      if (now - this.#partialSince >= patienceMs) this.#drop('its packet does not end')
    }
  }

  /** Steps what lies in the decoder, until it is empty or reading has to wait. */
  #read(): void {
    const { clock, connections, turn } = this.#context
    const { decoder } = this
    const outer = connections.current
    connections.current = this
    let now = turn.begin()
    this.#lastInputAt = now
    for (let commands = 1; !this.#mustWait; commands++) {
      const found = decoder.next()
      if (found === 'more') break
      if (found === 'bad') {
        this.#refuseStream()
        break
      }
      this.#hasSpoken = true
      this.#partialSince = 0
      if (found === 'packet') this.#context.onPacket(this)
      else this.#context.onLine(this)
      if (this.session.isHeld) this.#endGrabPause ??= this.pause()
      if (commands % commandsPerLook === 0) {
        this.#spentMs -= now
        now = clock.now()
        this.#spentMs += now
        if (this.#spentMs >= turnShareMs) this.#rest()
      }
    }
    connections.current = outer
    if (decoder.pendingBytes > 0 && this.#partialSince === 0) this.#partialSince = now
  }

  #rest(): void {
    this.#isResting = true
    this.#socket.pause()
    this.#context.clock.soon(() => {
      this.#isResting = false
      this.#spentMs = 0
      this.#readOn()
    })
  }

  get #mustWait(): boolean {
    return (
      this.#isClosing || this.#isResting || this.#waitsFor.size > 0 || this.#pauses > 0 || this.#listing !== undefined
    )
  }

  /** Goes on where reading had to wait. */
  #readOn(): void {
    if (this.#mustWait) return
    this.#partialSince = 0
    this.#read()
    if (this.#mustWait) return
    if (this.#hasEnded) this.close()
    else this.#socket.resume()
  }

  /** What it has said already is answered before the connection is closed. */
  #onEnd(): void {
    this.#hasEnded = true
    if (!this.#mustWait) this.close()
  }

  #refuseStream(): void {
    const { problem } = this.decoder
    this.#context.log.debug({ connection: this.id, address: this.address, problem }, 'unreadable input')
    if (problem === 'PACKET_TOO_LARGE') {
      const { packetBytesMax } = this.#context.limits
      const text = `A packet may have ${packetBytesMax} bytes on this server`
      if (lastWords.has(this.decoder.type)) this.#context.onResultTooLarge(this, text)
      this.#context.connections.to(this.id)?.error({ code: 'PACKET_TOO_LARGE', text })
    }
    this.close()
  }

  /** It would wait for an answer, and the server for the end of the line. */
  #refuseTls(): void {
    this.#context.log.debug({ connection: this.id, address: this.address }, 'TLS where none is spoken')
    this.close()
  }

  #onDrain(): void {
    this.output.isBlocked = false
    this.#blockedSince = this.#context.clock.now()
    this.flush()
    if (this.output.isBlocked) return
    // Not at once: with a peer that reads as fast as it is written to, that would go round and round in this iteration.
    this.#context.clock.soon(() => this.#releaseFeeders())
  }

  #releaseFeeders(): void {
    const feeders = [...this.#feeders]
    this.#feeders.clear()
    for (const feeder of feeders) feeder.#waitsFor.delete(this)
    for (const feeder of feeders) feeder.#readOn()
  }

  #continueSoon(): void {
    this.#context.clock.soon(() => {
      if (this.#isClosing || this.#isListingPaused || this.output.isBlocked) return
      this.#context.turn.begin()
      if (this.#writeListing()) this.#readOn()
    })
  }

  /** The next portion of the listing; true if it was the last. */
  #writeListing(): boolean {
    if (this.#listing === undefined) return true
    if (this.#context.connections.to(this.id) === undefined) return false
    for (let written = 0; written < listingBytesMax; ) {
      const { done, value: row } = this.#listing.next()
      if (done === true) {
        this.#listing = undefined
        return true
      }
      if (typeof row === 'function') {
        this.#isListingPaused = true
        row(() => {
          this.#isListingPaused = false
          this.#continueSoon()
        })
        return false
      }
      this.output.text(row)
      written += row.length
    }
    return false
  }

  /** The peer has used up its time or room. */
  #drop(reason: string): void {
    this.#context.log.warn({ connection: this.id, address: this.address }, `connection closed: ${reason}`)
    this.#socket.destroy()
  }

  #onClose(): void {
    this.#isClosing = true
    this.#leave()
    this.#context.connections.remove(this)
  }

  /** Ends its session, and whoever waits for it goes on. */
  #leave(): void {
    if (this.#isGone) return
    this.#isGone = true
    this.#listing = undefined
    for (const slow of this.#waitsFor) slow.#feeders.delete(this)
    this.#waitsFor.clear()
    this.#context.turn.begin()
    this.#context.onGone(this)
    this.#releaseFeeders()
  }
}

/** How its peer is reached: what comes over HTTP is a link within the process. */
function kindOf(socket: Duplex): ConnectionKind {
  if (socket instanceof LocalLink) return 'http'
  return 'encrypted' in socket && socket.encrypted === true ? 'tls' : 'tcp'
}
