import { Problem, problemType } from './problem.ts'
import { securityHeaders } from './security-headers.ts'

/** The whole answer to what can't even be read as HTTP. */
export function unreadableAnswer({ code }: Error & { readonly code?: string }): string {
  const isLong = code === 'HPE_HEADER_OVERFLOW'
  const isLate = code === 'ERR_HTTP_REQUEST_TIMEOUT'
  const problem = isLong
    ? new Problem('HEADERS_TOO_LARGE', 'the headers have more bytes than they may')
    : new Problem('BAD_REQUEST', isLate ? 'the request did not come in time' : 'this is no request of HTTP')
  const status = isLate ? '408 Request Timeout' : isLong ? '431 Request Header Fields Too Large' : '400 Bad Request'
  const body = JSON.stringify(problem)
  const headers = {
    ...securityHeaders,
    connection: 'close',
    'content-type': problemType,
    'content-length': Buffer.byteLength(body),
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 ${status}\r\n${lines.join('')}\r\n${body}`
}
