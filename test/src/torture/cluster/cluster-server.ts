import { freePort } from '../../support/peers.ts'
import { TcpProxy } from '../../support/tcp-proxy.ts'
import { ServerProcess } from '../server-process.ts'
import type { Ledger } from './ledger.ts'
import type { Life } from './life.ts'
import type { Place } from './world.ts'

const quitMsMax = 10_000
const logLinesMax = 40

/** One of the servers, at a port that stays, with proxies of its own between it and both sides of the database, and between the other servers and it. */
export class ClusterServer implements Place {
  readonly name: string
  readonly port: number
  life: Life | undefined
  readonly #ledger: Ledger
  readonly #configFile: string
  readonly #leaseMs: number
  readonly #links: TcpProxy
  readonly #database: (TcpProxy | undefined)[] = [undefined, undefined]
  readonly #databasePorts: number[]
  #process: ServerProcess | undefined
  #isCut = false
  readonly #lostSides = new Set<number>()
  /** What its processes have said last, but for who did what. */
  readonly log: string[] = []

  private constructor(name: string, port: number, links: TcpProxy, databasePorts: number[], options: ServerOptions) {
    this.name = name
    this.port = port
    this.#links = links
    this.#databasePorts = databasePorts
    this.#ledger = options.ledger
    this.#configFile = options.configFile
    this.#leaseMs = options.leaseMs
  }

  static async create(name: string, options: ServerOptions): Promise<ClusterServer> {
    const [port, one, other] = [await freePort(), await freePort(), await freePort()]
    return new ClusterServer(name, port, await TcpProxy.to(port), [one, other], options)
  }

  /** This side of the database is at another port now. */
  async moved(side: number, port: number): Promise<void> {
    await this.#database[side]?.close()
    const proxy = await TcpProxy.to(port, this.#databasePorts[side])
    if (this.#isCut) proxy.cut()
    this.#database[side] = proxy
    this.#lostSides.delete(side)
  }

  /** Nothing is heard any more of this side. */
  lost(side: number): void {
    this.#lostSides.add(side)
    this.#database[side]?.cut()
  }

  /** Why it does not start; undefined: it is ready. */
  async start(): Promise<string | undefined> {
    const hosts = this.#databasePorts.map((port) => `127.0.0.1:${port}`).join(',')
    const flags = {
      port: this.port,
      'server-name': this.name,
      'handle-prefix': `H:${this.name}`,
      lease: `${this.#leaseMs}ms`,
      'cluster-address': this.#links.address,
      'cluster-token': 'torture',
      config: this.#configFile,
    }
    const args = Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, String(value)])
    const server = new ServerProcess(`postgres://postgres@${hosts}/geartrain`, args, (line) => this.#hear(line))
    this.#process = server
    const port = await server.ready()
    if (typeof port === 'string') return `${this.name} does not start: ${port}`
    this.life = this.#ledger.began(this.name)
    void server.exited.then(() => {
      if (!server.isKilled) this.#ledger.fail('i', `${this.name} has ended by itself: ${server.ended}`)
    })
    return undefined
  }

  /** `kill -9`. */
  async kill(): Promise<void> {
    const server = this.#process
    if (server === undefined) return
    server.kill()
    await server.exited
    this.#died()
  }

  /** As an init system stops it. */
  async quit(): Promise<void> {
    const server = this.#process
    if (server === undefined) return
    const { life } = this
    // It gives back what it has, and may have lost it by the time it has gone.
    if (life !== undefined) life.lapse(Date.now())
    server.signal('SIGTERM')
    // The second time means at once, whatever its workers have.
    const again = setTimeout(() => server.signal('SIGTERM'), 1500)
    const late = setTimeout(() => {
      this.#ledger.fail('i', `${this.name} has not ended ${quitMsMax} ms after SIGTERM`)
      server.kill()
    }, quitMsMax)
    await server.exited
    clearTimeout(again)
    clearTimeout(late)
    this.#died()
  }

  /** SIGSTOP. */
  freeze(): void {
    this.#process?.signal('SIGSTOP')
  }

  thaw(): void {
    if (this.life !== undefined) this.life.thawedAt = Date.now()
    this.#process?.signal('SIGCONT')
  }

  /** Its network to the database. */
  cut(): void {
    this.#isCut = true
    for (const proxy of this.#database) proxy?.cut()
  }

  heal(): void {
    this.#isCut = false
    for (const [side, proxy] of this.#database.entries()) if (!this.#lostSides.has(side)) proxy?.heal()
  }

  /** All its connections to the database break at once. */
  reset(): void {
    for (const proxy of this.#database) proxy?.reset()
  }

  /** From the other servers to it. */
  unlink(): void {
    this.#links.cut()
  }

  link(): void {
    this.#links.heal()
  }

  async close(): Promise<void> {
    this.thaw()
    await this.kill()
    for (const proxy of [this.#links, ...this.#database]) await proxy?.close()
  }

  #died(): void {
    const { life } = this
    this.life = undefined
    if (life !== undefined) this.#ledger.died(life)
    this.#process = undefined
  }

  /** It says itself that it has lost its lease: what nobody has caused is not its fault on a machine that is busy. */
  #hear(line: string): void {
    if (!line.includes('"audit":true')) this.log.push(line)
    if (this.log.length > logLinesMax) this.log.shift()
    if (!/LEASE_(LOST|OVER)|lease/.test(line)) return
    this.#ledger.count('lease lost, says a log')
    this.#ledger.event(`${this.name} logs: ${line.slice(0, 300)}`)
    this.life?.lapse(Date.now() - 2 * this.#leaseMs, Date.now() + this.#leaseMs)
  }
}

export interface ServerOptions {
  readonly ledger: Ledger
  readonly configFile: string
  readonly leaseMs: number
}
