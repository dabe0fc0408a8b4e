import { lookup } from 'node:dns/promises'
import { isLoopback } from './network.ts'

/** Others could reach the server, and nobody said who may do what. */
export class UnguardedError extends Error {
  readonly code = 'UNGUARDED'
  /** Where it would have listened. */
  readonly place: string

  constructor(place: string) {
    super(
      `listening on ${place} without access rules lets everyone who reaches it do everything: ` +
        'set the option access, listen on 127.0.0.1, or set insecure to true',
    )
    this.name = 'UnguardedError'
    this.place = place
  }
}

/** The first of the places that others can reach. A name that can't be looked up can't be listened on either. */
export async function firstExposed(hosts: readonly string[]): Promise<string | undefined> {
  for (const host of hosts) if (await isExposed(host)) return host
  return undefined
}

async function isExposed(host: string): Promise<boolean> {
  if (host === '*' || host === '') return true
  const found = await lookup(host, { all: true }).catch(() => [])
  return found.some(({ address }) => !isLoopback(address))
}
