import type { Duplex } from 'node:stream'
import type { Engine } from '@geartrain/engine'
import type { AccessOptions } from './access/access-rules.ts'
import { type Actor, itself } from './access/actor.ts'
import { firstExposed, UnguardedError } from './access/unguarded.ts'
import { type Clock, systemClock } from './clock.ts'
import { announcedAddress } from './cluster/links/link-address.ts'
import type { Links } from './cluster/links/links.ts'
import type { Connection } from './connection.ts'
import type { Control } from './control/control.ts'
import { HttpSide, sessionKeyDocument } from './http-side.ts'
import { Listeners } from './listeners.ts'
import { type ListeningAddress, splitAddress } from './listening-address.ts'
import type { Figures } from './metrics/figures.ts'
import { defaultOptions, type ServerOptions } from './options.ts'
import { makeParts, type Parts } from './parts.ts'
import { FileTlsSource } from './tls/file-tls-source.ts'
import { noCertificate } from './tls/tls-error.ts'
import type { SpanSink } from './traces/span.ts'

/** How long a server that has finished all of its jobs waits for their results to be read. */
const outputGraceMs = 10_000
/** How long a stopping server waits for its store to keep what it was told. */
const storePatienceMs = 10_000

/** A job server. Everything has a default: `createServer()` listens on 127.0.0.1:4730 once `listen` is called. */
export function createServer(options: Partial<ServerOptions> = {}, clock: Clock = systemClock): Server {
  return new Server({ ...defaultOptions, ...options }, clock)
}

/** Starts and stops what `parts.ts` has put together. */
export class Server {
  readonly engine: Engine
  /** What can be asked of the server beside jobs. */
  readonly control: Control
  /** What can be measured of it. */
  readonly figures: Figures
  /** The connections between this server and others of its cluster. */
  readonly links: Links
  /** Where spans of the jobs go; undefined: there are none. */
  readonly traces: SpanSink | undefined
  /** Where everyone can reach it, and may do everything. Once `listen` has resolved, like the three below. */
  unguarded: string | undefined
  /** Where the HTTP side listens; undefined if it is off. */
  httpAddress: ListeningAddress | undefined
  /** Where other servers of the cluster are told to reach it. */
  linkAddress: string | undefined
  /** Where gearmand's own protocol over HTTP is spoken; undefined if it is off. */
  gearmandHttpAddress: ListeningAddress | undefined

  readonly #parts: Parts
  readonly #listeners: Listeners
  readonly #http: HttpSide
  /** Once `listen` was called, if there is TLS. */
  #tls: FileTlsSource | undefined
  /** What the store has to sign sessions over HTTP with. */
  #sessionKey: string | undefined
  #opened: Promise<void> | undefined
  #closed: Promise<void> | undefined

  constructor(options: ServerOptions, clock: Clock) {
    const parts = makeParts(options, clock)
    this.engine = parts.engine
    this.control = parts.control
    this.figures = parts.figures
    this.links = parts.links
    this.traces = parts.traces
    this.#parts = parts
    this.#listeners = new Listeners(options, parts.peers)
    this.#http = new HttpSide(parts)
  }

  get connectionCount(): number {
    return this.#parts.connections.size
  }

  /** The store has not answered what it was asked last, which may be to close: while its disk hangs, it never does. */
  get isStoreBusy(): boolean {
    return this.#parts.store?.isBusy === true
  }

  /** Resolves when it has answered. */
  async whenStoreIdle(): Promise<void> {
    await this.#parts.store?.whenIdle()
  }

  /** Makes the store ready; `listen` does it by itself. Rejects with a StoreError. */
  async open(): Promise<void> {
    await (this.#opened ??= this.#open())
  }

  async #open(): Promise<void> {
    const { options, engine, journal, policies, schedules, sampler, turn, membership } = this.#parts
    const documents = (await journal?.open(engine, turn)) ?? []
    this.#sessionKey = documents.find(({ kind }) => kind === sessionKeyDocument)?.body
    policies.load(documents, options.log)
    engine.applyPolicies()
    schedules.start(documents, options.schedules)
    sampler.start()
    membership?.start()
  }

