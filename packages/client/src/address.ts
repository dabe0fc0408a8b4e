import { checkServerAddress, formatServerAddress, parseServerAddress, type ServerAddress } from '@geartrain/protocol'
import { InvalidArgumentError } from './errors.ts'

export type { ServerAddress } from '@geartrain/protocol'

/** Where servers are, in any form: one or several, `host:port` or objects, or a list as GEARMAN_SERVERS has it. */
export type Servers = string | Partial<ServerAddress> | readonly (string | Partial<ServerAddress>)[]

const defaultServers = '127.0.0.1'

/** Without `servers`: those of the environment variable GEARMAN_SERVERS, or else the one on this machine. */
export function parseServers(servers: Servers = process.env['GEARMAN_SERVERS'] || defaultServers): ServerAddress[] {
  const list = Array.isArray(servers) ? servers : [servers]
  const addresses = list.flatMap((server: string | Partial<ServerAddress>) =>
    typeof server === 'string'
      ? server.split(',').map((text) => checked(parseServerAddress(text), text))
      : checked(checkServerAddress(server.host, server.port), server),
  )
  if (addresses.length === 0) throw new InvalidArgumentError('the list of servers is empty')
  return addresses
}

export function formatServer(server: ServerAddress): string {
  return formatServerAddress(server)
}

function checked(address: ServerAddress | string, given: unknown): ServerAddress {
  if (typeof address !== 'string') return address
  throw new InvalidArgumentError(`${JSON.stringify(given)} is not a server: ${address}`)
}
