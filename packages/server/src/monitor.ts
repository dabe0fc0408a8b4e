import { Access } from './access/access.ts'
import type { AccessOptions } from './access/access-rules.ts'
import { firstExposed, UnguardedError } from './access/unguarded.ts'
import { type Clock, systemClock } from './clock.ts'
import type { StartedHttp } from './http/start.ts'
import { type ListeningAddress, splitAddress } from './listening-address.ts'
import { defaultOptions, type ServerOptions } from './options.ts'
import { FileTlsSource } from './tls/file-tls-source.ts'
import { noCertificate } from './tls/tls-error.ts'
import { Fleet } from './watch/fleet.ts'

type SharedOption = 'access' | 'httpHosts' | 'httpTls' | 'insecure' | 'limits' | 'log' | 'tls'

/** As those of a server; all but the servers have a default. */
export interface MonitorOptions extends Pick<ServerOptions, SharedOption> {
  /** The job servers to show: `10.0.0.2:4730`. */
  readonly servers: readonly string[]
  /** Where it listens. */
  readonly http: string
}

const defaultHttp = '127.0.0.1:4731'

/** The pages of a server for job servers elsewhere, which may be plain gearmand. Throws a SettingsError if an address is none. */
export function createMonitor(
  options: Pick<MonitorOptions, 'servers'> & Partial<MonitorOptions>,
  clock: Clock = systemClock,
): Monitor {
  return new Monitor({ ...defaultOptions, http: defaultHttp, ...options }, clock)
}

/** The HTTP side of a server without the server: it shows others, and has no jobs. */
export class Monitor {
  /** Where everyone can reach it, and see everything. Once `listen` has resolved. */
  unguarded: string | undefined
  readonly #options: MonitorOptions
  readonly #clock: Clock
  readonly #access: Access
  readonly #fleet: Fleet
  #tls: FileTlsSource | undefined
  #started: StartedHttp | undefined

  constructor(options: MonitorOptions, clock: Clock) {
    this.#options = options
    this.#clock = clock
    this.#access = new Access(options.access)
    this.#fleet = new Fleet(options.servers, { clock, limits: options.limits })
  }

  /**
   * Rejects with an UnguardedError if others could reach it and there are no access rules, with a TlsError if there is
   * something wrong with its certificate, with an HttpListenError if it can't listen.
   */
  async listen(): Promise<ListeningAddress> {
    const { http, httpHosts: hosts, limits, log } = this.#options
    await this.#refuseUnguarded()
    this.#tls = this.#openTls()
    const { startMonitorHttp } = await import('./http/start.ts')
    this.#started = await startMonitorHttp(
      // Without a store, sessions end with the program.
      { ...splitAddress(http), tls: this.#tls, hosts, sessionKey: { text: undefined, keep: () => {} } },
      {
        kind: 'monitor',
        clock: this.#clock,
        log,
        limits,
        access: this.#access,
        health: { reasons: [] },
        fleet: this.#fleet,
      },
    )
    return this.#started.address
  }

  /** As that of a server. */
  changeAccess(rules: AccessOptions): boolean {
    this.#access.change(rules)
    return !this.#access.isOpen
  }

  /** As that of a server. */
  reloadTls(): boolean {
    this.#tls?.reload()
    return this.#tls !== undefined
  }

  async close(): Promise<void> {
    this.#fleet.close()
    await this.#started?.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #refuseUnguarded(): Promise<void> {
    const { http, httpTls, tls, insecure } = this.#options
    if (!this.#access.isOpen || (httpTls && tls?.clients === 'require')) return
    const exposed = await firstExposed([splitAddress(http).listen])
    if (exposed !== undefined && !insecure) throw new UnguardedError(exposed)
    this.unguarded = exposed
  }

  #openTls(): FileTlsSource | undefined {
    const { httpTls, tls, log } = this.#options
    if (!httpTls) return undefined
    if (tls === undefined) throw noCertificate('http-tls')
    return new FileTlsSource(tls, this.#clock, log)
  }
}
