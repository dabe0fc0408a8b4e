import type { ServerResponse } from 'node:http'
import { securityHeaders } from './security-headers.ts'

/** A comment so often keeps proxies from taking a quiet stream for a dead one. */
const heartbeatMs = 15_000
/** A reader that leaves more than this unread gets no more, and is cut off if it stays so for `stallMsMax`. */
const unreadBytesMax = 256 * 1024
const stallMsMax = 30_000

/** Server-sent events to one reader, who may be slow: what is held for it is bounded. */
export class EventStream {
  readonly #response: ServerResponse
  readonly #heartbeat: NodeJS.Timeout
  /** The reader asked for no events, only how the answer would begin. */
  readonly #isHead: boolean
  #stalledSince = 0
  /** Bytes that the reader's system had taken when it was last looked at. */
  #takenBytes = 0
  #isClosed = false

  /** Begins the answer. `onClose` is called once, when the reader has left or was cut off, or after `end`. */
  constructor(response: ServerResponse, onClose: () => void) {
    this.#response = response
    response.writeHead(200, {
      ...securityHeaders,
      'content-type': 'text/event-stream; charset=utf-8',
      // nginx would collect it otherwise.
      'x-accel-buffering': 'no',
    })
    response.flushHeaders()
    this.#isHead = response.req.method === 'HEAD'
    if (this.#isHead) response.end()
    this.#heartbeat = setInterval(() => this.#beat(), heartbeatMs)
    response.once('close', () => {
      this.#isClosed = true
      clearInterval(this.#heartbeat)
      onClose()
    })
    response.on('error', () => {})
  }

  /** So much waits for the reader that what can be left out should be. */
  get isBehind(): boolean {
    return this.#response.writableLength > unreadBytesMax / 4
  }

  /** False: it was dropped, since the reader is too far behind; one that misses events that count is to be ended. */
  send(event: string, data: unknown, id?: string): boolean {
    const idLine = id === undefined ? '' : `id: ${id}\n`
    return this.sendWritten(`event: ${event}\n${idLine}data: ${JSON.stringify(data)}\n\n`)
  }

  /** The same for events that are written already. Readers that get the same ones share the bytes. */
  sendWritten(events: string | Uint8Array): boolean {
    if (this.#isHead) return true
    if (this.#isClosed || this.#response.writableLength > unreadBytesMax) return false
    this.#response.write(events)
    return true
  }

  end(): void {
    this.#response.end()
  }

  /** For a reader that has missed something. */
  cutOff(): void {
    this.#response.destroy()
  }

  #beat(): void {
    const { socket, writableLength } = this.#response
    const takenBytes = (socket?.bytesWritten ?? 0) - (socket?.writableLength ?? 0)
    if (writableLength === 0) this.#response.write(':\n\n')
    else if (takenBytes === this.#takenBytes && this.#stalledSince > 0) {
      if (Date.now() - this.#stalledSince >= stallMsMax) this.cutOff()
      return
    }
    this.#takenBytes = takenBytes
    this.#stalledSince = writableLength === 0 ? 0 : Date.now()
  }
}
