import { anyone, type Server, silentLog } from '@geartrain/server'
import type { Command } from './command.ts'
import { Host } from './host.ts'
import { type Incoming, IncomingStream } from './incoming.ts'
import { handlePrefix } from './job-record.ts'
import { Ledger } from './ledger.ts'
import { Line } from './line.ts'
import { type Leaving, Link } from './link.ts'
import { clearWeather, drawSizes, drawWeather, type Plan } from './plan.ts'
import type { Random } from './random.ts'
import type { Sabotage } from './sabotage.ts'
import { type Cancel, Timeline } from './timeline.ts'
import type { Trace } from './trace.ts'

/** Whoever holds the peer's end of a connection. */
export interface PeerOwner {
  onIncoming(incoming: Incoming): void
  onClosed(): void
}

/** The peer's end of a connection that speaks the protocol. */
export class Peer {
  readonly line: Line
  isOpen = true
  readonly #link: Link
  readonly #stage: Stage

  constructor(line: Line, link: Link, stage: Stage) {
    this.line = line
    this.#link = link
    this.#stage = stage
  }

  /** All of them in one write. */
  send(...commands: readonly Command[]): void {
    if (!this.isOpen) return
    this.#link.send(Buffer.concat(commands.map((command) => this.line.send(command))))
  }

  /** Bytes that are no command. */
  sendGarbage(bytes: Buffer): void {
    this.line.ruin()
    this.#link.send(bytes)
  }

  leave(how: Leaving): void {
    this.#stage.note(`${this.line.name} ${how}`)
    if (how === 'vanish') this.line.isFrail = true
    this.#link.leave(how)
  }

  /** Takes nothing of what the server sends for so long. */
  dawdle(forMs: number): void {
    this.#stage.note(`${this.line.name} dawdles`)
    this.#link.stopReading()
    this.#stage.after(forMs, () => this.#link.readOn())
  }
}

/** The server under its simulated clock and network, with the ledger that watches every connection. */
export class Stage {
  readonly random: Random
  readonly plan: Plan
  readonly timeline = new Timeline()
  readonly ledger: Ledger
  readonly host: Host
  readonly #trace: Trace
  readonly #links = new Set<Link>()
  readonly #sabotage: Sabotage | undefined
  readonly #numbers = new Map<string, number>()
  /** The network is good, and nobody does any more mischief. */
  isHealed = false

