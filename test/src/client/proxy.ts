import { once } from 'node:events'
import net from 'node:net'
import { PACKET } from '../support/raw.ts'

/** Stands between a client and a server, and is as slow or as broken as a network can be. */
export class Proxy implements AsyncDisposable {
  readonly #listener: net.Server
  readonly #pairs = new Set<readonly [net.Socket, net.Socket]>()
  readonly #swallowed = new WeakSet<readonly [net.Socket, net.Socket]>()
  #isPaused = false
  readonly address: string

  private constructor(listener: net.Server, serverPort: number) {
    this.#listener = listener
    this.address = listeningAddress(listener)
    listener.on('connection', (near) => this.#join(near, net.connect(serverPort, '127.0.0.1')))
  }

  static async to(serverPort: number, port = 0): Promise<Proxy> {
    const listener = net.createServer()
    listener.listen(port, '127.0.0.1')
    await once(listener, 'listening')
    return new Proxy(listener, serverPort)
  }

  /** From now on nothing that the server says comes through. */
  pause(): void {
    this.#isPaused = true
    for (const [, far] of this.#pairs) far.pause()
  }

  resume(): void {
    this.#isPaused = false
    for (const [, far] of this.#pairs) far.resume()
  }

  /** From now on nothing comes through on the connections that there are, in either direction, nor do their ends. */
  swallow(): void {
    for (const pair of this.#pairs) this.#swallowed.add(pair)
  }

  /** Ends the oldest connection, without a word. */
  cutOne(): void {
    const [pair = []] = this.#pairs
    for (const socket of pair) socket.destroy()
  }

  /** Ends all connections, without a word. */
  cut(): void {
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut()
    this.#listener.close()
    await once(this.#listener, 'close')
  }

  #join(near: net.Socket, far: net.Socket): void {
    const pair = [near, far] as const
    this.#pairs.add(pair)
    for (const [from, to] of [pair, [far, near] as const]) {
      from.on('data', (chunk) => this.#swallowed.has(pair) || to.write(chunk))
      from.on('end', () => this.#swallowed.has(pair) || to.end())
      from.on('error', () => this.#swallowed.has(pair) || to.destroy())
      from.on('close', () => pair.every((socket) => socket.destroyed) && this.#pairs.delete(pair))
    }
    if (this.#isPaused) far.pause()
  }
}

/** A server of a few lines, for what no real one would say. `talk` gets each connection. */
export class FakeServer implements AsyncDisposable {
  readonly #listener: net.Server
  readonly #sockets = new Set<net.Socket>()
  readonly address: string

  private constructor(listener: net.Server, talk: (socket: net.Socket) => void) {
    this.#listener = listener
    this.address = listeningAddress(listener)
    listener.on('connection', (socket) => {
      this.#sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => this.#sockets.delete(socket))
      talk(socket)
    })
  }

  static async start(talk: (socket: net.Socket) => void): Promise<FakeServer> {
    const listener = net.createServer()
    listener.listen(0, '127.0.0.1')
    await once(listener, 'listening')
    return new FakeServer(listener, talk)
  }

  /** One that takes connections as a client of ours begins them; `talk` gets each then. */
  static toClients(talk: (socket: net.Socket) => void): Promise<FakeServer> {
    return FakeServer.start((socket) => {
      socket.once('data', () => {
        socket.write(response(PACKET.OPTION_RES, 'exceptions'))
        talk(socket)
      })
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#listener.close()
    await once(this.#listener, 'close')
  }
}

/** What a server sends: a packet with the parts, NUL between them. */
export function response(type: number, ...parts: readonly string[]): Buffer {
  const body = Buffer.from(parts.join('\0'), 'latin1')
  const header = Buffer.alloc(12)
  header.write('\0RES', 'latin1')
  header.writeUInt32BE(type, 4)
  header.writeUInt32BE(body.length, 8)
  return Buffer.concat([header, body])
}

function listeningAddress(listener: net.Server): string {
  const address = listener.address()
  if (address === null || typeof address === 'string') throw new Error('a listening socket has no port')
  return `127.0.0.1:${address.port}`
}
