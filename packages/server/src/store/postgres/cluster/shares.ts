import type { LimitDemand, LimitShare } from '../../cluster.ts'
import type { Connection } from '../connection.ts'
import type { Statement } from '../link.ts'
import { nextPart, type Part } from './division.ts'
import { LeaseLost } from './lease-lost.ts'
import { lockShares, readShares, type ShareChange, type ShareRow, takeSharesAlong, writeShares } from './share-rows.ts'

const intMax = 2 ** 31 - 1
/** Who gets what is left over when a limit is divided changes so often. */
const turnMs = 30_000
/** A part of a limit that is not named any more is kept so long, if nobody else wants it. */
const idleMs = 10_000

const isAlive: Statement = {
  name: 'shares_is_alive',
  text: 'SELECT id FROM geartrain.servers WHERE id = $1 AND NOT ended',
}

type Target = Pick<ShareRow, 'concurrency' | 'rate'>

/** What this server may use of a limit. */
interface Told extends Target {
  /** It was lowered, and the demand that says what runs since then has not come yet. */
  readonly isLowered: boolean
}

/** What is to be told of one limit, and what is to be written. */
interface Plan {
  readonly function: string
  /** Of what is written by then, what this server is to use. */
  readonly target: Target
  /** What it has of it by now. */
  readonly has: Target
  /** Undefined: what is written is right. */
  readonly change: ShareChange | undefined
}

/** A limit that was named, and is not now: nothing of it runs. */
interface Idle {
  readonly demand: LimitDemand
  /** Undefined: no round was made since then. */
  since: number | undefined
}

interface Round {
  readonly serverId: number
  readonly demands: readonly LimitDemand[]
  readonly turn: number
}

const none = { concurrency: 0, rate: 0, wanted: 0 }
/** Until it was told something, nobody knows what it uses. */
const untold: Told = { concurrency: Infinity, rate: Infinity, isLowered: false }

/**
 * This server's parts of the limits that hold for all servers together. What the table says that those who live have is
 * never more than the limit, and nobody uses more than it has there: a part is raised under a lock, by what is free, and
 * told then; it is lowered by telling it first, and written when the server has said what it runs since.
 */
export class Shares {
  readonly #onShares: (shares: readonly LimitShare[]) => void
  #demands: readonly LimitDemand[] = []
  readonly #idle = new Map<string, Idle>()
  readonly #told = new Map<string, Told>()
  #hasToldAny = false
  /** There may be rows of this server. */
  #hasRows = true

  constructor(onShares: (shares: readonly LimitShare[]) => void) {
    this.#onShares = onShares
  }

  demand(demands: readonly LimitDemand[]): void {
    for (const demand of this.#demands) {
      this.#idle.set(demand.function, { demand: { ...demand, running: 0, wanted: 0 }, since: undefined })
    }
    for (const demand of demands) this.#idle.delete(demand.function)
    this.#demands = demands
    for (const [name, told] of this.#told) this.#told.set(name, { ...told, isLowered: false })
  }

  /** There is nothing to look at. */
  get isIdle(): boolean {
    return this.#demands.length === 0 && this.#idle.size === 0 && !this.#hasRows
  }

  /**
   * Looks what all have and want, and takes or gives back what is due. `before`: the id that this server had, whose parts
   * it takes along. True: others may want to look now. Throws LeaseLost.
   */
  async round(
    connection: Connection,
    serverId: number,
    before: number | undefined,
    databaseMs: number,
  ): Promise<boolean> {
    // What this server uses from an earlier lease it may use no longer.
    if (!this.#hasToldAny) this.#tell()
    const round = { serverId, demands: this.#allDemands(databaseMs), turn: Math.floor(databaseMs / turnMs) }
    const functions = round.demands.map((demand) => demand.function)
    let plans = this.#plan(round, await readShares(connection, serverId, functions))
    if (plans.some(isChange)) {
      plans = await connection.transact(async (link) => {
        const locked = lockShares(link, functions)
        const taken = before === undefined ? undefined : takeSharesAlong(link, before, serverId, functions)
        const alive = link.run(isAlive, serverId)
        const [rows, { count }] = await Promise.all([readShares(link, serverId, functions), alive, locked, taken])
        if (count === 0) throw new LeaseLost()
        const decided = this.#plan(round, rows)
        await writeShares(
          link,
          serverId,
          decided.flatMap(({ change }) => change ?? []),
        )
        return decided
      })
    }
    this.#hasRows = plans.length > 0
    this.#raise(plans)
    this.#forgetIdle(databaseMs)
    return plans.some(isChange)
  }

  #allDemands(databaseMs: number): LimitDemand[] {
    const idle = [...this.#idle.values()].map((each) => {
      each.since ??= databaseMs
      // As if it were a limit of 0: it is given back like any that is lowered.
      return isOver(each, databaseMs) ? { ...each.demand, concurrency: 0, rate: 0 } : each.demand
    })
    return [...this.#demands, ...idle]
  }

  #forgetIdle(databaseMs: number): void {
    for (const [name, idle] of this.#idle) {
      const told = this.#told.get(name) ?? untold
      if (!isOver(idle, databaseMs) || told.isLowered || told.concurrency > 0 || told.rate > 0) continue
      this.#idle.delete(name)
      this.#told.delete(name)
    }
  }

  #plan({ serverId, demands, turn }: Round, rows: ReadonlyMap<string, readonly ShareRow[]>): Plan[] {
    const plans = demands.map((demand) => this.#planOne(demand, rows.get(demand.function) ?? [], serverId, turn))
    this.#lower(plans)
    const named = new Set(demands.map((demand) => demand.function))
    const unnamed = [...rows.keys()].filter((name) => !named.has(name))
    return [
      ...plans,
      ...unnamed.map((name) => ({
        function: name,
        target: none,
        has: none,
        change: { function: name, row: undefined },
      })),
    ]
  }

  #planOne(demand: LimitDemand, rows: readonly ShareRow[], serverId: number, turn: number): Plan {
    const { function: name, concurrency, rate, running } = demand
    const own = rows.find((row) => row.serverId === serverId)
    const now = { ...(own ?? none), serverId, wanted: Math.min(running + demand.wanted, intMax) }
    const all = [now, ...rows.filter((row) => row !== own)]
    const target = {
      concurrency: concurrency === Infinity ? Infinity : nextPart(concurrency, all.map(slots), serverId, turn, true),
      rate:
        rate === Infinity
          ? Infinity
          : nextPart(
              rate,
              all.map((row) => perSecond(row, rate)),
              serverId,
              turn,
              false,
            ),
    }
    const told = this.#told.get(name) ?? untold
    const isTold = !told.isLowered && told.concurrency <= target.concurrency && told.rate <= target.rate
    const row = {
      ...now,
      concurrency: Math.max(target.concurrency, isTold ? Math.min(running, now.concurrency) : now.concurrency),
      rate: Math.max(target.rate, isTold ? 0 : now.rate),
    }
    const has = {
      concurrency: concurrency === Infinity ? Infinity : now.concurrency,
      rate: rate === Infinity ? Infinity : now.rate,
    }
    const written = isNothing(row, demand) ? undefined : row
    const isRight = written === undefined || own === undefined ? written === own : isAlike(own, written, demand)
    return { function: name, target, has, change: isRight ? undefined : { function: name, row: written } }
  }

