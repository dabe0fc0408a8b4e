import type { MessagePort } from 'node:worker_threads'

/** Bytes on their way to another thread: copied, then moved. A clone would take all of the memory that they are a part of. */
export function ownBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes)
}

export function postMoved(port: MessagePort, message: object): void {
  if (!('body' in message) || !(message.body instanceof Uint8Array)) {
    port.postMessage(message)
    return
  }
  const body = ownBytes(message.body)
  port.postMessage({ ...message, body }, [body.buffer])
}
