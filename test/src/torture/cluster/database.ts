import { PostgresProcess } from '../../support/postgres/postgres-process.ts'
import type { Settings } from '../../support/postgres/settings.ts'

const settings: Settings = { fsync: 'on', shared_buffers: '32MB' }

/** A primary and a standby that its commits wait for. Where each runs is one of two sides, which stay. */
export class Database {
  readonly #onMoved: (side: number, port: number) => Promise<void>
  readonly #sides: [PostgresProcess, PostgresProcess | undefined]
  #primarySide = 0
  #standbyCount = 1

  private constructor(primary: PostgresProcess, onMoved: (side: number, port: number) => Promise<void>) {
    this.#sides = [primary, undefined]
    this.#onMoved = onMoved
  }

  /** `onMoved` is told the port at which a side is from then on. */
  static async start(onMoved: (side: number, port: number) => Promise<void>): Promise<Database> {
    const database = new Database(await PostgresProcess.start({ settings }), onMoved)
    await onMoved(0, database.primary.port)
    await database.#addStandby()
    return database
  }

  get primary(): PostgresProcess {
    const primary = this.#sides[this.#primarySide]
    if (primary === undefined) throw new Error('there is no primary')
    return primary
  }

  /** The machine of the primary dies; after a while the standby takes its place, and then another one follows it. */
  async failOver(takeOverAfterMs: number): Promise<void> {
    const dead = this.primary
    await dead.kill()
    await new Promise((resolve) => setTimeout(resolve, takeOverAfterMs))
    const otherSide = 1 - this.#primarySide
    const standby = this.#sides[otherSide]
    if (standby === undefined) throw new Error('there is no standby')
    await standby.promote()
    this.#sides[this.#primarySide] = undefined
    this.#primarySide = otherSide
    await dead.remove()
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
    await new Promise((resolve) => setTimeout(resolve, ms))
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
    await Promise.all(this.#sides.map((side) => side?.remove()))
  }

  async #addStandby(): Promise<void> {
    const side = 1 - this.#primarySide
    const standby = await this.primary.addStandby({ name: `standby${++this.#standbyCount}`, synchronous: true })
    this.#sides[side] = standby
    await this.#onMoved(side, standby.port)
  }
}
