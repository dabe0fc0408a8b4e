import { Random } from '../../simulation/random.ts'
import { Client } from './client.ts'
import type { ClusterServer } from './cluster-server.ts'
import type { Database } from './database.ts'
import { allFunctions, backgroundFunctions, functions, tickEveryMs, tickFunction } from './functions.ts'
import { Library } from './library.ts'
import type { Lapse } from './life.ts'
import { Operator } from './operator.ts'
import { type Event, leaseMs, type RoundPlan, showEvent } from './plan.ts'
import { Programs } from './programs.ts'
import type { Schedules } from './schedules.ts'
import { staleMsMax } from './ticks.ts'
import { Worker } from './worker.ts'
import { fork, type World } from './world.ts'

/** What servers have to do at once, they have to have done by then: far more than it takes. */
const patienceMs = 40_000
const answerMsMax = 15_000
/** What is shorter costs no server its lease, the time for noticing its end included. */
const harmlessMs = leaseMs / 3
/** What a program has printed is read by then. */
const printMs = 300
const clientCount = 3
const workerCount = 4

/** The servers, their database, and all who use them. */
export class Cluster {
  readonly schedules: Schedules
  recoveryMsMax = 0
  readonly #lapses: Lapse[] = []
  readonly #world: World
  readonly #places: readonly ClusterServer[]
  readonly #database: Database
  readonly #random: Random
  #programs: Programs | undefined

  constructor(world: World, places: readonly ClusterServer[], database: Database, schedules: Schedules, seed: number) {
    this.#world = world
    this.#places = places
    this.#database = database
    this.schedules = schedules
    this.#random = new Random(seed)
  }

  get isOver(): boolean {
    return this.#world.isOver
  }

  get seen(): ReadonlyMap<string, number> {
    return this.#world.ledger.seen
  }

  async start(): Promise<void> {
    await Promise.all(this.#places.map((place) => this.#startServer(place)))
    await this.#untilWell()
    for (const place of this.#places) await this.#setSchedule(place)
    this.#programs = new Programs(this.#world)
  }

  async play(plan: RoundPlan): Promise<void> {
    const world = this.#world
    const random = new Random(plan.seed)
    const players = this.#startPlayers(plan, random)
    await pause(plan.beforeMs)
    const beganAt = Date.now()
    await Promise.all(
      plan.events.map(async (event) => {
        const lapses = this.#beginLapses(event)
        await this.#happen(event, lapses)
        heal(lapses)
      }),
    )
    await this.#untilWell()
    this.#endLapses(beganAt)
    // What a fail-over has cost is a standby, without which there is no other one.
    await this.#database.addStandby()
    await pause(plan.afterMs)
    if (plan.drains && !world.isOver) await this.#drain(players, random)
    await players.end()
    if (world.isOver) return
    await this.#inspectTicks()
    world.ledger.judge(false)
  }

  /** All is worked off and looked through. */
  async end(): Promise<void> {
    const random = fork(this.#random)
    const players = new Players([], [], undefined)
    if (!this.isOver) await this.#drain(players, random)
    if (!this.isOver) await this.#finishTicks()
    await players.end()
    await this.#programs?.end()
  }

  // Who uses it

  #startPlayers({ workersOfForeground, load }: RoundPlan, random: Random): Players {
    const world = this.#world
    const clients = Array.from({ length: clientCount }, () => new Client(world, fork(random), load))
    const background = [...backgroundFunctions, tickFunction]
    const workers = Array.from({ length: workerCount }, () => {
      const names = background.filter(() => random.chance(0.8))
      return new Worker(world, this.schedules, fork(random), { functions: names, isCalm: false, load })
    })
    // Clients of other servers wait for these, and for the library's.
    const place = this.#places[workersOfForeground]
    for (let i = 0; i < 2; i++) {
      const options = { functions: [functions.wait], isCalm: false, load, ...(place === undefined ? {} : { place }) }
      workers.push(new Worker(world, this.schedules, fork(random), options))
    }
    return new Players(clients, workers, new Library(world, fork(random)))
  }

  // What happens to it

  async #happen(event: Event, lapses: readonly Lapse[]): Promise<void> {
    const { ledger } = this.#world
    ledger.event(showEvent(event))
    ledger.count(event.kind)
    const place = 'server' in event ? this.#places[event.server] : undefined
    switch (event.kind) {
      case 'kill':
      case 'quit':
        await (event.kind === 'kill' ? place?.kill() : place?.quit())
        await pause(event.ms)
        if (place !== undefined) await this.#startServer(place)
        break
      case 'freeze':
        place?.freeze()
        await pause(event.ms)
        place?.thaw()
        break
      case 'cut':
        place?.cut()
        await pause(event.ms)
        place?.heal()
        break
      case 'unlink':
        place?.unlink()
        await pause(event.ms)
        place?.link()
        break
      case 'reset':
        place?.reset()
        break
      case 'fail over':
        ledger.count(`fail over: ${event.how}`)
        await this.#database.failOver(event.how, event.ms, () => heal(lapses))
        break
      case 'restart database':
        await this.#database.restart()
        break
      case 'pause database':
        await this.#database.pause(event.ms)
        break
    }
    ledger.event(`${event.kind} is over`)
  }

  /** If it lasts it may cost servers their leases: the database's troubles all of them. */
  #beginLapses(event: Event): readonly Lapse[] {
    if (!mayCostLeases(event)) return []
    const places = 'server' in event ? this.#places.filter((_, index) => index === event.server) : this.#places
    const lapses = places.flatMap((place) => place.life?.lapse(Date.now()) ?? [])
    this.#lapses.push(...lapses)
    return lapses
  }

