import type { GearmandHttp } from './gateway/gearmand-http.ts'
import type { HttpNeeds } from './http/context.ts'
import { performOver } from './http/perform.ts'
import type { StartedHttp } from './http/start.ts'
import { type ListeningAddress, splitAddress } from './listening-address.ts'
import type { Parts } from './parts.ts'
import type { TlsSource } from './tls/tls-source.ts'

/** The kind of the document that has the key of sessions over HTTP. */
export const sessionKeyDocument = 'session key'

/** The two ports of HTTP: Geartrain's own, and gearmand's. Whoever does without one does not load it. */
export class HttpSide {
  readonly #parts: Parts
  /** Aborted when the server begins to stop. */
  readonly #closing = new AbortController()
  #started: StartedHttp | undefined
  #gearmandHttp: GearmandHttp | undefined

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Undefined: it is off. Without a session key it makes one. Rejects with an HttpListenError. */
  async listen(tls: TlsSource | undefined, sessionKey: string | undefined): Promise<ListeningAddress | undefined> {
    const { options, journal } = this.#parts
    const { http, httpHosts: hosts, httpTls } = options
    if (http === undefined) return undefined
    const { startHttp } = await import('./http/start.ts')
    this.#started = await startHttp(
      {
        ...splitAddress(http),
        tls: httpTls ? tls : undefined,
        hosts,
        sessionKey: { text: sessionKey, keep: (text) => journal?.keepDocument(sessionKeyDocument, 'http', text) },
      },
      this.#needs(),
    )
    return this.#started.address
  }

  /** The same for gearmand's own protocol over HTTP. */
  async listenLikeGearmand(): Promise<ListeningAddress | undefined> {
    const { options, clock, access, peers } = this.#parts
    const { gearmandHttp, httpHosts: hosts, limits } = options
    if (gearmandHttp === undefined) return undefined
    const { GearmandHttp } = await import('./gateway/gearmand-http.ts')
    const listening = new GearmandHttp(
      { ...splitAddress(gearmandHttp), hosts },
      { clock, limits, access, connect: (link, actor) => peers.letIn(link, actor) },
    )
    const address = await listening.listen()
    this.#gearmandHttp = listening
    return address
  }

  /** gearmand's takes no more connections; resolves when there are none. Geartrain's own tells still how the server is. */
  async stopListening(): Promise<void> {
    const listener = this.#gearmandHttp?.listener
    if (listener !== undefined) await new Promise((resolve) => listener.close(resolve))
  }

  /** Nobody is to wait any longer. */
  endWaits(): void {
    this.#closing.abort()
  }

  async close(graceMs: number): Promise<void> {
    await this.#started?.close()
    await this.#gearmandHttp?.close(graceMs)
  }

  #needs(): HttpNeeds {
    const { options, clock, access, observers, figures, bulletin, history, handles, control, peers, fleet, jobFollow } =
      this.#parts
    return {
      kind: 'server',
      clock,
      log: options.log,
      limits: options.limits,
      access,
      health: figures.health,
      fleet,
      observers,
      figures,
      bulletin,
      history,
      handles,
      jobFollow,
      thresholds: options,
      closing: this.#closing.signal,
      perform: performOver(control),
      connect: (link, actor) => peers.letIn(link, actor),
      withdraw: (connection) => peers.withdraw(connection),
    }
  }
}
