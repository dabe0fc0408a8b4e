/** Where a job server is. */
export interface ServerAddress {
  readonly host: string
  readonly port: number
}

const defaultHost = '127.0.0.1'
const defaultPort = 4730
const portMax = 65_535

/**
 * `host`, `host:port`, `:port`, `[2001:db8::1]:port`, and an IPv6 address alone, which has several colons. If it is none
 * of these, what to write, to follow a colon.
 */
export function parseServerAddress(text: string): ServerAddress | string {
  const trimmed = text.trim()
  const match = /^(?:\[([^\]]+)\]|([^:[\]]*))(?::(\d+))?$/.exec(trimmed)
  if (match !== null && trimmed !== '') return checkServerAddress(match[1] ?? match[2], match[3])
  if (/^[\da-f.]*:[\da-f.]*:[\da-f:.]*$/i.test(trimmed)) return checkServerAddress(trimmed, undefined)
  return 'write host:port'
}

/** With what was left out. */
export function checkServerAddress(
  host: string | undefined,
  port: string | number | undefined,
): ServerAddress | string {
  const number = Number(port ?? defaultPort)
  if (!Number.isInteger(number) || number < 1 || number > portMax) return `a port is 1 to ${portMax}`
  return { host: host === undefined || host === '' ? defaultHost : host, port: number }
}

export function formatServerAddress({ host, port }: ServerAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