  /** All servers are well. */
  #endLapses(beganAt: number): void {
    const isHarmless = Date.now() - beganAt < harmlessMs
    for (const lapse of this.#lapses.splice(0)) {
      lapse.to = isHarmless ? Number.NEGATIVE_INFINITY : Date.now() + leaseMs
    }
  }

  async #startServer(place: ClusterServer): Promise<void> {
    const why = await place.start()
    if (why !== undefined) this.#world.ledger.fail('i', why)
  }

  /** All servers keep jobs again, by themselves. */
  async #untilWell(): Promise<void> {
    const world = this.#world
    const since = Date.now()
    await Promise.all(
      this.#places.map(async (place) => {
        while (!world.isOver) {
          const operator = new Operator(world, fork(this.#random), place)
          const isWell = await operator.submits(answerMsMax)
          operator.end()
          if (isWell) return
          if (Date.now() - since > patienceMs) {
            return world.ledger.fail(
              'i',
              `${place.name} keeps no job ${Date.now() - since} ms after all is whole again`,
            )
          }
          await pause(200)
        }
      }),
    )
    this.recoveryMsMax = Math.max(this.recoveryMsMax, Date.now() - since)
    world.ledger.event('all servers are well')
  }

  // Looking through

  /** Calm workers do what is left; nothing may be left then, at any server. */
  async #drain(players: Players, random: Random): Promise<void> {
    const world = this.#world
    const { ledger } = world
    players.calm()
    this.#programs?.calm()
    const workers = this.#places.map((place) => {
      return new Worker(world, this.schedules, fork(random), {
        functions: [...allFunctions, tickFunction],
        place,
        isCalm: true,
        load: 'light',
      })
    })
    const isDone = await world.until(() => ledger.owed() === undefined, patienceMs)
    if (!isDone && !world.isOver) await this.#accuse()
    await this.#untilNothingCounts()
    for (const worker of workers) worker.end()
    await players.end()
    await pause(printMs)
    ledger.judge(true)
    ledger.count('drains')
    if (world.isOver) return
    ledger.settle()
    this.#programs?.resume()
  }

  /** A job is owed: where is it? */
  async #accuse(): Promise<void> {
    const { ledger } = this.#world
    const job = ledger.owed()
    if (job === undefined) return
    const name = `${job.submissions[0]?.id} of ${job.function}`
    if (!job.isBackground) return ledger.fail('f', `the client of ${name} waits, and nothing comes`, job)
    const known = await Promise.all(
      this.#places.map(async (place) => {
        const states = await this.#ask(place, async (operator) => {
          const [number = ''] = job.numbers
          return operator.ask('job show', { handle: `H:any:${number}` }, answerMsMax)
        })
        return `${place.name}: ${states?.state ?? 'not known'}`
      }),
    )
    ledger.fail('a', `${name} is not done, and no worker is given it; ${known.join(', ')}`, job)
  }

  /** All servers count none, of schedules as well, as soon as they have heard of each other. */
  async #untilNothingCounts(): Promise<void> {
    const world = this.#world
    for (const place of this.#places) {
      const since = Date.now()
      for (let left = ''; !world.isOver; ) {
        const answered = await this.#ask(place, (operator) => operator.ask('functions', {}, answerMsMax))
        const counted = answered?.functions.filter(({ name }) => allFunctions.includes(name)) ?? []
        const all = counted.map(({ name, ready, delayed, running }) => {
          return { name, jobs: ready.high + ready.normal + ready.low + delayed + running }
        })
        left = all.flatMap(({ name, jobs }) => (jobs === 0 ? [] : [`${jobs} of ${name}`])).join(', ')
        if (answered !== undefined && left === '') break
        if (Date.now() - since > patienceMs) {
          return world.ledger.fail('i', `${place.name} counts ${left === '' ? 'nothing' : left} when all is done`)
        }
        await pause(100)
      }
    }
  }

  async #setSchedule(place: ClusterServer): Promise<void> {
    const name = `tick-of-${place.name}`
    this.schedules.add(name)
    const definition = {
      name,
      function: tickFunction,
      workload: { text: name },
      every: `${tickEveryMs / 1000}s`,
      missed: 'all',
    } as const
    const isSet = await this.#ask(place, (operator) => operator.ask('schedule put', definition, answerMsMax))
    if (isSet === undefined) this.#world.ledger.fail('h', `${place.name} does not take a schedule`)
  }

  /** All servers are well: what each says of the schedules. */
  async #inspectTicks(): Promise<void> {
    const { ledger } = this.#world
    const askedAt = Date.now()
    for (const [name, ticks] of this.schedules.byName) {
      for (const place of this.#places) {
        const state = await this.#ask(place, (operator) => operator.ask('schedule show', { name }, answerMsMax))
        if (state === undefined) return ledger.fail('h', `${place.name} does not tell of the schedule ${name}`)
        const wrong = ticks.learn(state.history, askedAt)
        if (wrong !== undefined) return ledger.fail('h', `${place.name}, ${name}: ${wrong}`)
      }
      const stranger = ticks.stranger(askedAt)
      if (stranger !== undefined)
        ledger.fail('h', `workers were given ${stranger}, of which the schedule ${name} knows nothing`)
    }
  }

  /** The jobs of all times that are known have come. */
  async #finishTicks(): Promise<void> {
    const { ledger } = this.#world
    const worker = new Worker(this.#world, this.schedules, fork(this.#random), {
      functions: [tickFunction],
      isCalm: true,
      load: 'light',
    })
    await pause(staleMsMax)
    await this.#inspectTicks()
    const isDone = await this.#world.until(() => this.schedules.unseen() === undefined, patienceMs)
    worker.end()
    if (!isDone && !this.isOver)
      ledger.fail('h', `no worker is given ${this.schedules.unseen()}, which is of a schedule`)
  }

  async #ask<T>(place: ClusterServer, question: (operator: Operator) => Promise<T>): Promise<T> {
    const operator = new Operator(this.#world, fork(this.#random), place)
    try {
      return await question(operator)
    } finally {
      operator.end()
    }
  }
}

class Players {
  readonly #clients: readonly Client[]
  readonly #workers: readonly Worker[]
  readonly #library: Library | undefined
  #hasEnded = false

  constructor(clients: readonly Client[], workers: readonly Worker[], library: Library | undefined) {
    this.#clients = clients
    this.#workers = workers
    this.#library = library
  }

  /** Nobody submits anything more. */
  calm(): void {
    for (const client of this.#clients) client.stop()
    for (const worker of this.#workers) worker.calm()
    this.#library?.calm()
  }

  async end(): Promise<void> {
    if (this.#hasEnded) return
    this.#hasEnded = true
    for (const client of this.#clients) client.end()
    for (const worker of this.#workers) worker.end()
    await this.#library?.end()
  }
}

function heal(lapses: readonly Lapse[]): void {
  for (const lapse of lapses) lapse.healedAt = Math.min(lapse.healedAt, Date.now())
}

/** If it lasts. */
function mayCostLeases({ kind }: Event): boolean {
  return (
    kind === 'freeze' ||
    kind === 'cut' ||
    kind === 'fail over' ||
    kind === 'restart database' ||
    kind === 'pause database'
  )
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
