import { hostname } from 'node:os'
import { formatServerAddress, parseServerAddress, type ServerAddress } from '@geartrain/protocol'
import type { ListeningAddress } from '../../listening-address.ts'

const tlsScheme = 'gearmans://'
const plainScheme = 'gearman://'
const wildcards: ReadonlySet<string> = new Set(['0.0.0.0', '::', '*', ''])

/** Where a server is to be dialled. */
export interface LinkAddress extends ServerAddress {
  readonly isTls: boolean
}

/** `host:port`, `gearman://host:port`, or with TLS `gearmans://host:port`. If it is none, what to write, to follow a colon. */
export function parseLinkAddress(text: string): LinkAddress | string {
  const isTls = text.startsWith(tlsScheme)
  const scheme = isTls ? tlsScheme : text.startsWith(plainScheme) ? plainScheme : ''
  const address = parseServerAddress(text.slice(scheme.length))
  return typeof address === 'string' ? address : { ...address, isTls }
}

export function formatLinkAddress(address: LinkAddress): string {
  return `${address.isTls ? tlsScheme : ''}${formatServerAddress(address)}`
}

/**
 * Where other servers are told to reach this one. `given` is what the user has set, empty: nothing. Undefined: nowhere,
 * for it is no address, or the server does not listen for packets.
 */
export function announcedAddress(given: string, listening: readonly ListeningAddress[]): string | undefined {
  const [first] = listening
  if (given !== '') {
    // One who names host and port does not say whether TLS is spoken there; the port that is listened on knows.
    const address = parseLinkAddress(given)
    if (typeof address === 'string') return undefined
    if (given.includes('://')) return formatLinkAddress(address)
    const known = listening.find(({ port }) => port === address.port) ?? first
    return formatLinkAddress({ ...address, isTls: known?.isTls === true })
  }
  if (first === undefined) return undefined
  const host = wildcards.has(first.address) ? hostname() : first.address
  return formatLinkAddress({ host, port: first.port, isTls: first.isTls === true })
}
