import type { ServerState } from '@geartrain/protocol'

/** Where commands look by themselves. */
const portDefault = 4730

/**
 * What a command needs to be told to reach the server: ` -s 10.0.0.2:4730`, or nothing. `host` is by which the browser
 * has found it.
 */
export function serverFlag(addresses: ServerState['addresses'], host: string): string {
  const port = addresses.find(({ kind }) => kind === 'gearman')?.port ?? portDefault
  const isLocal = host === 'localhost' || host === '127.0.0.1' || host === '[::1]'
  return isLocal && port === portDefault ? '' : ` -s ${host}:${port}`
}
