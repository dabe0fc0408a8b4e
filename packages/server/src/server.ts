import { lookup } from 'node:dns/promises'
import { type AddressInfo, createServer as createNetServer, type Server as NetServer, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { Engine } from '@geartrain/engine'
import { encodePacket, packets, readLatin1, type WireError, wireErrors } from '@geartrain/protocol'
import { Access } from './access/access.ts'
import { type Actor, itself } from './access/actor.ts'
import { auditTo } from './access/audit.ts'
import { firstExposed, UnguardedError } from './access/unguarded.ts'
import { Admin } from './admin.ts'
import { type Clock, systemClock } from './clock.ts'
import { Connection, type ConnectionContext } from './connection.ts'
import { Connections } from './connections.ts'
import { Control } from './control/control.ts'
import type { ServerFacts } from './control/server-state.ts'
import { Dispatch } from './dispatch.ts'
import type { GearmandHttp } from './gateway/gearmand-http.ts'
import { Handles } from './handles.ts'
import type { HttpContext } from './http/context.ts'
import type { HttpServer } from './http/http-server.ts'
import { performOver } from './http/perform.ts'
import { JobLog } from './job-log.ts'
import { Journal } from './journal.ts'
import { Bulletin } from './live/bulletin.ts'
import { MemoryArchive } from './memory-archive.ts'
import { DeadCounts } from './metrics/dead-counts.ts'
import type { Figures } from './metrics/figures.ts'
import { FunctionStats } from './metrics/function-stats.ts'
import { Health } from './metrics/health.ts'
import { StoreStats } from './metrics/store-stats.ts'
import { Observers } from './observers.ts'
import { defaultOptions, type ServerOptions } from './options.ts'
import { PacketOutbox } from './packet-outbox.ts'
import { Policies } from './policies/policies.ts'
import { Schedules } from './schedules/schedules.ts'
import { readThroughSharedBuffer } from './shared-buffer.ts'
import { BusyStore } from './store/busy-store.ts'
import { makeStore } from './store/kinds.ts'
import { FileTlsSource } from './tls/file-tls-source.ts'
import { certificateOf } from './tls/peer-certificate.ts'
import { TlsDoor } from './tls/tls-door.ts'
import { TlsError } from './tls/tls-error.ts'
import type { SpanSink } from './traces/span.ts'
import { startTraces } from './traces/start.ts'
import { Turn } from './turn.ts'
import { WallTime } from './wall-time.ts'

/** The name to listen on for every address the machine has. */
const everyAddress = '*'
/** The kind of the document that has the key of sessions over HTTP. */
const sessionKeyDocument = 'session key'
/** How often connections are looked through for those that have used up the server's patience. */
const patienceCheckMs = 1000
/** How long a server that has finished all of its jobs waits for their results to be read. */
const outputGraceMs = 10_000
/** How long a stopping server waits for its store to keep what it was told. */
const storePatienceMs = 10_000
/** How long a stopping server waits for its peers to close their side. */
const closeTimeoutMs = 250

export interface ListeningAddress {
  readonly address: string
  readonly port: number
  /** Only TLS is spoken there. */
  readonly isTls?: boolean
}

/** A job server. Everything has a default: `createServer()` listens on 127.0.0.1:4730 once `listen` is called. */
export function createServer(options: Partial<ServerOptions> = {}, clock: Clock = systemClock): Server {
  return new Server({ ...defaultOptions, ...options }, clock)
}

export class Server {
  readonly engine: Engine
  readonly #options: ServerOptions
  readonly #connections = new Connections()
  readonly #context: ConnectionContext
  readonly #clock: Clock
  readonly #turn: Turn
  /** Undefined: no job outlives the server. */
  readonly #store: BusyStore | undefined
  readonly #journal: Journal | undefined
  readonly #handles: Handles
  readonly #policies: Policies
  readonly #schedules: Schedules
  /** What can be asked of the server beside jobs. */
  readonly control: Control
  readonly access: Access
  /** What the store has to sign sessions over HTTP with. */
  #sessionKey: string | undefined
  /** Who wants to see what becomes of jobs adds itself. */
  readonly observers: Observers = new Observers()
  /** What can be measured of it. */
  readonly figures: Figures
  /** Where it tells of what has changed. */
  readonly bulletin: Bulletin = new Bulletin()
  /** Where spans of the jobs go; undefined: there are none. */
  readonly traces: SpanSink | undefined
  #opened: Promise<void> | undefined
  #http: HttpServer | undefined
  #gearmandHttp: GearmandHttp | undefined
  /** Aborted when it begins to stop. */
  readonly #closing = new AbortController()
  readonly #listeners: NetServer[] = []
  readonly #addresses: ListeningAddress[] = []
  /** Once `listen` was called, if there is TLS. */
  #tls: FileTlsSource | undefined
  #tlsDoor: TlsDoor | undefined
  /** Set while there are connections to look through. */
  #stopPatience: (() => void) | undefined
  /** What is waited for before it closes, looked at after each turn; one for each time it was told to close. */
  readonly #waits = new Set<{ readonly isOver: () => boolean; readonly finish: () => void }>()
  #closed: Promise<void> | undefined

  constructor(options: ServerOptions, clock: Clock) {
    const { limits, log } = options
    this.access = new Access(options.access)
    const handles = new Handles(options.handlePrefix, clock.wallNow())
    const connections = this.#connections
    const wallTime = new WallTime(clock)
    const made = makeStore(options.store, log)
    const { bulletin } = this
    const storeStats = new StoreStats(clock)
    const store = made && new BusyStore(made, storeStats)
    const onStoreNews = (failing: boolean) => bulletin.tell({ kind: 'store', failing })
    const journal = store && new Journal({ store, clock, connections, handles, wallTime, log, onStoreNews })
    const policies = new Policies(options.functions)
    policies.onChanged = (name) => bulletin.tell({ kind: 'policy', name })
    const engineOptions = {
      policyOf: (name: string, options: string) => policies.policyOf(name, options),
      attemptsMax: options.attemptsMax,
      wakeCount: options.wakeCount,
      exceptions: options.exceptions,
      functionsMax: limits.functionsMax,
      jobsPerFunctionMax: limits.jobsPerFunctionMax,
      jobsMax: limits.jobsMax,
      workloadBytesMax: limits.workloadBytesMax,
      waitsPerSessionMax: limits.waitsPerConnectionMax,
    }
    const memory = new MemoryArchive({ connections, handles, wallTime })
    const engine = new Engine(
      new PacketOutbox(connections, handles, journal),
      engineOptions,
      journal,
      memory,
      this.observers,
    )
    memory.serve(engine)
    const functions = new FunctionStats({
      now: () => engine.now,
      isKnown: (name) => engine.findFunction(name) !== undefined,
      functionsMax: limits.functionsMax,
      seriesMax: limits.metricsFunctionsMax,
    })
    this.observers.add(functions)
    this.figures = {
      engine,
      connections,
      functions,
      dead: new DeadCounts(journal ?? memory, clock),
      health: new Health(engine, () => journal?.failure !== undefined),
      store: store && journal && { name: store.name, stats: storeStats, journal },
      clock,
      wallTime,
      startedAt: clock.wallNow(),
    }
    if (log.isLevelEnabled?.('debug') === true) this.observers.add(new JobLog(log, handles))
    const { traces, tracesSample: sample } = options
    this.traces =
      traces === undefined ? undefined : startTraces(this.observers, { traces, sample, clock, log, handles, wallTime })
    const turn = new Turn(
      engine,
      clock,
      () => {
        journal?.commit()
        connections.flush()
        for (const { isOver, finish } of this.#waits) if (isOver()) finish()
      },
      () => {
        const jumpMs = wallTime.takeJump()
        if (jumpMs !== 0) engine.moveDates(jumpMs)
      },
    )
    const schedules = new Schedules({
      clock,
      wallTime,
      handles,
      limits,
      log,
      begin: () => turn.begin(),
      submit(submission, onJoined) {
        if (policies.policyOf(submission.function).draining) {
          return { outcome: 'refused', why: wireErrors.FUNCTION_DRAINING.text }
        }
        const { nextNumber } = engine
        const number = engine.submitOwn(submission)
        if (number < nextNumber) return { outcome: 'joined', number }
        journal?.whenJoined(number, onJoined)
        return { outcome: 'kept', number }
      },
      isStoreFailing: () => journal?.failure !== undefined,
      takeNumber: () => engine.takeNumber(),
      keepDocument(kind, name, body) {
        journal?.keepDocument(kind, name, body)
        bulletin.tell({ kind: 'schedule', name, function: schedules.functionOf(name) })
      },
    })
    const control = new Control({
      engine,
      connections,
      handles,
      wallTime,
      clock,
      turn,
      log,
      journal,
      archive: journal ?? memory,
      policies,
      schedules,
      facts: () => this.#facts,
    })
    const { access } = this
    const dispatch = new Dispatch(engine, {
      connections,
      handles,
      limits,
      wallTime,
      journal,
      schedules,
      control,
      access,
    })
    const { jobFunctions } = control
    const admin = new Admin(
      { engine, connections, handles, schedules, journal, turn, jobFunctions, audit: auditTo(log) },
      options,
    )
    this.#policies = policies
    this.#schedules = schedules
    this.control = control
    this.#options = options
    this.#clock = clock
    this.#turn = turn
    this.#store = store
    this.#journal = journal
    this.#handles = handles
    this.engine = engine
    this.#context = {
      clock,
      connections,
      limits,
      log,
      turn,
      onPacket(connection) {
        engine.settleGrab(connection.session)
        if (connections.to(connection.id) !== undefined) dispatch.packet(connection)
      },
      onLine(connection) {
        engine.settleGrab(connection.session)
        if (connections.to(connection.id) === undefined) return
        const { bytes, start, end } = connection.decoder
        admin.line(connection, readLatin1(bytes, start, end))
      },
      onResultTooLarge(connection, error) {
        engine.settleGrab(connection.session)
        engine.failRunning(connection.session, Buffer.from(error))
      },
      onGone(connection) {
        // Its last grab is answered like all that it has said.
        engine.settleGrab(connection.session)
        engine.disconnect(connection.session)
      },
    }
  }

  get #facts(): ServerFacts {
    const { limits } = this.#options
    const { startedAt, store } = this.figures
    const http = this.httpAddress === undefined ? [] : [{ kind: 'http' as const, ...this.httpAddress }]
    const gearman = this.#addresses.map((address) => ({ kind: 'gearman' as const, ...address }))
    return {
      startedAt,
      store: { name: store?.name ?? 'memory', batches: store?.stats.commits ?? 0 },
      limits,
      isOpen: this.access.isOpen,
      addresses: [...gearman, ...http].map(({ kind, address, port }) => ({ kind, address, port })),
      scheduleCount: this.#schedules.count,
    }
  }

  get connectionCount(): number {
    return this.#connections.size
  }

  /** The store has not answered what it was asked last, which may be to close: while its disk hangs, it never does. */
  get isStoreBusy(): boolean {
    return this.#store?.isBusy === true
  }

  /** Resolves when it has answered. */
  async whenStoreIdle(): Promise<void> {
    await this.#store?.whenIdle()
  }

  /** Makes the store ready; `listen` does it by itself. Rejects with a StoreError. */
  async open(): Promise<void> {
    await (this.#opened ??= this.#open())
  }

  async #open(): Promise<void> {
    const documents = (await this.#journal?.open(this.engine, this.#turn)) ?? []
    this.#sessionKey = documents.find(({ kind }) => kind === sessionKeyDocument)?.body
    this.#policies.load(documents, this.#options.log)
    this.engine.applyPolicies()
    this.#schedules.start(documents, this.#options.schedules)
  }

  /**
   * Rejects with an UnguardedError if others could reach it and there are no access rules, with a StoreError if the store can't be opened, with Node's error if it can listen on no address of the name. One that the machine does not have, such as
   * `::1` of `localhost` where IPv6 is off, is passed over; a port that is taken on any of them is not.
   */
  async listen(): Promise<ListeningAddress[]> {
    const { port, tlsPort } = this.#options
    await this.#refuseUnguarded()
    this.#readTls()
    await this.open()
    const door = this.#tlsDoor
    try {
      const addresses = await this.#listenOnAll(port, tlsPort === 'same' ? door : undefined)
      if (door !== undefined && typeof tlsPort === 'number') addresses.push(...(await this.#listenOnAll(tlsPort, door)))
      await this.#listenHttp()
      await this.#listenGearmandHttp()
      this.figures.health.isListening = true
      return addresses
    } catch (error) {
      const stopped = this.#stopListening()
      door?.close()
      await stopped
      await this.#journal?.close(storePatienceMs)
      throw error
    }
  }

  /** Where everyone can reach it, and may do everything. Once `listen` has resolved. */
  unguarded: string | undefined

  async #refuseUnguarded(): Promise<void> {
    const { listen, http, gearmandHttp, insecure } = this.#options
    if (!this.access.isOpen) return
    const others = [http, gearmandHttp].filter((address) => address !== undefined)
    const exposed = await firstExposed([listen, ...others.map((address) => splitAddress(address).listen)])
    if (exposed === undefined) return
    if (!insecure) throw new UnguardedError(exposed)
    this.unguarded = exposed
  }

  /**
   * A connection that did not come by the server's own port. Its peer must not answer from within a write: what it
   * says has to come in a later turn. Undefined: full or closed, which the peer is told.
   */
  accept(socket: Duplex, actor: Actor = itself): Connection | undefined {
    const connection = this.#connect(socket, actor)
    if (connection !== undefined) socket.on('data', (chunk: Uint8Array) => connection.receive(chunk))
    return connection
  }

  /** Reads the files for TLS again, if there is TLS; all goes on as before if it throws, which is a TlsError. */
  reloadTls(): boolean {
    this.#tls?.reload()
    return this.#tls !== undefined
  }

  get #isFull(): boolean {
    return this.#connections.size + (this.#tlsDoor?.pending ?? 0) >= this.#options.limits.connectionsMax
  }

  #connect(socket: Duplex, actor: Actor): Connection | undefined {
    const isFull = this.#isFull
    if (isFull || this.#closed !== undefined) {
      refuse(socket, isFull ? 'TOO_MANY_CONNECTIONS' : 'SHUTTING_DOWN')
      return undefined
    }
    const id = this.#connections.takeNumber()
    const connection = new Connection(id, this.engine.connect(id), socket, actor, this.#context)
    this.#connections.add(connection)
    this.#stopPatience ??= this.#watchPatience()
    return connection
  }

  /** Takes no new connections and jobs and gives none out; closes when no job is running, or when the time is over. */
  async close(graceMs: number): Promise<void> {
    this.#tellStopping()
    const stopped = this.#stopListening()
    this.#schedules.stop()
    this.engine.drain()
    this.#closing.abort()
    const startedAt = this.#clock.now()
    await this.#until(() => this.#runningCount === 0, graceMs)
    await (this.#closed ??= this.#finish(startedAt + graceMs - this.#clock.now()))
    await stopped
  }

  /** Takes no new connections; those that are there work on until the last job is done, and are then closed. */
  async finishAll(): Promise<void> {
    this.#tellStopping()
    const stopped = this.#stopListening()
    this.#schedules.stop()
    await this.#until(() => this.engine.jobCount + this.engine.backlogSize === 0, Number.POSITIVE_INFINITY)
    await (this.#closed ??= this.#finish(outputGraceMs))
    await stopped
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close(0)
  }

  #tellStopping(): void {
    this.figures.health.isListening = false
    this.bulletin.tell({ kind: 'stopping' })
  }

  get #runningCount(): number {
    let count = 0
    for (const { runningCount } of this.engine.functions()) count += runningCount
    return count
  }

  #readTls(): void {
    const { tls, tlsPort, httpTls, limits, log } = this.#options
    if (tls === undefined) {
      const needy = httpTls ? 'http-tls' : typeof tlsPort === 'number' ? 'tls-port' : undefined
      if (needy !== undefined) throw new TlsError(`${needy} takes a certificate and its key: tls-cert and tls-key`)
      return
    }
    this.#tls = new FileTlsSource(tls, this.#clock, log)
    if (tlsPort === 'off') return
    this.#tlsDoor = new TlsDoor(this.#tls, {
      handshakeTimeoutMs: limits.tlsHandshakeTimeoutMs,
      log,
      onSecure: (socket) => {
        const credentials = { address: remoteAddress(socket), ...certificateOf(socket) }
        this.accept(socket, this.access.identify(credentials))
      },
    })
  }

  /** On every address of the name, and on one port. */
  async #listenOnAll(port: number, door: TlsDoor | undefined): Promise<ListeningAddress[]> {
    const addresses: ListeningAddress[] = []
    let missing: unknown
    for (const host of await resolveHost(this.#options.listen)) {
      try {
        addresses.push(await this.#listenOn(host, addresses[0]?.port ?? port, door))
      } catch (error) {
        if (!isMissingAddress(error)) throw error
        missing = error
      }
    }
    if (addresses.length === 0) throw missing
    return addresses
  }

  #listenOn(host: string | undefined, port: number, door: TlsDoor | undefined): Promise<ListeningAddress> {
    const { keepAlive, keepAliveIdleMs, backlog } = this.#options
    const options = { noDelay: true, keepAlive, keepAliveInitialDelay: keepAliveIdleMs }
    const listener =
      door === undefined
        ? createNetServer({ ...options, allowHalfOpen: true, pauseOnConnect: true }, (accepted) => {
            const socket = readThroughSharedBuffer(accepted, (chunk) => connection?.receive(chunk))
            const connection = this.#connect(socket, this.access.identify({ address: remoteAddress(socket) }))
            socket.resume()
          })
        : createNetServer(options, (accepted) => {
            // Before the handshake there is no way to tell it why.
            if (this.#isFull || this.#closed !== undefined) accepted.destroy()
            else door.letIn(accepted)
          })
    return new Promise((resolve, reject) => {
      listener.once('error', reject)
      listener.listen({ port, backlog, ...(host === undefined ? {} : { host }) }, () => {
        listener.off('error', reject)
        listener.on('error', (error) => this.#options.log.error({ err: error }, 'cannot accept connections'))
        this.#listeners.push(listener)
        // A TCP listener's address is an object.
        const { address, port: actualPort } = listener.address() as AddressInfo
        this.#addresses.push({ address, port: actualPort, isTls: door !== undefined })
        resolve({ address, port: actualPort, ...(door === undefined ? {} : { isTls: true }) })
      })
    })
  }

  async #stopListening(): Promise<void> {
    const closed = this.#listeners.splice(0).map(
      (listener) =>
        new Promise<void>((resolve) => {
          listener.close(() => resolve())
        }),
    )
    await Promise.all(closed)
  }

  /** Resolves when the condition holds at the end of a turn, or when the time is over. */
  #until(isOver: () => boolean, timeoutMs: number): Promise<void> {
    if (isOver()) return Promise.resolve()
    return new Promise((resolve) => {
      const finish = () => {
        this.#waits.delete(wait)
        stopTimer()
        resolve()
      }
      const stopTimer = Number.isFinite(timeoutMs) ? this.#clock.after(timeoutMs, finish) : () => {}
      const wait = { isOver, finish }
      this.#waits.add(wait)
    })
  }

  /** Where the HTTP side listens; undefined if it is off. Once `listen` has resolved. */
  httpAddress: ListeningAddress | undefined

  async #listenHttp(): Promise<void> {
    const { http, httpHosts, httpTls, limits, log } = this.#options
    if (http === undefined) return
    // Whoever does without it does not load it.
    const { startHttp } = await import('./http/start.ts')
    const context: Omit<
      HttpContext,
      'gateway' | 'jobWatch' | 'leases' | 'sessions' | 'isEncrypted' | 'metrics' | 'feed'
    > = {
      clock: this.#clock,
      log,
      limits,
      access: this.access,
      observers: this.observers,
      figures: this.figures,
      bulletin: this.bulletin,
      handles: this.#handles,
      closing: this.#closing.signal,
      perform: performOver(this.control),
      connect: (link, actor) => this.accept(link, actor),
      withdraw: (connection) => this.#withdraw(connection),
    }
    const tls = httpTls ? this.#tls : undefined
    const sessionKey = {
      text: this.#sessionKey,
      keep: (text: string) => this.#journal?.keepDocument(sessionKeyDocument, 'http', text),
    }
    const { server, address } = await startHttp({ ...splitAddress(http), tls, hosts: httpHosts, sessionKey }, context)
    this.#http = server
    this.httpAddress = address
  }

  /** Where gearmand's own protocol over HTTP is spoken; undefined if it is off. Once `listen` has resolved. */
  gearmandHttpAddress: ListeningAddress | undefined

  async #listenGearmandHttp(): Promise<void> {
    const { gearmandHttp, httpHosts, limits } = this.#options
    if (gearmandHttp === undefined) return
    const { GearmandHttp } = await import('./gateway/gearmand-http.ts')
    this.#gearmandHttp = new GearmandHttp(
      { ...splitAddress(gearmandHttp), hosts: httpHosts },
      { clock: this.#clock, limits, access: this.access, connect: (link, actor) => this.accept(link, actor) },
    )
    this.gearmandHttpAddress = await this.#gearmandHttp.listen()
    this.#listeners.push(this.#gearmandHttp.listener)
  }

  /** Its peer has left before it could be told of its jobs. */
  #withdraw(connection: Connection): void {
    this.#turn.begin()
    this.engine.withdraw(connection.session)
    connection.destroy()
  }

  async #finish(graceMs: number): Promise<void> {
    this.#closing.abort()
    await this.#http?.close()
    await this.#gearmandHttp?.close(graceMs)
    await this.#closeConnections(graceMs)
    this.#tlsDoor?.close()
    await this.#journal?.close(storePatienceMs)
    await this.traces?.close()
  }

  /** Ends every connection when its output is sent. What is not sent when the time is over is lost. */
  #closeConnections(graceMs: number): Promise<void> {
    this.#stopPatience?.()
    for (const { finish } of this.#waits) finish()
    for (const connection of this.#connections) connection.close()
    const deadline = this.#clock.now() + graceMs
    return new Promise((resolve) => {
      let stopTimer = () => {}
      const finish = () => {
        stopTimer()
        this.#turn.stop()
        resolve()
      }
      // Peers that have all their output and do not close their side are not waited for.
      const cutOff = () => {
        const isOver = this.#clock.now() >= deadline
        for (const connection of this.#connections) {
          if (isOver || connection.output.length === 0) connection.destroy()
        }
        if (isOver) finish()
        else stopTimer = this.#clock.after(closeTimeoutMs, cutOff)
      }
      this.#connections.onEmpty = finish
      if (this.#connections.size === 0) finish()
      else stopTimer = this.#clock.after(closeTimeoutMs, cutOff)
    })
  }

  #watchPatience(): () => void {
    return this.#clock.after(patienceCheckMs, () => {
      const now = this.#clock.now()
      for (const connection of this.#connections) connection.checkPatience(now)
      this.#stopPatience = this.#connections.size > 0 ? this.#watchPatience() : undefined
    })
  }
}

/** Undefined is every address. */
async function resolveHost(host: string): Promise<(string | undefined)[]> {
  if (host === everyAddress || host === '') return [undefined]
  const found = await lookup(host, { all: true })
  return [...new Set(found.map(({ address }) => address))]
}

function isMissingAddress(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT'
}

function remoteAddress(socket: Socket): string {
  const address = socket.remoteAddress ?? '-'
  return address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address
}

/** As `httpAddress` of the settings has let it through. */
function splitAddress(text: string): { readonly listen: string; readonly port: number } {
  const at = text.lastIndexOf(':')
  return { listen: text.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(text.slice(at + 1)) }
}

function refuse(socket: Duplex, error: WireError): void {
  const { code, text } = wireErrors[error]
  socket.on('error', () => {})
  socket.end(encodePacket(packets.ERROR, [code, text]), () => socket.destroy())
}
