import type { IncomingHttpHeaders } from 'node:http'
import { isIP } from 'node:net'

/** A browser sends this for a page of another site. Programs say nothing of the kind. */
export function isFromOtherSite({ origin, host, 'sec-fetch-site': site }: IncomingHttpHeaders): boolean {
  if (site !== undefined) return site !== 'same-origin' && site !== 'none'
  return origin !== undefined && !isOriginOf(origin, host)
}

/**
 * Names that a server is reached by, beside addresses. A page of another site can have its own name resolve to this
 * machine, and is then of the same origin as the server: only the name tells.
 */
export class KnownHosts {
  readonly #names: ReadonlySet<string>
  /** Requests one after the other name the same one. */
  #last = ''

  constructor(names: readonly string[]) {
    this.#names = new Set(['localhost', ...names.map((name) => name.toLowerCase())])
  }

  /** As the header `Host` has it, with or without a port. */
  has(header: string): boolean {
    if (header === this.#last && header !== '') return true
    const name = nameOf(header)
    const isKnown = isIP(name) > 0 || name.endsWith('.localhost') || this.#names.has(name)
    if (isKnown) this.#last = header
    return isKnown
  }
}

/** Without the port. */
export function nameOf(header: string): string {
  const [, bracketed, plain] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(header) ?? []
  return (bracketed ?? plain ?? '').toLowerCase()
}

function isOriginOf(origin: string, host: string | undefined): boolean {
  return URL.canParse(origin) && new URL(origin).host === host?.toLowerCase()
}
