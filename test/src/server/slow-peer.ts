import net from 'node:net'
import { waitMs } from '../support/raw.ts'

const headerBytes = 12

/** A peer that takes what the server sends only when, and as far as, the test asks for it. */
export class SlowPeer {
  readonly name: string
  readonly socket: net.Socket
  #chunks: Buffer[] = []
  #length = 0
  #ended: string | undefined
  #wake: (() => void) | undefined

  private constructor(socket: net.Socket, name: string) {
    this.socket = socket
    this.name = name
    socket.on('data', (chunk) => {
      this.#chunks.push(chunk)
      this.#length += chunk.length
      this.#wake?.()
    })
    socket.on('error', (error) => {
      this.#ended ??= error.message
      this.#wake?.()
    })
    socket.on('close', () => {
      this.#ended ??= 'end'
      this.#wake?.()
    })
    socket.on('connect', () => this.#wake?.())
    socket.pause()
  }

  static async connect(port: number, name: string): Promise<SlowPeer> {
    const socket = net.connect({ host: '127.0.0.1', port, noDelay: true, allowHalfOpen: true })
    const peer = new SlowPeer(socket, name)
    await peer.#until('its connection', () => !socket.connecting)
    return peer
  }

  get hasEnded(): boolean {
    return this.#ended !== undefined
  }

  sendBytes(bytes: Uint8Array | string): void {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
  }

  /** The next so many bytes. */
  async take(count: number): Promise<Buffer> {
    if (this.#length < count) {
      this.socket.resume()
      await this.#until(`${count} bytes`, () => this.#length >= count)
      this.socket.pause()
    }
    const all = Buffer.concat(this.#chunks)
    this.#chunks = [all.subarray(count)]
    this.#length = all.length - count
    return all.subarray(0, count)
  }

  /** The text that comes next, up to and with its end. */
  async takeUntil(end: string): Promise<string> {
    const bytes = Buffer.from(end, 'latin1')
    const find = () => {
      if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks)]
      return this.#chunks[0]?.indexOf(bytes) ?? -1
    }
    if (find() < 0) {
      this.socket.resume()
      await this.#until(JSON.stringify(end), () => find() >= 0)
      this.socket.pause()
    }
    return (await this.take(find() + bytes.length)).toString('latin1')
  }

  /** The next packet, without its header. */
  async takePacket(): Promise<{ readonly type: number; readonly body: Buffer }> {
    const header = await this.take(headerBytes)
    return { type: header.readUInt32BE(4), body: await this.take(header.readUInt32BE(8)) }
  }

  /** All that still comes before the server ends the connection. */
  async takeRest(): Promise<Buffer> {
    let hasEnded = false
    this.socket.once('end', () => {
      hasEnded = true
      this.#wake?.()
    })
    this.socket.resume()
    await this.#until('the end', () => hasEnded || this.#ended === 'end')
    const all = Buffer.concat(this.#chunks)
    this.#chunks = []
    this.#length = 0
    return all
  }

  destroy(): void {
    this.#ended ??= 'destroyed here'
    this.socket.destroy()
  }

  async #until(waitingFor: string, isSo: () => boolean): Promise<void> {
    const failed = () =>
      new Error(`${this.name} waited for ${waitingFor}; it has ${this.#length} bytes, ${this.#ended}`)
    while (!isSo()) {
      if (this.#ended !== undefined) throw failed()
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => reject(failed()), waitMs)
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }
}
