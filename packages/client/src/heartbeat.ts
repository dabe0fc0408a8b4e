import type { Connection } from './connection.ts'
import { timerMsMax } from './cutoff.ts'
import { InvalidArgumentError, TimeoutError } from './errors.ts'
import type { IncomingPacket } from './incoming-packet.ts'

export const defaultHeartbeatMs = 60_000

/** What the ECHO_REQ of a heartbeat carries, and its ECHO_RES brings back. */
export const heartbeatPayload: Uint8Array = Buffer.from('heartbeat')

/**
 * Notices that the other side of a connection is gone without a word. When nothing has come for an interval, `ask` is
 * called, which sends ECHO_REQ; when nothing comes in the next one either, the connection is destroyed, unless the
 * system still has output to send: then it notices by itself. What comes is seen at the end of an interval, so that
 * packets cost nothing, and the first of the two silent ones may be longer by up to one.
 *
 * The function that comes back ends it. 0 is no heartbeat.
 */
export function startHeartbeat(
  connection: Pick<Connection, 'bytesRead' | 'isSending' | 'destroy'>,
  intervalMs: number,
  ask: () => void,
): () => void {
  if (intervalMs === 0) return () => {}
  let bytesRead = connection.bytesRead
  let isAsked = false
  let lastMs = performance.now()

  const judge = () => {
    if (connection.bytesRead !== bytesRead || connection.isSending) return
    connection.destroy(new TimeoutError(`the server has not answered a heartbeat in ${intervalMs} ms`))
  }
  const timer = setInterval(() => {
    const passedMs = performance.now() - lastMs
    lastMs += passedMs
    // A program that was busy for so long has not listened.
    const isLate = passedMs > 1.5 * intervalMs
    if (isLate || connection.bytesRead !== bytesRead) {
      bytesRead = connection.bytesRead
      isAsked = false
    } else if (isAsked) {
      // The answer may be here and not yet read, if the program was busy just before.
      setImmediate(judge)
    } else {
      isAsked = true
      ask()
    }
  }, intervalMs)
  return () => clearInterval(timer)
}

/** Whether an ECHO_RES answers a heartbeat. */
export function isHeartbeat(packet: IncomingPacket): boolean {
  return Buffer.compare(packet.data(), heartbeatPayload) === 0
}

export function checkedHeartbeatMs(heartbeatMs: number): number {
  if (heartbeatMs >= 0 && heartbeatMs <= timerMsMax) return heartbeatMs
  throw new InvalidArgumentError(`heartbeatMs is 0 (none) to ${timerMsMax}, not ${heartbeatMs}`)
}
