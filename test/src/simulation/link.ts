import { Pipe, type Weather } from './pipe.ts'
import type { Random } from './random.ts'
import { ServerSocket, type SocketSizes, type SocketWitness, type Tamper } from './server-socket.ts'
import type { Timeline } from './timeline.ts'

/**
 * How a peer goes.
 * finish: it ends its side and reads on until the server ends the other. close: it ends its side and reads nothing
 * more. reset: as a crashed program's kernel does, possibly with what was on the way. vanish: as with a cut cable:
 * neither side is told; the server may find out in a long time.
 */
export type Leaving = 'finish' | 'close' | 'reset' | 'vanish'

/** What the peer's end tells. */
export interface PeerEnd {
  onBytes(bytes: Buffer): void
  /** Nothing more comes, and nothing more can be sent. */
  onClosed(): void
}

/** What happens to the server's end. */
export interface LinkWitness extends Omit<SocketWitness, 'serverClosed'> {
  /** From now on the server may know that its peer has gone. */
  peerLeaves(): void
}

/** After so long without an answer a system gives a silent peer up. */
const keepAliveMs = 60_000

/** One connection: the server's socket, and the peer's end of it as methods. */
export class Link {
  readonly socket: ServerSocket
  readonly #timeline: Timeline
  readonly #random: Random
  readonly #toServer: Pipe
  readonly #toPeer: Pipe
  readonly #witness: LinkWitness
  readonly #peer: PeerEnd
  #isReading = true
  #hasLeft = false
  #isVanished = false
  #isPeerTold = false

  constructor(
    timeline: Timeline,
    random: Random,
    weather: Weather,
    sizes: SocketSizes,
    witness: LinkWitness,
    peer: PeerEnd,
    tamper?: Tamper,
  ) {
    this.#timeline = timeline
    this.#random = random
    this.#witness = witness
    this.#peer = peer
    this.#toServer = new Pipe(timeline, random, weather)
    this.#toPeer = new Pipe(timeline, random, weather)
    const serverClosed = (isReset: boolean) => this.#serverClosed(isReset)
    this.socket = new ServerSocket(this.#toServer, this.#toPeer, sizes, { ...witness, serverClosed }, tamper)
    this.#toPeer.deliver = (bytes) => this.#arrive(bytes)
  }

  /** The peer sends; the bytes are the link's from now on. */
  send(bytes: Buffer): void {
    if (!this.#hasLeft) this.#toServer.send(bytes)
  }

  stopReading(): void {
    this.#isReading = false
    this.#toPeer.hold()
  }

  readOn(): void {
    if (this.#isReading || this.#isVanished) return
    this.#isReading = true
    this.#toPeer.release()
  }

  leave(how: Leaving): void {
    if (this.#hasLeft) return
    this.#hasLeft = true
    if (how === 'vanish') return this.#vanish()
    if (how === 'finish') return this.#toServer.end(() => this.#endReachesServer())
    if (how === 'close') {
      this.#toServer.end(() => this.#endReachesServer())
    } else if (this.#random.chance(0.5)) {
      // A reset is sent at once, and what the server has not read by then it never will.
      this.#toServer.cut()
      this.#resetLater()
    } else this.#toServer.end(() => this.#reset('ECONNRESET'))
    if (how === 'reset') this.#toPeer.cut()
    else this.readOn()
    this.#tellPeer()
  }

  /** The peer goes by no will of its own as soon as the server has so many bytes of it. */
  breakAfter(bytes: number, how: Leaving): void {
    this.#toServer.cutAfter(bytes, () => {
      const isLeaving = this.#hasLeft
      this.#hasLeft = true
      if (how === 'vanish' && !isLeaving) return this.#vanish()
      this.#toPeer.cut()
      if (how === 'close') this.#endReachesServer()
      else this.#reset('ECONNRESET')
      this.#tellPeer()
    })
  }

  /** The server's process ends, and its system closes what it had open. The server itself is told nothing more. */
  breakOff(): void {
    const { socket } = this
    socket.removeAllListeners()
    socket.on('error', () => {})
    socket.destroy()
  }

  /** The weather clears, and whoever has vanished is found out. */
  heal(weather: Weather): void {
    this.#toServer.weather = weather
    this.#toPeer.weather = weather
    if (this.#isVanished) this.#reset('ETIMEDOUT')
    else this.readOn()
  }

  #vanish(): void {
    this.#isVanished = true
    this.#toServer.cut()
    this.stopReading()
    this.#timeline.plan(keepAliveMs * (0.5 + this.#random.fraction()), () => this.#reset('ETIMEDOUT'))
    this.#tellPeer()
  }

  #arrive(bytes: Buffer): void {
    if (!this.#isPeerTold) return this.#peer.onBytes(bytes)
    // The peer has closed and is sent something: its system answers that there is nobody.
    this.#resetLater()
  }

  #resetLater(): void {
    this.#timeline.plan(this.#random.exponential(1), () => this.#reset('ECONNRESET'))
  }

  #endReachesServer(): void {
    if (this.socket.destroyed) return
    this.#witness.peerLeaves()
    this.socket.push(null)
  }

  #reset(code: string): void {
    if (this.socket.destroyed) return
    this.#witness.peerLeaves()
    this.socket.destroy(Object.assign(new Error(`read ${code}`), { code }))
  }

  /** The server's side has ended, or all of it. */
  #serverClosed(isReset: boolean): void {
    if (this.socket.destroyed) this.#toServer.cut()
    if (isReset && this.#random.chance(0.5)) {
      this.#toPeer.cut()
      this.#timeline.plan(this.#random.exponential(1), () => this.#tellPeer())
    } else {
      this.#toPeer.end(() => {
        this.leave('close')
        this.#tellPeer()
      })
    }
  }

  #tellPeer(): void {
    if (this.#isPeerTold) return
    this.#isPeerTold = true
    this.#peer.onClosed()
  }
}
