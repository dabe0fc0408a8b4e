import { once } from 'node:events'
import net from 'node:net'
import { waitMs } from '../support/raw.ts'

/** An answer as it came. */
export interface RawAnswer {
  readonly version: string
  readonly status: number
  readonly reason: string
  /** Names in small letters. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** A connection on which a test says what it likes; one character is a byte. */
export class RawHttp implements Disposable {
  readonly #socket: net.Socket
  #received = ''
  #hasEnded = false

  private constructor(socket: net.Socket) {
    this.#socket = socket
    socket.setEncoding('latin1').on('data', (text: string) => {
      this.#received += text
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#hasEnded = true
    })
  }

  static async connect(port: number): Promise<RawHttp> {
    const socket = net.connect({ host: '127.0.0.1', port, noDelay: true })
    await once(socket, 'connect')
    return new RawHttp(socket)
  }

  send(text: string): void {
    this.#socket.write(text, 'latin1')
  }

  /** The next answer. `isHead`: it has no body, whatever it says. */
  async answer(isHead = false): Promise<RawAnswer> {
    await this.#until('an answer', () => this.#received.includes('\r\n\r\n'))
    const end = this.#received.indexOf('\r\n\r\n')
    const [first = '', ...lines] = this.#received.slice(0, end).split('\r\n')
    const [, version = '', status = '', reason = ''] = /^HTTP\/(\S+) (\d+) ?(.*)$/.exec(first) ?? []
    const headers = Object.fromEntries(
      lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
    )
    const length = isHead ? 0 : Number(headers['content-length'] ?? 0)
    const start = end + 4
    await this.#until('the whole answer', () => this.#received.length >= start + length)
    const body = this.#received.slice(start, start + length)
    this.#received = this.#received.slice(start + length)
    return { version, status: Number(status), reason, headers, body }
  }

  /** All that comes before the server closes. */
  async rest(): Promise<string> {
    await this.#until('the end', () => this.#hasEnded)
    return this.#received
  }

  /** From now on nothing is read. */
  pause(): void {
    this.#socket.pause()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  [Symbol.dispose](): void {
    this.destroy()
  }

  async #until(what: string, isSo: () => boolean): Promise<void> {
    const signal = AbortSignal.timeout(waitMs)
    while (!isSo()) {
      if (this.#hasEnded) throw new Error(`${what} did not come before the end: ${JSON.stringify(this.#received)}`)
      await Promise.race([once(this.#socket, 'data', { signal }), once(this.#socket, 'close', { signal })]).catch(
        () => {
          throw new Error(`${what} did not come: ${JSON.stringify(this.#received)}`)
        },
      )
    }
  }
}

/** One request on a connection of its own. */
export async function exchange(port: number, request: string): Promise<RawAnswer> {
  using connection = await RawHttp.connect(port)
  connection.send(request)
  return await connection.answer(request.startsWith('HEAD '))
}
