import type { ServerOptions } from 'node:http'
import type { Limits } from '../limits.ts'

/** How much of a request Node's server reads, and how long it waits for it. */
export function nodeLimits({ httpHeaderBytesMax, httpHeadersTimeoutMs, httpRequestTimeoutMs }: Limits): ServerOptions {
  return {
    maxHeaderSize: httpHeaderBytesMax,
    // Node refuses to give them longer than the whole request.
    headersTimeout: Math.min(httpHeadersTimeoutMs, httpRequestTimeoutMs || httpHeadersTimeoutMs),
    requestTimeout: httpRequestTimeoutMs,
    // How late it may notice either.
    connectionsCheckingInterval: 1000,
  }
}
