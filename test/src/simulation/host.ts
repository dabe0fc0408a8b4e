import { engineDefaults } from '@geartrain/engine'
import { createServer, type Server, type ServerOptions } from '@geartrain/server'
import { SimulatedDisk } from './disk.ts'
import type { Ledger } from './ledger.ts'
import type { Plan } from './plan.ts'
import type { Random } from './random.ts'
import type { Sabotage } from './sabotage.ts'
import { SimulatedStore } from './store.ts'
import { SimulatedClock, type Timeline } from './timeline.ts'

/** Some day in 2026. */
const wallAtStart = 1_790_000_000_000
/** A server that has ended is started again after so long, on average. */
const downMs = 100
const restMs = 100
/** A server that is closed gives its jobs so long, and then its store. */
const graceMsMax = 3000
const closeMsMax = 12_000

export interface HostContext {
  readonly plan: Plan
  readonly timeline: Timeline
  /** For the clock. */
  readonly random: Random
  readonly storageRandom: Random
  readonly ledger: Ledger
  readonly options: Partial<ServerOptions>
  readonly sabotage: Sabotage | undefined
  /** All connections are to break. */
  breakLinks(): void
}

/**
 * The machine that the server runs on. Without a disk it has one server from the beginning to the end; with one,
 * servers crash or are closed, and others take their place.
 */
export class Host {
  /** Those that run, or ran last. */
  server: Server
  clock: SimulatedClock
  store: SimulatedStore | undefined
  /** The server takes connections, or tells them that it closes. */
  isUp = false
  isClosing = false
  readonly disk: SimulatedDisk
  readonly #context: HostContext
  #isHealed = false
  #hasProcess = false
  #eventsLeft = Number.POSITIVE_INFINITY
  #wallAheadMs = 0
  #wallMsMax = 0

  constructor(context: HostContext) {
    this.#context = context
    this.disk = new SimulatedDisk(context.ledger.durability)
    const { server, clock } = this.#start()
    this.server = server
    this.clock = clock
  }

  /** The latest date that a server has seen, milliseconds since 1970. */
  get wallMsMax(): number {
    this.#wallMsMax = Math.max(this.#wallMsMax, this.clock.wallNow())
    return this.#wallMsMax
  }

  /** Something has happened: at any such moment the server may end. */
  endSomeServers(): void {
    const { storage } = this.#context.plan
    if (storage === undefined || this.#isHealed || !this.#hasProcess || --this.#eventsLeft > 0) return
    this.#eventsLeft = this.#drawEvents(storage.eventsPerLife)
    if (this.isUp && !this.isClosing && this.#context.storageRandom.chance(storage.closeShare)) this.#close()
    else this.#crash()
  }

  /** The server that runs lives until it is told to close. */
  keep(): void {
    this.#eventsLeft = Number.POSITIVE_INFINITY
  }

  /** Nothing goes wrong any more. A server that is being closed is started again. */
  heal(): void {
    this.#isHealed = true
    this.store?.heal()
    this.disk.clear()
  }

  #start(): { server: Server; clock: SimulatedClock } {
    const { plan, timeline, random, storageRandom, ledger, options, sabotage } = this.#context
    const { storage } = plan
    const clock = new SimulatedClock(
      timeline,
      random,
      wallAtStart + Math.trunc(timeline.now) + this.#wallAheadMs,
      plan.lookMs,
      sabotage?.lostTimers,
    )
    this.clock = clock
    this.#hasProcess = true
    if (storage === undefined) {
      this.server = createServer(options, clock)
      this.isUp = true
    } else {
      this.#eventsLeft = this.#drawEvents(storage.eventsPerLife)
      const store = new SimulatedStore(this.disk, timeline, storageRandom, storage, ledger.durability)
      if (this.#isHealed) store.heal()
      this.store = store
      const given = sabotage?.store?.(store, this.disk) ?? store
      const server = withWindow(storage.windowJobs, () => createServer({ ...options, store: given }, clock))
      this.server = server
      server.open().then(
        () => this.#opened(server),
        (error: unknown) => this.#failed(server, error),
      )
    }
    sabotage?.server?.(this.server)
    return { server: this.server, clock }
  }

  #opened(server: Server): void {
    if (server !== this.server || !this.#hasProcess) return
    this.#context.ledger.note('the server is ready')
    this.#context.ledger.count('servers')
    this.isUp = true
  }

  /** Its program ends, and is started again as after a crash. */
  #failed(server: Server, error: unknown): void {
    if (server !== this.server || !this.#hasProcess) return
    this.#context.ledger.note(`the server can't start: ${String(error)}`)
    this.#context.ledger.count('servers that could not start')
    this.#end('crash')
  }

  #crash(): void {
    const { ledger } = this.#context
    ledger.note('the server crashes')
    ledger.count('crashes')
    this.store?.crash()
    this.#end('crash')
  }

  #close(): void {
    const { ledger, timeline, storageRandom } = this.#context
    const { server, clock } = this
    const graceMs = storageRandom.exponential(graceMsMax)
    ledger.note('the server is closed')
    ledger.count('orderly restarts')
    ledger.shutDown()
    this.isClosing = true
    const isOver = () => server !== this.server || !this.#hasProcess
    const stopWatch = timeline.plan(graceMs + closeMsMax, () => {
      if (!isOver()) ledger.fail('the server does not close')
    })
    const rest = () => {
      if (isOver()) return
      if (server.connectionCount > 0) ledger.fail(`${server.connectionCount} connections are left of a closed server`)
      if (clock.timerCount > 0) ledger.fail(`${clock.timerCount} timers are left of a closed server`)
      this.#end('close')
    }
    void server.close(graceMs).then(() => {
      stopWatch()
      timeline.plan(restMs, rest)
    })
  }

  /** Nothing is left of it but what is on the disk. */
  #end(how: 'crash' | 'close'): void {
    const { ledger, timeline, storageRandom, breakLinks, plan } = this.#context
    this.#hasProcess = false
    this.isUp = false
    this.isClosing = false
    this.#wallMsMax = this.wallMsMax
    this.clock.stop()
    ledger.restart(how)
    breakLinks()
    if (plan.storage?.isClockSet === true)
      this.#wallAheadMs += storageRandom.pick([0, 0, 3_600_000, 10_000, -1000, -60_000])
    timeline.plan(storageRandom.exponential(downMs), () => this.#start())
  }

  #drawEvents(mean: number): number {
    return Number.isFinite(mean) ? this.#context.storageRandom.exponential(mean) : mean
  }
}

/** The engine's window is no setting of the server's: what the engine is not told it takes from its defaults. */
function withWindow(windowJobs: number, make: () => Server): Server {
  const { windowJobs: usual } = engineDefaults
  try {
    Object.assign(engineDefaults, { windowJobs })
    return make()
  } finally {
    Object.assign(engineDefaults, { windowJobs: usual })
  }
}
