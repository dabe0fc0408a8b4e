import { Duplex } from 'node:stream'

/**
 * A server's end of a connection that goes through no kernel. The test is the other end: what it `says` is the
 * server's input at once, what the server sends lies in `heard`, and how much of it is taken, and when, is the test's.
 */
export class MemorySocket extends Duplex {
  /** The server has ended its side. */
  hasEnded = false
  #heard: Buffer[] = []
  /** Set while the peer reads nothing: what the server's last write waits for. */
  #unread: { readonly chunks: Buffer[]; readonly done: () => void } | undefined
  #isReading = true

  /** `takenBytes` is what a connection's buffers take before a write counts as one that has to wait. */
  constructor(takenBytes = 16 * 1024) {
    super({ writableHighWaterMark: takenBytes })
  }

  /** The peer sends bytes. */
  say(bytes: Uint8Array): void {
    if (!this.destroyed) this.push(Buffer.from(bytes))
  }

  /** The peer ends its side, and still reads. */
  endSaying(): void {
    if (!this.destroyed && !this.readableEnded) this.push(null)
  }

  /** All that the server has sent since the last call. */
  heard(): Buffer {
    const heard = Buffer.concat(this.#heard)
    this.#heard = []
    return heard
  }

  /** The peer takes nothing from now on; the server's next write stays unfinished. */
  stopReading(): void {
    this.#isReading = false
  }

  readOn(): void {
    this.#isReading = true
    this.#takeUnread()
  }

  /** Takes what the server's unfinished write has brought, and no more. */
  readOnce(): void {
    this.#takeUnread()
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#unread = { chunks: [chunk], done }
    if (this.#isReading) this.#takeUnread()
  }

  override _writev(writes: { readonly chunk: Buffer }[], done: () => void): void {
    this.#unread = { chunks: writes.map(({ chunk }) => chunk), done }
    if (this.#isReading) this.#takeUnread()
  }

  override _final(done: () => void): void {
    this.hasEnded = true
    done()
  }

  #takeUnread(): void {
    const unread = this.#unread
    if (unread === undefined) return
    this.#unread = undefined
    // A copy, made as late as a kernel would make it: the server may use its buffers again from now on, not before.
    this.#heard.push(Buffer.concat(unread.chunks))
    unread.done()
  }
}
