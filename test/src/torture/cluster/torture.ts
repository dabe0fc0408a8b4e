import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Cluster } from './cluster.ts'
import { ClusterServer } from './cluster-server.ts'
import { Database } from './database.ts'
import { configuration } from './functions.ts'
import type { Fault, Ledger } from './ledger.ts'
import { drawRound, type EventKind, leaseMs, serverCount, showEvent } from './plan.ts'
import { Schedules } from './schedules.ts'
import { World } from './world.ts'

export interface TortureOptions {
  readonly seed: number
  /** It ends after so many rounds, or with the round in which the time is over. */
  readonly rounds?: number
  readonly untilMs?: number
  /** Only these things happen. */
  readonly kinds?: readonly EventKind[]
  readonly onRound?: (round: number, events: string, seen: ReadonlyMap<string, number>) => void
  /** True: end with this round. */
  readonly isStopped?: () => boolean
}

export interface TortureResult {
  readonly seed: number
  /** The round that failed, or the last. */
  readonly rounds: number
  readonly durationMs: number
  readonly ticks: number
  /** From the end of a trouble until all servers keep jobs again, at most. */
  readonly recoveryMsMax: number
  readonly seen: Readonly<Record<string, number>>
  readonly fault: (Fault & { readonly logs: Readonly<Record<string, readonly string[]>> }) | undefined
}

/** Breaks servers, database and network over and over, and holds what comes of it against the ledger. */
export async function tortureCluster(options: TortureOptions): Promise<TortureResult> {
  const run = new Torture(options)
  return run.run()
}

class Torture {
  readonly #options: TortureOptions
  readonly #directory = mkdtempSync(join(tmpdir(), 'geartrain-torture-cluster-'))
  readonly #startedMs = Date.now()
  #round = 0
  #recoveryMsMax = 0

  constructor(options: TortureOptions) {
    this.#options = options
  }

  async run(): Promise<TortureResult> {
    const places: ClusterServer[] = []
    const world = new World(places)
    const { ledger } = world
    const configFile = join(this.#directory, 'geartrain.toml')
    writeFileSync(configFile, configuration)
    for (let i = 1; i <= serverCount; i++) {
      places.push(await ClusterServer.create(`s${i}`, { ledger, configFile, leaseMs }))
    }
    let database: Database | undefined
    try {
      database = await Database.start({
        moved: async (side, port) => void (await Promise.all(places.map((place) => place.moved(side, port)))),
        vanished: (side) => {
          for (const place of places) place.lost(side)
        },
      })
      await database.primary.query('CREATE DATABASE geartrain')
      const cluster = new Cluster(world, places, database, new Schedules(ledger), this.#options.seed)
      await cluster.start()
      await this.#rounds(cluster)
      await cluster.end()
      return await this.#result(ledger, places, database, cluster.schedules.tickCount)
    } finally {
      await Promise.all(places.map((place) => place.close()))
      await database?.remove()
      rmSync(this.#directory, { recursive: true, force: true })
    }
  }

  async #rounds(cluster: Cluster): Promise<void> {
    const { seed, rounds = Number.POSITIVE_INFINITY, untilMs = Number.POSITIVE_INFINITY } = this.#options
    const { onRound, isStopped = () => false } = this.#options
    while (!cluster.isOver && this.#round < rounds && Date.now() < untilMs && !isStopped()) {
      this.#round++
      const plan = drawRound(seed, this.#round, this.#options.kinds)
      await cluster.play(plan)
      this.#recoveryMsMax = cluster.recoveryMsMax
      onRound?.(this.#round, plan.events.map(showEvent).join(', '), cluster.seen)
    }
  }

  async #result(
    ledger: Ledger,
    places: readonly ClusterServer[],
    database: Database,
    ticks: number,
  ): Promise<TortureResult> {
    const { fault } = ledger
    const logs = fault && {
      ...Object.fromEntries(places.map(({ name, log }) => [`log of ${name}`, log.slice(-20)])),
      'log of the database': await database.log().catch(() => []),
      'tables of the database': await database.contents().catch((error: unknown) => [String(error)]),
    }
    return {
      seed: this.#options.seed,
      rounds: this.#round,
      durationMs: Date.now() - this.#startedMs,
      ticks,
      recoveryMsMax: this.#recoveryMsMax,
      seen: Object.fromEntries([...ledger.seen].sort(([one], [other]) => (one < other ? -1 : 1))),
      fault: fault && logs && { ...fault, logs },
    }
  }
}
