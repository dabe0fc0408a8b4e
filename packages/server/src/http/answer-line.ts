import type { Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** Requests on one connection whose answers are behind another one's: more are not held. */
const queuedMax = 10_000

/** Each connection's answers leave in the order of its requests, however many come at once: the last one tells of all. */
export class AnswerLine {
  readonly #last = new WeakMap<Socket, ServerResponse>()
  /** Behind another one, when they came. */
  readonly #queued = new WeakMap<Socket, Set<ServerResponse>>()

  /** From now on; a peer that takes nothing of what is there for it in so long is cut off. 0: it may take its time. */
  constructor(server: Server, outputTimeoutMs: number) {
    server.on('request', ({ socket }, response) => {
      this.#last.set(socket, response)
      if (response.socket === null) this.#queue(response, socket)
    })
    if (outputTimeoutMs === 0) return
    server.setTimeout(outputTimeoutMs, (socket) => {
      // Node leaves those to this listener that have been idle too long after an answer.
      const isIdle = this.#last.get(socket)?.writableFinished === true
      if (isIdle || socket.writableLength > 0) socket.destroy()
    })
  }

  /** Answers are still to leave, so that one to what is no request would be taken for one of them. */
  isBusy(socket: Socket): boolean {
    const last = this.#last.get(socket)
    if (last === undefined || last.writableFinished) return false
    // If it is only the body that can't be read, this is the answer to it; when it is its turn it has the socket.
    return last.req.complete || last.headersSent || last.socket === null
  }

  #queue(response: ServerResponse, socket: Socket): void {
    const queued = this.#queued.get(socket) ?? this.#begin(socket)
    queued.add(response)
    response.once('close', () => queued.delete(response))
    if (queued.size > queuedMax) socket.destroy()
  }

  #begin(socket: Socket): Set<ServerResponse> {
    const queued = new Set<ServerResponse>()
    this.#queued.set(socket, queued)
    socket.once('close', () => {
      for (const response of queued) {
        // Node tells only the one whose turn it is that its peer has left.
        if (response.socket === null) response.destroy().emit('close')
      }
    })
    return queued
  }
}
