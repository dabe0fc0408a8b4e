import { Socket } from 'node:net'
import { createServer, type TLSSocket, type Server as TlsServer } from 'node:tls'
import { plainAddress } from '../access/network.ts'
import { delayMsMax } from '../clock.ts'
import type { Log } from '../log.ts'
import type { TlsSource } from './tls-source.ts'

export interface TlsDoorOptions {
  /** For all of a handshake; 0: for ever. */
  readonly handshakeTimeoutMs: number
  readonly log: Log
  /** A connection whose handshake is done. */
  onSecure(socket: TLSSocket): void
}

/**
 * Lets connections in that shake hands by TLS, as many at a time as there are. One that does not, in time, is closed
 * without a word; nobody waits for it.
 */
export class TlsDoor {
  readonly #server: TlsServer
  readonly #sockets = new Set<Socket>()
  /** Handshakes under way. */
  #pending = 0

  constructor(source: TlsSource, { handshakeTimeoutMs, log, onSecure }: TlsDoorOptions) {
    // It never listens: it is given connections.
    this.#server = createServer({
      ...source.options,
      handshakeTimeout: handshakeTimeoutMs || delayMsMax,
      // A browser, which names other protocols, can't be led here by a page that means harm.
      ALPNProtocols: ['gearman'],
    })
    source.onChanged((options) => this.#server.setSecureContext(options))
    this.#server.on('secureConnection', (socket) => {
      this.#pending--
      // Not before: whoever leaves in the middle of a handshake is gone.
      socket.allowHalfOpen = true
      onSecure(socket)
    })
    // For each one that does not come about, once.
    this.#server.on('tlsClientError', (error, socket) => {
      this.#pending--
      const { authorizationError: problem } = socket
      const address = addressOf(socket)
      if (problem) log.warn({ address, problem }, 'connection closed: the certificate of this client is refused')
      else log.debug({ address, err: error }, 'no handshake by TLS')
      socket.destroy()
    })
  }

  get pending(): number {
    return this.#pending
  }

  /** Takes over a connection that was just accepted. */
  letIn(socket: Socket): void {
    this.#pending++
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
    // It remembers what it was once asked, and the log asks when it is closed.
    void socket.remoteAddress
    this.#server.emit('connection', socket)
  }

  /** Ends every connection that came by it, handshakes first of all. */
  close(): void {
    for (const socket of this.#sockets) socket.destroy()
  }
}

/** Also of one that is closed: that it came of another one is something that only Node knows. */
function addressOf(socket: TLSSocket): string {
  const parent: unknown = Reflect.get(socket, '_parent')
  return plainAddress((parent instanceof Socket ? parent.remoteAddress : socket.remoteAddress) ?? '-')
}
