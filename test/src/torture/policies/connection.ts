import net from 'node:net'
import { type Command, encode } from '../../simulation/command.ts'
import { type IncomingPacket, IncomingStream } from '../../simulation/incoming.ts'

export interface ConnectionEvents {
  readonly onPacket: (packet: IncomingPacket) => void
  /** The server has sent what nobody understands. */
  readonly onNonsense: (what: string) => void
}

/** One TCP connection to the server, in packets. It may end at any time: the server is killed. */
export class Connection {
  readonly name: string
  isOpen = true
  /** Resolves when it has ended, and all that came has been heard. */
  readonly closed: Promise<void>
  readonly #socket: net.Socket
  readonly #stream = new IncomingStream()

  constructor(port: number, name: string, { onPacket, onNonsense }: ConnectionEvents) {
    this.name = name
    this.#socket = net.connect({ host: '127.0.0.1', port, noDelay: true })
    this.#socket.on('error', () => {})
    this.#socket.on('data', (bytes) => {
      try {
        for (const incoming of this.#stream.read(bytes)) {
          // What comes behind a packet that it left for is nobody's.
          if (!this.isOpen) return
          if (incoming.name === 'LINE') onNonsense(`a line of text: ${incoming.line}`)
          else onPacket(incoming)
        }
      } catch (error) {
        onNonsense(error instanceof Error ? (error.stack ?? error.message) : String(error))
      }
    })
    this.closed = new Promise((resolve) => {
      this.#socket.on('close', () => {
        this.isOpen = false
        resolve()
      })
    })
  }

  /** All in one write. */
  send(...commands: readonly Command[]): void {
    if (this.isOpen) this.#socket.write(Buffer.concat(commands.map(encode)))
  }

  /** What was sent goes out before. */
  end(): void {
    this.isOpen = false
    this.#socket.end()
  }

  /** As when its machine is switched off and on. */
  reset(): void {
    this.isOpen = false
    this.#socket.resetAndDestroy()
  }
}
