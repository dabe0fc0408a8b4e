import { once } from 'node:events'
import net from 'node:net'
import tls from 'node:tls'

/** A connection for the text protocol, with answers as they came, one character a byte. One command at a time. */
export class TextSession implements Disposable {
  readonly #socket: net.Socket
  readonly #chunks: AsyncIterator<Buffer>

  private constructor(socket: net.Socket) {
    this.#socket = socket
    this.#chunks = socket.iterator({ destroyOnReturn: false })
  }

  /** Rejects with the system's error. */
  static async open(host: string, port: number, tlsOptions: tls.ConnectionOptions | undefined): Promise<TextSession> {
    const socket =
      tlsOptions === undefined
        ? net.connect({ host, port, noDelay: true })
        : tls.connect({ host, port, servername: net.isIP(host) === 0 ? host : '', ...tlsOptions })
    await once(socket, tlsOptions === undefined ? 'connect' : 'secureConnect')
    return new TextSession(socket)
  }

  /** The whole answer with its line ends: one line or, of a list, all up to the dot. */
  async ask(command: string, isList: boolean): Promise<string> {
    this.#socket.write(`${command}\r\n`, 'utf8')
    const parts: string[] = []
    let tail = ''
    do {
      const chunk = await this.#chunks.next()
      if (chunk.done === true) throw new Error(`the server has closed the connection instead of answering "${command}"`)
      const text = chunk.value.toString('latin1')
      parts.push(text)
      tail = (tail + text).slice(-tailBytes)
    } while (!isWhole(parts[0] ?? '', tail, isList))
    return parts.join('')
  }

  [Symbol.dispose](): void {
    this.#socket.destroy()
  }
}

const tailBytes = '\n.\n'.length

function isWhole(head: string, tail: string, isList: boolean): boolean {
  if (!tail.endsWith('\n')) return false
  // An older server may not have the list; a unique may well begin like another error.
  return !isList || tail.endsWith('\n.\n') || tail === '.\n' || /^ERR UNKNOWN_[A-Z_]+/.test(head)
}
