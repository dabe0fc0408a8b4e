import { InvalidArgumentError } from './errors.ts'

export interface ServerAddress {
  readonly host: string
  readonly port: number
}

/** Where servers are, in any form: one or several, `host:port` or objects, or a list as GEARMAN_SERVERS has it. */
export type Servers = string | Partial<ServerAddress> | readonly (string | Partial<ServerAddress>)[]

const defaultHost = '127.0.0.1'
const defaultPort = 4730
const portMax = 65_535

/** Without `servers`: those of the environment variable GEARMAN_SERVERS, or else the one on this machine. */
export function parseServers(servers: Servers = process.env['GEARMAN_SERVERS'] || defaultHost): ServerAddress[] {
  const list = Array.isArray(servers) ? servers : [servers]
  const addresses = list.flatMap((server: string | Partial<ServerAddress>) =>
    typeof server === 'string' ? server.split(',').map(parseServer) : checked(server.host, server.port, server),
  )
  if (addresses.length === 0) throw new InvalidArgumentError('the list of servers is empty')
  return addresses
}

export function formatServer({ host, port }: ServerAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** `host`, `host:port`, `:port`, `[2001:db8::1]:port`, and an IPv6 address alone, which has several colons. */
function parseServer(text: string): ServerAddress {
  const trimmed = text.trim()
  const match = /^(?:\[([^\]]+)\]|([^:[\]]*))(?::(\d+))?$/.exec(trimmed)
  if (match !== null && trimmed !== '') return checked(match[1] ?? match[2], match[3], text)
  if (/^[\da-f.]*:[\da-f.]*:[\da-f:.]*$/i.test(trimmed)) return checked(trimmed, undefined, text)
  throw new InvalidArgumentError(`"${text}" is not a server: write host:port`)
}

function checked(host: string | undefined, port: string | number | undefined, server: unknown): ServerAddress {
  const number = Number(port ?? defaultPort)
  if (!Number.isInteger(number) || number < 1 || number > portMax) {
    throw new InvalidArgumentError(`${JSON.stringify(server)} is not a server: a port is 1 to ${portMax}`)
  }
  return { host: host === undefined || host === '' ? defaultHost : host, port: number }
}
