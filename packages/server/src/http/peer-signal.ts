import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { Problem } from './problem.ts'

/** Of requests that may wait at a time on one connection: Node reads them without end while they have no answers. */
const waitsPerConnectionMax = 128
const waits = new WeakMap<Socket, number>()

/** Aborted when the peer leaves before it has its answer. Cuts off who waits for too many. */
export function signalOf(request: IncomingMessage, response: ServerResponse): AbortSignal {
  const controller = new AbortController()
  let isSent = false
  const { socket } = request
  countWait(socket, 1)
  // An answer whose connection was cut is finished as well, as Node has it.
  response.once('finish', () => {
    isSent = !socket.destroyed
  })
  response.once('close', () => {
    countWait(socket, -1)
    if (!isSent || socket.errored) controller.abort()
  })
  if (request.destroyed || response.destroyed) controller.abort()
  return controller.signal
}

function countWait(socket: Socket, by: 1 | -1): void {
  const count = (waits.get(socket) ?? 0) + by
  if (count > waitsPerConnectionMax) {
    // An answer would be behind all that are waited for.
    socket.destroy()
    throw new Problem('TOO_MANY_REQUESTS', `at most ${waitsPerConnectionMax} requests wait at a time on a connection`)
  }
  waits.set(socket, count)
}
