import { parseServerAddress, type ServerAddress, type WatchedServer, type WatchedServers } from '@geartrain/protocol'
import type { Actor } from '../access/actor.ts'
import type { Clock } from '../clock.ts'
import type { Limits } from '../limits.ts'
import { SettingsError } from '../settings-sources.ts'
import { ServerWatch } from './server-watch.ts'

/** Job servers side by side: the one that this program is, if it is one, and others that it looks at. */
export class Fleet {
  readonly #watches: readonly ServerWatch[]
  readonly #own: ((actor: Actor) => WatchedServer) | undefined

  /** `own` describes this server as the actor may see it. Throws a SettingsError if an address is none. */
  constructor(
    addresses: readonly string[],
    { clock, limits, own }: { clock: Clock; limits: Limits; own?: (actor: Actor) => WatchedServer },
  ) {
    this.#watches = addresses.map((text) => new ServerWatch(addressOf(text), clock, limits.watchAnswerBytesMax))
    this.#own = own
  }

  /** Other servers have no rules of ours: they are for those who may view all functions. Never rejects. */
  async ask(actor: Actor): Promise<WatchedServers> {
    const watches = actor.mayEverywhere('view') ? this.#watches : []
    const others = await Promise.all(watches.map((watch) => watch.ask()))
    return { servers: [...(this.#own === undefined ? [] : [this.#own(actor)]), ...others] }
  }

  close(): void {
    for (const watch of this.#watches) watch.close()
  }
}

function addressOf(text: string): ServerAddress {
  const address = parseServerAddress(text)
  if (typeof address === 'string') throw new SettingsError(`"${text}" is not a server to watch: ${address}`)
  return address
}