  constructor(plan: Plan, random: Random, storageRandom: Random, trace: Trace, sabotage?: Sabotage) {
    this.plan = plan
    this.random = random
    this.#trace = trace
    this.#sabotage = sabotage
    const { attemptsMax, wakeCount, exceptions, limits, isLimited, storage } = plan
    this.ledger = new Ledger({
      attemptsMax,
      exceptions,
      isLimited,
      isDurable: storage !== undefined,
      nowMs: () => Math.trunc(this.timeline.now),
      wallMsMax: () => this.host.wallMsMax,
      isStoreBusy: () => this.host.store?.isBusy === true,
      outputBytesMax: limits.outputBytesMax,
      stepMsMax: 100 * plan.lookMs,
      note: (event) => this.note(event),
    })
    const functions = plan.keepsResults ? { '*': { 'keep-results': '1m' } } : {}
    const log = { ...silentLog, debug: (context: unknown) => this.#onLog(context) }
    this.host = new Host({
      plan,
      timeline: this.timeline,
      random,
      storageRandom,
      ledger: this.ledger,
      options: { attemptsMax, wakeCount, exceptions, limits, log, handlePrefix, functions },
      sabotage,
      breakLinks: () => this.#breakLinks(),
    })
  }

  note(event: string): void {
    this.#trace.add(this.timeline.now, event)
  }

  after(delayMs: number, run: () => void): Cancel {
    return this.timeline.plan(delayMs, run)
  }

  /** A time so many milliseconds from now, in seconds since 1970. */
  epoch(inMs: number): number {
    return Math.floor((this.host.clock.wallNow() + inMs) / 1000)
  }

  /**
   * Opens a connection; a frail one will break at some byte that the server gets of it. Undefined: there is no server.
   */
  connect(name: string, owner: PeerOwner, isFrail = false): Peer | undefined {
    if (!this.host.isUp) return undefined
    // Few try one that closes, which can take it long.
    if (this.host.isClosing && !this.random.chance(0.1)) return undefined
    const number = (this.#numbers.get(name) ?? 0) + 1
    this.#numbers.set(name, number)
    const { random, ledger } = this
    const line = new Line(`${name}.${number}`, ledger)
    const stream = new IncomingStream()
    let isExcused = () => false
    const link = new Link(
      this.timeline,
      random,
      this.isHealed ? clearWeather : drawWeather(random),
      drawSizes(random),
      {
        wrote: (bytes) => line.written(bytes),
        serverCloses: (how) => line.serverCloses(how, isExcused() || ledger.isShuttingDown),
        peerLeaves: () => line.leave(),
      },
      {
        onBytes: (bytes) => {
          line.arrived(bytes)
          for (const incoming of stream.read(bytes)) if (peer.isOpen) owner.onIncoming(incoming)
        },
        onClosed: () => {
          peer.isOpen = false
          owner.onClosed()
        },
      },
      this.#sabotage?.output?.(),
    )
    const peer = new Peer(line, link, this)
    const { socket } = link
    let unblockedAt = -1
    line.isHeld = () => socket.isPaused()
    line.isBlocked = () => socket.writableNeedDrain
    let connection: ReturnType<Server['accept']>
    line.isHeldBack = () => connection?.output.isWaiting === true && !socket.writableNeedDrain
    line.outputBytes = () => connection?.output.length ?? 0
    isExcused = () => {
      // Of what the store has held back and what the socket has, the latter may have gone since.
      const bytesMax = line.outputBytes() + socket.writableHighWaterMark
      const isHeldBack = this.plan.storage !== undefined && bytesMax > this.plan.limits.outputBytesMax
      return socket.writableNeedDrain || unblockedAt === ledger.moment || isHeldBack
    }
    line.isFrail = isFrail
    if (isFrail) link.breakAfter(random.between(1, 1500), random.pick(['close', 'reset', 'vanish']))
    this.note(`${line.name} connects`)
    ledger.opened(line)
    // Before the server's own listeners: what it does with the bytes comes after they are noted.
    socket.on('data', (chunk: Buffer) => line.delivered(chunk.length))
    socket.on('drain', () => {
      unblockedAt = ledger.moment
    })
    const { server } = this.host
    const isFull = server.connectionCount >= this.plan.limits.connectionsMax
    connection = server.accept(socket, anyone('192.0.2.1'))
    if (connection === undefined && !isFull && !ledger.isShuttingDown) ledger.fail(`${line.name} is turned away`)
    if (connection !== undefined) this.#sabotage?.connection?.(connection)
    // The server may use its buffers for input again: what it keeps of one it must have copied.
    socket.on('data', (chunk: Buffer) => chunk.fill('!'))
    socket.on('close', () => {
      line.goneFromServer()
      this.#links.delete(link)
    })
    this.#links.add(link)
    return peer
  }

  /** The network is good from now on, and those that have vanished are found out. */
  heal(): void {
    this.isHealed = true
    for (const link of this.#links) link.heal(clearWeather)
    this.host.heal()
  }

  #breakLinks(): void {
    for (const link of this.#links) link.breakOff()
    this.#links.clear()
  }

  #onLog(context: unknown): void {
    if (typeof context !== 'object' || context === null || !('err' in context)) return
    const { err } = context
    const code = err instanceof Error && 'code' in err ? String(err.code) : ''
    if (code.startsWith('ERR_')) this.ledger.fail(`a stream was used in a wrong way: ${String(err)}`)
  }
}