  /**
   * Rejects with an UnguardedError if others could reach it and there are no access rules, with a TlsError if there is
   * something wrong with its certificate, with a StoreError if the store can't be opened, with Node's error or an
   * HttpListenError if it can't listen.
   */
  async listen(): Promise<ListeningAddress[]> {
    const { options, peers, sampler, journal, fleet, links, membership } = this.#parts
    await this.#refuseUnguarded()
    this.#tls = openTls(options, this.#parts.clock)
    if (this.#tls !== undefined && options.tlsPort !== 'off') peers.openTls(this.#tls)
    await this.open()
    try {
      const addresses = await this.#listenForPackets()
      this.linkAddress = announcedAddress(options.clusterAddress, addresses)
      if (membership !== undefined) membership.linkAddress = this.linkAddress
      this.httpAddress = await this.#http.listen(this.#tls, this.#sessionKey)
      if (this.httpAddress !== undefined) this.#addAddress('http', this.httpAddress)
      this.gearmandHttpAddress = await this.#http.listenLikeGearmand()
      this.figures.health.isListening = true
      return addresses
    } catch (error) {
      const stopped = this.#stopListening()
      peers.closeTls()
      fleet.close()
      links.close()
      await stopped
      await this.#http.close(0)
      sampler.stop()
      membership?.stop()
      await journal?.close(storePatienceMs)
      throw error
    }
  }

  /**
   * A connection that did not come by the server's own port. Its peer must not answer from within a write: what it
   * says has to come in a later turn. Undefined: full or closed, which the peer is told.
   */
  accept(socket: Duplex, actor: Actor = itself): Connection | undefined {
    return this.#parts.peers.letIn(socket, actor)
  }

  /** Reads the files for TLS again, if there is TLS; all goes on as before if it throws, which is a TlsError. */
  reloadTls(): boolean {
    this.#tls?.reload()
    return this.#tls !== undefined
  }

  /**
   * From now on these access rules hold, for those who are connected as well. All goes on as before if it throws, which
   * is a SettingsError. False: there are none, as there were none.
   */
  changeAccess(rules: AccessOptions): boolean {
    const { access, peers } = this.#parts
    access.change(rules)
    if (!access.isOpen) peers.takeBackAbilities()
    return !access.isOpen
  }

  /** Takes no new connections and jobs and gives none out; closes when no job is running, or when the time is over. */
  async close(graceMs: number): Promise<void> {
    const { clock, waits } = this.#parts
    const stopped = this.#beginToStop()
    this.engine.drain()
    this.#http.endWaits()
    const startedAt = clock.now()
    await waits.until(() => runningCount(this.engine) === 0, graceMs)
    await (this.#closed ??= this.#finish(startedAt + graceMs - clock.now()))
    await stopped
  }

  /** Takes no new connections; those that are there work on until the last job is done, and are then closed. */
  async finishAll(): Promise<void> {
    const stopped = this.#beginToStop()
    await this.#parts.waits.until(() => this.engine.jobCount + this.engine.backlogSize === 0, Number.POSITIVE_INFINITY)
    await (this.#closed ??= this.#finish(outputGraceMs))
    await stopped
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close(0)
  }

  async #refuseUnguarded(): Promise<void> {
    const { options, access } = this.#parts
    const { listen, tls, tlsPort, http, httpTls, gearmandHttp, insecure } = options
    if (!access.isOpen) return
    // Where nobody comes in but with a certificate that an authority of ours vouches for, somebody said who may come.
    const isGuarded = tls?.clients === 'require'
    const places = isGuarded && tlsPort === 'same' ? [] : [listen]
    if (http !== undefined && !(isGuarded && httpTls)) places.push(splitAddress(http).listen)
    if (gearmandHttp !== undefined) places.push(splitAddress(gearmandHttp).listen)
    const exposed = await firstExposed(places)
    if (exposed === undefined) return
    if (!insecure) throw new UnguardedError(exposed)
    this.unguarded = exposed
  }

  async #listenForPackets(): Promise<ListeningAddress[]> {
    const { port, tlsPort } = this.#parts.options
    const addresses = await this.#listeners.listen(port, this.#tls !== undefined && tlsPort === 'same')
    if (typeof tlsPort === 'number') addresses.push(...(await this.#listeners.listen(tlsPort, true)))
    for (const address of addresses) this.#addAddress('gearman', address)
    return addresses
  }

  #addAddress(kind: 'gearman' | 'http', { address, port }: ListeningAddress): void {
    this.#parts.addresses.push({ kind, address, port })
  }

  /** Resolves when all who came by the server's ports have gone. */
  #beginToStop(): Promise<void> {
    this.figures.health.isListening = false
    this.#parts.bulletin.tell({ kind: 'stopping' })
    const stopped = this.#stopListening()
    this.#parts.schedules.stop()
    this.#parts.links.stop()
    return stopped
  }

  async #stopListening(): Promise<void> {
    await Promise.all([this.#listeners.close(), this.#http.stopListening()])
  }

  async #finish(graceMs: number): Promise<void> {
    const { peers, waits, turn, sampler, journal, fleet, links, membership } = this.#parts
    peers.refuseAll()
    fleet.close()
    links.close()
    this.#http.endWaits()
    await this.#http.close(graceMs)
    waits.end()
    await peers.close(graceMs)
    turn.stop()
    peers.closeTls()
    sampler.stop()
    membership?.stop()
    await journal?.close(storePatienceMs)
    await this.traces?.close()
  }
}

/** Undefined: there is no TLS. Throws a TlsError. */
function openTls({ tls, tlsPort, httpTls, log }: ServerOptions, clock: Clock): FileTlsSource | undefined {
  if (tls !== undefined) return new FileTlsSource(tls, clock, log)
  const needy = httpTls ? 'http-tls' : typeof tlsPort === 'number' ? 'tls-port' : undefined
  if (needy !== undefined) throw noCertificate(needy)
  return undefined
}

function runningCount(engine: Engine): number {
  let count = 0
  for (const { runningCount } of engine.functions()) count += runningCount
  return count
}
