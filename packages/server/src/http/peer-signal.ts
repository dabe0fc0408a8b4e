import type { IncomingMessage, ServerResponse } from 'node:http'

/** Aborted when the peer leaves before it has its answer. */
export function signalOf(request: IncomingMessage, response: ServerResponse): AbortSignal {
  const controller = new AbortController()
  let isSent = false
  const { socket } = request
  // An answer whose connection was cut is finished as well, as Node has it.
  response.once('finish', () => {
    isSent = !socket.destroyed
  })
  response.once('close', () => {
    if (!isSent || socket.errored) controller.abort()
  })
  if (request.destroyed || response.destroyed) controller.abort()
  return controller.signal
}
