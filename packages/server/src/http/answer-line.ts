import type { Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** Each connection's answers leave in the order of its requests: the last one tells of all. */
export class AnswerLine {
  readonly #last = new WeakMap<Socket, ServerResponse>()

  /** From now on; a peer that takes nothing of what is there for it in so long is cut off. 0: it may take its time. */
  constructor(server: Server, outputTimeoutMs: number) {
    server.on('request', ({ socket }, response) => this.#last.set(socket, response))
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
}
