import type { Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** Requests behind another one on their connection that are worked on: what is made for them waits with them. */
const begunMax = 16
/** More of them are not held. */
const queuedMax = 10_000

interface Queue {
  /** Behind another one when they came, and not answered yet. */
  readonly responses: Set<ServerResponse>
  /** To begin those past the first `begunMax`. */
  readonly starts: (() => void)[]
}

/** Each connection's answers leave in the order of its requests, however many come at once: the last one tells of all. */
export class AnswerLine {
  readonly #last = new WeakMap<Socket, ServerResponse>()
  readonly #queues = new WeakMap<Socket, Queue>()

  /** From now on; a peer that takes nothing of what is there for it in so long is cut off. 0: it may take its time. */
  constructor(server: Server, outputTimeoutMs: number) {
    // Before whoever answers it.
    server.prependListener('request', ({ socket }, response) => {
      this.#last.set(socket, response)
      if (response.socket === null) this.#add(response, socket)
    })
    if (outputTimeoutMs === 0) return
    server.setTimeout(outputTimeoutMs, (socket) => {
      // Node leaves those to this listener that have been idle too long after an answer.
      const isIdle = this.#last.get(socket)?.writableFinished === true
      if (isIdle || socket.writableLength > 0) socket.destroy()
    })
  }

  /** Calls back when the request is to be worked on; never, if its peer leaves before that. */
  whenNear({ socket, req }: ServerResponse, start: () => void): void {
    const queue = socket === null ? this.#queues.get(req.socket) : undefined
    if (queue === undefined || queue.responses.size <= begunMax) start()
    else queue.starts.push(start)
  }

  /** Answers are still to leave, so that one to what is no request would be taken for one of them. */
  isBusy(socket: Socket): boolean {
    const last = this.#last.get(socket)
    if (last === undefined || last.writableFinished) return false
    // If it is only the body that can't be read, this is the answer to it; when it is its turn it has the socket.
    return last.req.complete || last.headersSent || last.socket === null
  }

  #add(response: ServerResponse, socket: Socket): void {
    const queue = this.#queues.get(socket) ?? this.#begin(socket)
    queue.responses.add(response)
    response.once('close', () => {
      queue.responses.delete(response)
      if (!socket.destroyed) queue.starts.shift()?.()
    })
    if (queue.responses.size > queuedMax) socket.destroy()
  }

  #begin(socket: Socket): Queue {
    const queue: Queue = { responses: new Set(), starts: [] }
    this.#queues.set(socket, queue)
    socket.once('close', () => {
      for (const response of queue.responses) {
        // Node tells only the one whose turn it is that its peer has left.
        if (response.socket === null) response.destroy().emit('close')
      }
    })
    return queue
  }
}