  /** Before anything is written. */
  #lower(plans: readonly Plan[]): void {
    let isLowered = false
    for (const { function: name, target, has } of plans) {
      const told = this.#told.get(name) ?? untold
      const concurrency = Math.min(told.concurrency, target.concurrency, has.concurrency)
      const rate = Math.min(told.rate, target.rate, has.rate)
      if (told !== untold && concurrency === told.concurrency && rate === told.rate) continue
      this.#told.set(name, { concurrency, rate, isLowered: true })
      isLowered = true
    }
    if (isLowered) this.#tell()
  }

  /** After it is written. */
  #raise(plans: readonly Plan[]): void {
    let isRaised = false
    for (const { function: name, target } of plans) {
      const told = this.#told.get(name)
      // It is not named any more.
      if (told === undefined) continue
      if (told.concurrency === target.concurrency && told.rate === target.rate) continue
      this.#told.set(name, { ...told, concurrency: target.concurrency, rate: target.rate })
      isRaised = true
    }
    if (isRaised) this.#tell()
  }

  #tell(): void {
    this.#hasToldAny = true
    const told = [...this.#told].map(([name, { concurrency, rate }]) => ({ function: name, concurrency, rate }))
    this.#onShares(told)
  }
}

function isOver({ since }: Idle, databaseMs: number): boolean {
  return since !== undefined && databaseMs - since >= idleMs
}

function isChange({ change }: Plan): boolean {
  return change !== undefined
}

function slots({ serverId, concurrency, wanted }: ShareRow): Part {
  // Of one that has heard of no limit yet, what it wants is the most that it may run.
  return { serverId, has: concurrency === Infinity ? wanted : concurrency, wanted }
}

/** Nobody knows how many a second it could begin: any number, if it could begin one. */
function perSecond(row: ShareRow, rate: number): Part {
  return { serverId: row.serverId, has: Math.min(row.rate, rate), wanted: row.wanted > 0 ? rate : 0 }
}

function isNothing(row: ShareRow, { concurrency, rate }: LimitDemand): boolean {
  return (
    row.wanted === 0 && (concurrency === Infinity || row.concurrency === 0) && (rate === Infinity || row.rate === 0)
  )
}

/** For the others: how many more it wants than it has counts, not how many. */
function isAlike(a: ShareRow, b: ShareRow, { rate }: LimitDemand): boolean {
  if (a.concurrency !== b.concurrency || a.rate !== b.rate) return false
  if (rate !== Infinity && a.wanted > 0 !== b.wanted > 0) return false
  return Math.max(a.wanted - a.concurrency, 0) === Math.max(b.wanted - b.concurrency, 0)
}
