import { lookup } from 'node:dns/promises'
import { type AddressInfo, createServer, type Server as NetServer, type Socket } from 'node:net'
import type { ListeningAddress } from './listening-address.ts'
import type { ServerOptions } from './options.ts'
import type { Peers } from './peers.ts'

/** The name to listen on for every address the machine has. */
const everyAddress = '*'

/** The ports that packets and text commands come by. */
export class Listeners {
  readonly #options: ServerOptions
  readonly #peers: Peers
  readonly #all: NetServer[] = []

  constructor(options: ServerOptions, peers: Peers) {
    this.#options = options
    this.#peers = peers
  }

  /**
   * On every address of the name, and on one port. One that the machine does not have, such as `::1` of `localhost`
   * where IPv6 is off, is passed over; a port that is taken on any of them is not. Rejects with Node's error.
   */
  async listen(port: number, isTls: boolean): Promise<ListeningAddress[]> {
    const addresses: ListeningAddress[] = []
    let missing: unknown
    for (const host of await resolveHost(this.#options.listen)) {
      try {
        addresses.push(await this.#listenOn(host, addresses[0]?.port ?? port, isTls))
      } catch (error) {
        if (!isMissingAddress(error)) throw error
        missing = error
      }
    }
    if (addresses.length === 0) throw missing
    return addresses
  }

  /** Connections that are there go on. Resolves when there are none. */
  async close(): Promise<void> {
    const closed = this.#all.splice(0).map(
      (listener) =>
        new Promise<void>((resolve) => {
          listener.close(() => resolve())
        }),
    )
    await Promise.all(closed)
  }

  #listenOn(host: string | undefined, port: number, isTls: boolean): Promise<ListeningAddress> {
    const { backlog, log } = this.#options
    const listener = this.#make(isTls)
    return new Promise((resolve, reject) => {
      listener.once('error', reject)
      listener.listen({ port, backlog, ...(host === undefined ? {} : { host }) }, () => {
        listener.off('error', reject)
        listener.on('error', (error) => log.error({ err: error }, 'cannot accept connections'))
        this.#all.push(listener)
        // A TCP listener's address is an object.
        const { address, port: actualPort } = listener.address() as AddressInfo
        resolve({ address, port: actualPort, ...(isTls ? { isTls } : {}) })
      })
    })
  }

  #make(isTls: boolean): NetServer {
    const { keepAlive, keepAliveIdleMs } = this.#options
    const options = { noDelay: true, keepAlive, keepAliveInitialDelay: keepAliveIdleMs }
    if (isTls) return createServer(options, (accepted: Socket) => this.#peers.letInByTls(accepted))
    const plain = { ...options, allowHalfOpen: true, pauseOnConnect: true }
    return createServer(plain, (accepted: Socket) => this.#peers.letInPlain(accepted))
  }
}

/** Undefined is every address. */
async function resolveHost(host: string): Promise<(string | undefined)[]> {
  if (host === everyAddress || host === '') return [undefined]
  const found = await lookup(host, { all: true })
  return [...new Set(found.map(({ address }) => address))]
}

export function isMissingAddress(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT'
}
