import { setTimeout } from 'node:timers/promises'
import { PostgresProcess } from '../../support/postgres/postgres-process.ts'
import type { Settings } from '../../support/postgres/settings.ts'
import { type FailOver, leaseMs } from './plan.ts'

const settings: Settings = { fsync: 'on', shared_buffers: '32MB' }

/** So long a primary that has been replaced goes on: long enough for servers to lose their leases at the new one. */
const wokenMs = leaseMs + 1500

/** Between servers and database. */
export interface Network {
  /** A side is at this port from then on. */
  moved(side: number, port: number): Promise<void>
  /** Nothing more is heard of a side, until it has moved. */
  vanished(side: number): void
}

/** A primary and a standby that its commits wait for. Where each runs is one of two sides, which stay. */
export class Database {
  readonly #network: Network
  readonly #sides: [PostgresProcess, PostgresProcess | undefined]
  #primarySide = 0
  #standbyCount = 1

  private constructor(primary: PostgresProcess, network: Network) {
    this.#sides = [primary, undefined]
    this.#network = network
  }

  static async start(network: Network): Promise<Database> {
    const database = new Database(await PostgresProcess.start({ settings }), network)
    await network.moved(0, database.primary.port)
    await database.#addStandby()
    return database
  }

  get primary(): PostgresProcess {
    const primary = this.#sides[this.#primarySide]
    if (primary === undefined) throw new Error('there is no primary')
    return primary
  }

  /** The primary is lost, and after a while the standby takes its place: it is primary when that is told. */
  async failOver(how: FailOver, takeOverAfterMs: number, onTakenOver: () => void): Promise<void> {
    const old = this.primary
    const oldSide = this.#primarySide
    const standby = this.#sides[1 - oldSide]
    if (standby === undefined) throw new Error('there is no standby')
    if (how === 'vanished') this.#network.vanished(oldSide)
    if (how === 'woken') await old.pause()
    else await old.kill()
    await setTimeout(takeOverAfterMs)
    await standby.promote()
    this.#primarySide = 1 - oldSide
    onTakenOver()
    if (how === 'woken') {
      old.resume()
      await setTimeout(wokenMs)
      await old.kill()
    }
    this.#sides[oldSide] = undefined
    await old.remove()
  }

  /** After a fail-over. */
  async addStandby(): Promise<void> {
    if (this.#sides[1 - this.#primarySide] === undefined) await this.#addStandby()
  }

  /** The primary's process dies, and comes back on its data. */
  async restart(): Promise<void> {
    await this.primary.kill()
    await this.primary.startAgain()
  }

  async pause(ms: number): Promise<void> {
    const { primary } = this
    await primary.pause()
    await setTimeout(ms)
    primary.resume()
  }

  /** What is left in it: for the person who has to find out what went wrong, not for the ledger. */
  async contents(): Promise<string[]> {
    const rows = await this.primary.query<{ readonly row: string }>(
      `(SELECT 'job ' || jobs.number || ' of ' || convert_from(functions.name, 'UTF8') || ', owner ' || owner || ', attempts ' || attempts
            || ', position ' || position || ', run_at ' || run_at || ', ' || convert_from(workload, 'UTF8') AS row
          FROM geartrain.jobs JOIN geartrain.functions ON functions.id = function_id ORDER BY jobs.number LIMIT 20)
        UNION ALL
        (SELECT 'server ' || id || ' ' || name || ', batch ' || batch || CASE WHEN ended THEN ', ended' ELSE ', lease until ' || lease_until END
          FROM geartrain.servers ORDER BY id DESC LIMIT 15)
        UNION ALL (SELECT role || ': ' || server_id FROM geartrain.roles)`,
      [],
      'geartrain',
    )
    return rows.map(({ row }) => row)
  }

  /** The end of the primary's log. */
  async log(): Promise<string[]> {
    return (await this.primary.log()).split('\n').slice(-15)
  }

  async remove(): Promise<void> {
    for (const side of this.#sides) side?.resume()
    for (const side of this.#sides) await side?.remove()
  }

  async #addStandby(): Promise<void> {
    const side = 1 - this.#primarySide
    const standby = await this.primary.addStandby({ name: `standby${++this.#standbyCount}`, synchronous: true })
    this.#sides[side] = standby
    await this.#network.moved(side, standby.port)
  }
}
