import { lookup } from 'node:dns/promises'
import { type AddressInfo, createServer as createNetServer, type Server as NetServer, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { Engine } from '@geartrain/engine'
import { encodePacket, packets, readLatin1, type WireError, wireErrors } from '@geartrain/protocol'
import { Access } from './access/access.ts'
import { type Actor, itself } from './access/actor.ts'
import { Admin } from './admin.ts'
import { type Clock, systemClock } from './clock.ts'
import { Connection, type ConnectionContext } from './connection.ts'
import { Connections } from './connections.ts'
import { Control } from './control/control.ts'
import { Dispatch } from './dispatch.ts'
import { Handles } from './handles.ts'
import type { HttpContext } from './http/context.ts'
import type { HttpServer } from './http/http-server.ts'
import { performOver } from './http/perform.ts'
import { Journal } from './journal.ts'
import { MemoryArchive } from './memory-archive.ts'
import { Observers } from './observers.ts'
import { defaultOptions, type ServerOptions } from './options.ts'
import { PacketOutbox } from './packet-outbox.ts'
import { Policies } from './policies/policies.ts'
import { Schedules } from './schedules/schedules.ts'
import { readThroughSharedBuffer } from './shared-buffer.ts'
import { BusyStore } from './store/busy-store.ts'
import { makeStore } from './store/kinds.ts'
import { Turn } from './turn.ts'
import { WallTime } from './wall-time.ts'

/** The name to listen on for every address the machine has. */
const everyAddress = '*'
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
  readonly #policies: Policies
  readonly #schedules: Schedules
  /** What can be asked of the server beside jobs. */
  readonly control: Control
  readonly access: Access = new Access()
  /** Who wants to see what becomes of jobs adds itself. */
  readonly observers: Observers = new Observers()
  #opened: Promise<void> | undefined
  #http: HttpServer | undefined
  readonly #listeners: NetServer[] = []
  /** Set while there are connections to look through. */
  #stopPatience: (() => void) | undefined
  /** What is waited for before it closes, looked at after each turn; one for each time it was told to close. */
  readonly #waits = new Set<{ readonly isOver: () => boolean; readonly finish: () => void }>()
  #closed: Promise<void> | undefined

  constructor(options: ServerOptions, clock: Clock) {
    const { limits, log } = options
    const handles = new Handles(options.handlePrefix, clock.wallNow())
    const connections = this.#connections
    const wallTime = new WallTime(clock)
    const made = makeStore(options.store, log)
    const store = made && new BusyStore(made)
    const journal = store && new Journal({ store, clock, connections, handles, wallTime, log })
    const policies = new Policies(options.functions)
    const engineOptions = {
      policyOf: (name: string) => policies.policyOf(name),
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
      keepDocument: (kind, name, body) => journal?.keepDocument(kind, name, body),
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
    })
    const dispatch = new Dispatch(engine, { connections, handles, limits, wallTime, journal, schedules, control })
    const admin = new Admin({ engine, connections, handles, schedules, journal }, options)
    this.#policies = policies
    this.#schedules = schedules
    this.control = control
    this.#options = options
    this.#clock = clock
    this.#turn = turn
    this.#store = store
    this.#journal = journal
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
    this.#policies.load(documents, this.#options.log)
    this.engine.applyPolicies()
    this.#schedules.start(documents, this.#options.schedules)
  }

  /**
   * Rejects with a StoreError if the store can't be opened, with Node's error if it can listen on no address of the name. One that the machine does not have, such as
   * `::1` of `localhost` where IPv6 is off, is passed over; a port that is taken on any of them is not.
   */
  async listen(): Promise<ListeningAddress[]> {
    await this.open()
    const { listen, port } = this.#options
    const addresses: ListeningAddress[] = []
    let missing: unknown
    for (const host of await resolveHost(listen)) {
      try {
        addresses.push(await this.#listenOn(host, addresses[0]?.port ?? port))
      } catch (error) {
        if (isMissingAddress(error)) missing = error
        else {
          await this.#stopListening()
          await this.#journal?.close(storePatienceMs)
          throw error
        }
      }
    }
    if (addresses.length === 0) {
      await this.#journal?.close(storePatienceMs)
      throw missing
    }
    try {
      await this.#listenHttp()
    } catch (error) {
      await this.#stopListening()
      await this.#journal?.close(storePatienceMs)
      throw error
    }
    return addresses
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

  #connect(socket: Duplex, actor: Actor): Connection | undefined {
    const isFull = this.#connections.size >= this.#options.limits.connectionsMax
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
    const stopped = this.#stopListening()
    this.#schedules.stop()
    this.engine.drain()
    const startedAt = this.#clock.now()
    await this.#until(() => this.#runningCount === 0, graceMs)
    await (this.#closed ??= this.#finish(startedAt + graceMs - this.#clock.now()))
    await stopped
  }

  /** Takes no new connections; those that are there work on until the last job is done, and are then closed. */
  async finishAll(): Promise<void> {
    const stopped = this.#stopListening()
    this.#schedules.stop()
    await this.#until(() => this.engine.jobCount + this.engine.backlogSize === 0, Number.POSITIVE_INFINITY)
    await (this.#closed ??= this.#finish(outputGraceMs))
    await stopped
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close(0)
  }

  get #runningCount(): number {
    let count = 0
    for (const { runningCount } of this.engine.functions()) count += runningCount
    return count
  }

  #listenOn(host: string | undefined, port: number): Promise<ListeningAddress> {
    const { keepAlive, keepAliveIdleMs, backlog } = this.#options
    const listener = createNetServer(
      { allowHalfOpen: true, noDelay: true, keepAlive, keepAliveInitialDelay: keepAliveIdleMs, pauseOnConnect: true },
      (accepted) => {
        const socket = readThroughSharedBuffer(accepted, (chunk) => connection?.receive(chunk))
        const connection = this.#connect(socket, this.access.identify({ address: remoteAddress(socket) }))
        socket.resume()
      },
    )
    return new Promise((resolve, reject) => {
      listener.once('error', reject)
      listener.listen({ port, backlog, ...(host === undefined ? {} : { host }) }, () => {
        listener.off('error', reject)
        listener.on('error', (error) => this.#options.log.error({ err: error }, 'cannot accept connections'))
        this.#listeners.push(listener)
        // A TCP listener's address is an object.
        const { address, port: actualPort } = listener.address() as AddressInfo
        resolve({ address, port: actualPort })
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
    const { http, httpHosts, limits, log } = this.#options
    if (http === undefined) return
    // Whoever does without it does not load it.
    const { startHttp } = await import('./http/start.ts')
    const context: HttpContext = {
      clock: this.#clock,
      log,
      limits,
      access: this.access,
      observers: this.observers,
      perform: performOver(this.control),
      connect: (link, actor) => this.accept(link, actor),
    }
    const { server, address } = await startHttp({ ...splitAddress(http), tls: undefined, hosts: httpHosts }, context)
    this.#http = server
    this.httpAddress = address
  }

  async #finish(graceMs: number): Promise<void> {
    await this.#http?.close()
    await this.#closeConnections(graceMs)
    await this.#journal?.close(storePatienceMs)
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
