import { once } from 'node:events'
import net from 'node:net'
import { PACKET } from '../support/raw.ts'

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
