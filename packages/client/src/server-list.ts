import { parseServers, type ServerAddress, type Servers } from './address.ts'
import type { ClientSession } from './client-session.ts'
import { openFirstReachable } from './first-reachable.ts'
import { type LinkOptions, ServerLink } from './server-link.ts'
import { ServerOrder } from './server-order.ts'

/** The servers of a client, and which of them is to have a request. */
export class ServerList {
  readonly #addresses: readonly ServerAddress[]
  readonly #links: readonly ServerLink[]
  readonly #order: ServerOrder

  constructor(servers: Servers | undefined, options: LinkOptions) {
    this.#addresses = parseServers(servers)
    this.#links = this.#addresses.map((address) => new ServerLink(address, options))
    this.#order = new ServerOrder(this.#addresses)
  }

  get count(): number {
    return this.#links.length
  }

  /**
   * The session for a request, if it can be sent at once. With a key it is that of the server on which all clients
   * agree; without, that of the first one that is not down.
   */
  current(key: Uint8Array | undefined): ClientSession | undefined {
    if (key !== undefined && this.count > 1) return this.#first(this.#order.of(key).map((index) => this.#links[index]))
    return this.#first(this.#links)
  }

  /** Connects if need be. Those that are down are tried only when there is no other. Rejects with ConnectError. */
  async open(key: Uint8Array | undefined): Promise<ClientSession> {
    const indexes = this.#indexes(key)
    const [up, down] = [indexes.filter((index) => !this.#isDown(index)), indexes.filter((index) => this.#isDown(index))]
    return this.#openFirst([...up, ...down])
  }

  /** As `open`, but those that are down are left to their next attempt in the background. Undefined: all of them are. */
  async openUp(key: Uint8Array | undefined): Promise<ClientSession | undefined> {
    const up = this.#indexes(key).filter((index) => !this.#isDown(index))
    return up.length === 0 ? undefined : this.#openFirst(up)
  }

  /** A session of each server. They reject with ConnectError. */
  openEach(): Promise<ClientSession>[] {
    return this.#addresses.map((address) => openFirstReachable([address], () => this.#openLink(address)))
  }

  /** Those that are open. */
  sessions(): ClientSession[] {
    return this.#links.flatMap((link) => link.session ?? [])
  }

  async close(timeoutMs: number): Promise<void> {
    await Promise.all(this.#links.map((link) => link.close(timeoutMs)))
  }

  #first(links: readonly (ServerLink | undefined)[]): ClientSession | undefined {
    const link = links.find((candidate) => candidate !== undefined && !candidate.isDown)
    return link?.session
  }

  #indexes(key: Uint8Array | undefined): number[] {
    return key === undefined ? [...this.#links.keys()] : this.#order.of(key)
  }

  #openFirst(indexes: readonly number[]): Promise<ClientSession> {
    return openFirstReachable(
      indexes.flatMap((index) => this.#addresses[index] ?? []),
      (address) => this.#openLink(address),
    )
  }

  #isDown(index: number): boolean {
    return this.#links[index]?.isDown === true
  }

  #openLink(address: ServerAddress): Promise<ClientSession> {
    const link = this.#links[this.#addresses.indexOf(address)]
    if (link === undefined) throw new Error('an address that is not of this list')
    return link.open()
  }
}
