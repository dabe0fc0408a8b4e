import { type WireError, wireErrors } from '@geartrain/protocol'
import { Problem, type ProblemCode } from '../http/problem.ts'

/** What the server refuses with an ERROR packet, as it is told over HTTP. */
const codes: Partial<Record<WireError, ProblemCode>> = {
  UNIQUE_TOO_LARGE: 'BAD_REQUEST',
  FUNCTION_TOO_LARGE: 'BAD_REQUEST',
  INVALID_OPTIONS: 'BAD_REQUEST',
  QUEUE_FULL: 'QUEUE_FULL',
  TOO_MANY_FUNCTIONS: 'QUEUE_FULL',
  TOO_MANY_WAITS: 'TOO_MANY_REQUESTS',
  TOO_MANY_CONNECTIONS: 'TOO_MANY_REQUESTS',
  STORE_FAILED: 'STORE_FAILED',
  FUNCTION_DRAINING: 'FUNCTION_DRAINING',
  ACCESS_DENIED: 'ACCESS_DENIED',
  SHUTTING_DOWN: 'SHUTTING_DOWN',
  PACKET_TOO_LARGE: 'BODY_TOO_LARGE',
}

/** `code` and `text` are those of the packet: several errors have the same code, which is none's name then, and some texts go on. */
export function refusal(code: string, text: string): Problem {
  for (const [name, problemCode] of Object.entries(codes)) {
    // Object.entries forgets that the keys are the table's own.
    const error = wireErrors[name as WireError]
    const isIt = error.code === code && (name === code || text.startsWith(error.text))
    if (isIt) return new Problem(problemCode, sentence(text))
  }
  return new Problem('INTERNAL_ERROR', `the server has refused the job: ${code} ${text}`)
}

function sentence(text: string): string {
  return Buffer.from(text.charAt(0).toLowerCase() + text.slice(1), 'latin1').toString('utf8')
}
