import { once } from 'node:events'
import net from 'node:net'
import tls from 'node:tls'
import { freePort } from '../support/peers.ts'

export interface DoorOptions {
  readonly host?: string
  /** What is spoken before the door, if it is TLS. */
  readonly tls?: tls.TlsOptions
  /** Gets each connection that has shown what the server wanted to see. */
  readonly onSecure?: (socket: tls.TLSSocket) => void
}

/**
 * The way to a server: an address of its own, which stays the same while it is shut and opened again. Shut, it refuses
 * connections, and those that there were have ended without a word.
 */
export class Door implements AsyncDisposable {
  readonly address: string
  /** Where it leads. */
  serverPort: number
  readonly #host: string
  readonly #port: number
  readonly #options: DoorOptions
  readonly #sockets = new Set<net.Socket>()
  #listener: net.Server | undefined
  /** How many connections came, ever. */
  connections = 0

  private constructor(port: number, serverPort: number, options: DoorOptions) {
    const { host = '127.0.0.1' } = options
    this.#host = host
    this.#port = port
    this.serverPort = serverPort
    this.#options = options
    this.address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
  }

  static async to(serverPort: number, options: DoorOptions = {}): Promise<Door> {
    // Not one that the system chose: it could be somebody's outgoing connection when the door is to be opened again.
    const door = new Door(await freePort(), serverPort, options)
    await door.open()
    return door
  }

  async open(): Promise<void> {
    if (this.#listener !== undefined) return
    const { tls: tlsOptions, onSecure } = this.#options
    const listener = tlsOptions === undefined ? net.createServer() : tls.createServer(tlsOptions)
    listener.on('connection', (socket: net.Socket) => {
      this.connections++
      this.#keep(socket)
    })
    listener.on(tlsOptions === undefined ? 'connection' : 'secureConnection', (near: net.Socket) => this.#join(near))
    if (onSecure !== undefined) listener.on('secureConnection', onSecure)
    listener.listen(this.#port, this.#host)
    await once(listener, 'listening')
    this.#listener = listener
  }

  async shut(): Promise<void> {
    const listener = this.#listener
    if (listener === undefined) return
    this.#listener = undefined
    listener.close()
    for (const socket of this.#sockets) socket.destroy()
    await once(listener, 'close')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.shut()
  }

  #join(near: net.Socket): void {
    const far = net.connect(this.serverPort, '127.0.0.1')
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#keep(from)
      from.on('data', (chunk) => to.write(chunk))
      from.on('end', () => to.end())
      from.on('error', () => to.destroy())
      from.on('close', () => to.destroy())
    }
  }

  #keep(socket: net.Socket): void {
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
  }
}
