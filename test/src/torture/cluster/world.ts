import type { IncomingPacket } from '../../simulation/incoming.ts'
import { Random } from '../../simulation/random.ts'
import { Connection } from '../policies/connection.ts'
import { isRetried } from './functions.ts'
import { Ledger } from './ledger.ts'
import type { Life } from './life.ts'

/** How often it is looked whether what is waited for has come. */
const lookMs = 5

/** A place where a server runs, or did and will again: its port stays. */
export interface Place {
  readonly name: string
  readonly port: number
  /** Undefined: none runs there. */
  readonly life: Life | undefined
}

/** What all who take part share. */
export class World {
  readonly ledger = new Ledger(isRetried)
  readonly places: readonly Place[]
  readonly connections = new Set<Connection>()
  #connectionCount = 0

  constructor(places: readonly Place[]) {
    this.places = places
  }

  get isOver(): boolean {
    return this.ledger.fault !== undefined
  }

  /** To any server that runs, or to the one that is named. */
  connect(
    kind: string,
    random: Random,
    place: Place | undefined,
    onPacket: (packet: IncomingPacket) => void,
  ): { readonly connection: Connection; readonly life: Life } | undefined {
    const { port, life } = place ?? random.pick(this.places)
    if (life === undefined) return undefined
    const name = `${kind}${++this.#connectionCount}`
    const connection = new Connection(port, name, {
      onPacket,
      onNonsense: (what) => this.ledger.fail('i', `${name}: ${what}`),
    })
    this.connections.add(connection)
    void connection.closed.then(() => this.connections.delete(connection))
    return { connection, life }
  }

  /**
   * False if it does not come true in time, or something is wrong. The time is counted in looks: a machine that stands
   * still for a while is not the servers' fault.
   */
  until(isSo: () => boolean, withinMs: number): Promise<boolean> {
    let looksLeft = withinMs / lookMs
    return new Promise((resolve) => {
      const timer = setInterval(() => {
        if (!this.isOver && !isSo() && looksLeft-- > 0) return
        clearInterval(timer)
        resolve(!this.isOver && isSo())
      }, lookMs)
    })
  }
}

/** What a player does later, until it is stopped. */
export class Timers {
  readonly #timers = new Set<NodeJS.Timeout>()
  isStopped = false

  later(delayMs: number, act: () => void): void {
    if (this.isStopped) return
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      if (!this.isStopped) act()
    }, delayMs)
    this.#timers.add(timer)
  }

  stop(): void {
    this.isStopped = true
    for (const timer of this.#timers) clearTimeout(timer)
  }
}

export function fork(random: Random): Random {
  return new Random(random.between(0, 2 ** 40))
}
