import { once } from 'node:events'
import net from 'node:net'

/** Stands between clients and a server, and is as slow or as broken as a network can be. */
export class TcpProxy implements AsyncDisposable {
  readonly port: number
  /** What clients connect to, as `host:port`. */
  readonly address: string
  readonly #listener: net.Server
  readonly #serverPort: number
  readonly #links = new Set<Link>()
  #isPaused = false
  #isCut = false
  #delayMs = 0

  private constructor(listener: net.Server, serverPort: number) {
    const address = listener.address()
    if (address === null || typeof address === 'string') throw new Error('a listening socket has no port')
    this.#listener = listener
    this.#serverPort = serverPort
    this.port = address.port
    this.address = `127.0.0.1:${address.port}`
    listener.on('connection', (near) => this.#welcome(near))
  }

  static async to(serverPort: number, port = 0): Promise<TcpProxy> {
    const listener = net.createServer()
    listener.listen(port, '127.0.0.1')
    await once(listener, 'listening')
    return new TcpProxy(listener, serverPort)
  }

  /** How many connections come through it now, those that are cut off as well. */
  get connections(): number {
    return this.#links.size
  }

  /**
   * As a network that is cut off: nothing comes through in either direction, nor do the ends of connections. New
   * connections are taken and then hear nothing either.
   */
  cut(): void {
    this.#isCut = true
    this.cutThese()
  }

  /** The same for the connections that there are; new ones come through. */
  cutThese(): void {
    for (const link of this.#links) link.isCut = true
    this.#update()
  }

  /** The network is whole again: what was held comes through, as do the ends of those who have given up. */
  heal(): void {
    this.#isCut = false
    for (const link of this.#links) link.isCut = false
    this.#update()
  }

  /** Ends all connections, without a word, and what was held with them. Does not heal. */
  reset(): void {
    for (const link of this.#links) link.end()
  }

  /** The same for the oldest one. */
  resetOne(): void {
    const [oldest] = this.#links
    oldest?.end()
  }

  /** From now on nothing that the server says comes through. */
  pause(): void {
    this.#isPaused = true
    this.#update()
  }

  resume(): void {
    this.#isPaused = false
    this.#update()
  }

  /** From now on all that is said takes so long, each way. */
  delay(delayMs: number): void {
    this.#delayMs = delayMs
  }

  async close(): Promise<void> {
    this.reset()
    this.#listener.close()
    await once(this.#listener, 'close')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #welcome(near: net.Socket): void {
    const link = new Link(near, this.#serverPort, () => this.#delayMs)
    link.isCut = this.#isCut
    this.#links.add(link)
    near.on('close', () => this.#links.delete(link))
    this.#update()
  }

  #update(): void {
    for (const link of this.#links) link.update(this.#isPaused)
  }
}

/** A client's connection, and from when it first comes through the one to the server that belongs to it. */
class Link {
  isCut = false
  readonly #near: net.Socket
  readonly #serverPort: number
  readonly #delayMs: () => number
  #far: net.Socket | undefined
  #up: Lane | undefined
  #down: Lane | undefined

  constructor(near: net.Socket, serverPort: number, delayMs: () => number) {
    this.#near = near
    this.#serverPort = serverPort
    this.#delayMs = delayMs
    near.on('error', () => {})
  }

  update(isPaused: boolean): void {
    if (this.#far === undefined && !this.isCut && !this.#near.destroyed) {
      this.#far = net.connect(this.#serverPort, '127.0.0.1')
      this.#up = new Lane(this.#near, this.#far, this.#delayMs)
      this.#down = new Lane(this.#far, this.#near, this.#delayMs)
    }
    this.#up?.hold(this.isCut)
    this.#down?.hold(this.isCut || isPaused)
  }

  end(): void {
    this.#near.destroy()
    this.#far?.destroy()
  }
}

/** One direction of a connection: hands on what comes, and how it ends, in order. */
class Lane {
  readonly #from: net.Socket
  readonly #delayMs: () => number
  readonly #waiting: { readonly dueAt: number; readonly pass: () => void }[] = []
  #isHeld = false
  #timer: NodeJS.Timeout | undefined

  constructor(from: net.Socket, to: net.Socket, delayMs: () => number) {
    this.#from = from
    this.#delayMs = delayMs
    from.on('data', (chunk) => this.#take(() => to.write(chunk)))
    from.on('end', () => this.#take(() => to.end()))
    from.on('error', () => this.#take(() => to.destroy()))
    to.on('close', () => clearTimeout(this.#timer))
  }

  /** What is held is not even read: it waits with its sender, as soon as the buffers between are full. */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld
    if (isHeld) this.#from.pause()
    else this.#from.resume()
    this.#passOn()
  }

  #take(pass: () => void): void {
    this.#waiting.push({ dueAt: performance.now() + this.#delayMs(), pass })
    this.#passOn()
  }

  #passOn(): void {
    clearTimeout(this.#timer)
    for (;;) {
      const [next] = this.#waiting
      if (this.#isHeld || next === undefined) return
      const waitMs = next.dueAt - performance.now()
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.#passOn(), Math.ceil(waitMs))
        return
      }
      this.#waiting.shift()
      next.pass()
    }
  }
}
