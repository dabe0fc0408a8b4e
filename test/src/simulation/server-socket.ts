import { Duplex } from 'node:stream'
import type { Pipe } from './pipe.ts'

export interface SocketSizes {
  /** How much the kernel holds of what the peer has not taken. */
  readonly kernelBytes: number
  readonly highWaterMark: number
}

/** What is to be known of a socket while it is used. */
export interface SocketWitness {
  /** The server hands over bytes, now; they are its own again as the rules for streams say. */
  wrote(bytes: Buffer): void
  /** The server ends its side, or the whole connection. */
  serverCloses(how: 'ends' | 'destroys'): void
  /** All that the server had written and the peer may still get is lost with `isReset`. */
  serverClosed(isReset: boolean): void
}

/** Changes what the server writes, for runs that must fail. */
export type Tamper = (bytes: Buffer) => Buffer

type Callback = (error?: Error | null) => void

/**
 * The server's end of a simulated connection, with the manners of `net.Socket`: a write that the kernel has room for
 * is done when the call returns, any other waits with the bytes left where they lie; what is written in one cork goes
 * out together.
 */
export class ServerSocket extends Duplex {
  /** Bytes that the peer sent go here; false: not more for now. */
  readonly #toPeer: Pipe
  readonly #fromPeer: Pipe
  readonly #sizes: SocketSizes
  readonly #witness: SocketWitness
  readonly #unsent: Buffer[] = []
  readonly #tamper: Tamper | undefined
  #sent: Callback | undefined

  constructor(fromPeer: Pipe, toPeer: Pipe, sizes: SocketSizes, witness: SocketWitness, tamper?: Tamper) {
    super({ allowHalfOpen: true, highWaterMark: sizes.highWaterMark })
    this.#fromPeer = fromPeer
    this.#toPeer = toPeer
    this.#sizes = sizes
    this.#witness = witness
    this.#tamper = tamper
    fromPeer.deliver = (bytes) => {
      if (!this.destroyed && !this.push(bytes)) fromPeer.hold()
    }
    toPeer.onTaken = () => this.#send()
  }

  // The server hands over bytes and nothing else: Duplex's other forms of these calls are not used.

  override write(chunk: unknown): boolean {
    if (!(chunk instanceof Uint8Array)) throw new TypeError('the server writes bytes')
    const bytes = Buffer.from(chunk)
    if (this.#tamper === undefined) {
      this.#witness.wrote(bytes)
      return super.write(chunk)
    }
    const tampered = this.#tamper(bytes)
    if (tampered.length === 0) return !this.writableNeedDrain
    this.#witness.wrote(tampered)
    return super.write(tampered)
  }

  override end(chunk?: unknown, callback?: unknown): this {
    if (chunk instanceof Uint8Array) this.write(chunk)
    if (!this.destroyed) this.#witness.serverCloses('ends')
    return typeof callback === 'function' ? super.end(() => void callback()) : super.end()
  }

  override destroy(error?: Error): this {
    if (!this.destroyed) this.#witness.serverCloses('destroys')
    return super.destroy(error)
  }

  override _read(): void {
    this.#fromPeer.release()
  }

  override _write(chunk: Buffer, _encoding: string, callback: Callback): void {
    this.#begin([chunk], callback)
  }

  override _writev(writes: { readonly chunk: Buffer }[], callback: Callback): void {
    this.#begin(
      writes.map(({ chunk }) => chunk),
      callback,
    )
  }

  override _final(callback: Callback): void {
    this.#witness.serverClosed(false)
    callback()
  }

  override _destroy(error: Error | null, callback: Callback): void {
    this.#unsent.length = 0
    this.#sent = undefined
    this.#witness.serverClosed(error !== null || this.readableLength > 0)
    callback(error)
  }

  #begin(chunks: readonly Buffer[], callback: Callback): void {
    this.#unsent.push(...chunks)
    this.#sent = callback
    this.#send()
  }

  /** Copies into the kernel what there is room for. */
  #send(): void {
    for (let chunk = this.#unsent[0]; chunk !== undefined; chunk = this.#unsent[0]) {
      const { kernelBytes } = this.#sizes
      const room = kernelBytes - this.#toPeer.length
      // A kernel too waits for more than a little room.
      if (room < Math.min(chunk.length, kernelBytes / 2)) return
      const part = chunk.subarray(0, room)
      if (part.length === chunk.length) this.#unsent.shift()
      else this.#unsent[0] = chunk.subarray(part.length)
      this.#toPeer.send(Buffer.from(part))
    }
    const sent = this.#sent
    this.#sent = undefined
    sent?.()
  }
}
