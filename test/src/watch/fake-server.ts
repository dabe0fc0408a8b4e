import { once } from 'node:events'
import net from 'node:net'
import { createInterface } from 'node:readline'

/** What it says to a line. Undefined: nothing. */
export type Script = (line: string, socket: net.Socket) => string | undefined

/** A job server that says what a test wants, to whoever asks. */
export class FakeServer implements AsyncDisposable {
  /** What it was asked, over all connections. */
  readonly lines: string[] = []
  connections = 0
  /** Connections that have ended. */
  gone = 0
  script: Script
  readonly #server: net.Server
  readonly #sockets = new Set<net.Socket>()

  private constructor(script: Script, onConnection: (socket: net.Socket) => void) {
    this.script = script
    this.#server = net.createServer((socket) => {
      this.connections++
      this.#sockets.add(socket)
      // Who watches may leave in the midst of an answer.
      socket.on('error', () => {})
      socket.once('close', () => {
        this.gone++
        this.#sockets.delete(socket)
      })
      createInterface({ input: socket })
        .on('error', () => {})
        .on('line', (line) => {
          this.lines.push(line)
          const answer = this.script(line, socket)
          if (answer !== undefined) socket.write(answer)
        })
      onConnection(socket)
    })
  }

  static async start(script: Script = honest(), onConnection: (socket: net.Socket) => void = () => {}) {
    const fake = new FakeServer(script, onConnection)
    fake.#server.listen(0, '127.0.0.1')
    await once(fake.#server, 'listening')
    return fake
  }

  get address(): string {
    // It listens on TCP, whose addresses are objects.
    return `127.0.0.1:${(this.#server.address() as net.AddressInfo).port}`
  }

  /** As when the server ends. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

interface Answers {
  readonly version?: string
  readonly status?: string
  readonly workers?: string
}

/** Answers as a job server does, but for what is given. */
export function honest({ version = 'OK 1.1.20\n', status = '.\n', workers = '.\n' }: Answers = {}): Script {
  return (line) =>
    line === 'version' ? version : line === 'status' ? status : line === 'workers' ? workers : undefined
}
