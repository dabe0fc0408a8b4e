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
  #stalledSince = 0
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
    if (this.#isClosed || this.#response.writableLength > unreadBytesMax) return false
    const idLine = id === undefined ? '' : `id: ${id}\n`
    this.#response.write(`event: ${event}\n${idLine}data: ${JSON.stringify(data)}\n\n`)
    return true
  }

  end(): void {
    this.#response.end()
  }

  #beat(): void {
    const isStalled = this.#response.writableLength > 0
    if (!isStalled) this.#stalledSince = 0
    else if (this.#stalledSince === 0) this.#stalledSince = Date.now()
    else if (Date.now() - this.#stalledSince >= stallMsMax) return void this.#response.destroy()
    if (!isStalled) this.#response.write(':\n\n')
  }
}
