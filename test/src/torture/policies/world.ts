import type { IncomingPacket } from '../../simulation/incoming.ts'
import { Connection } from './connection.ts'
import { Ledger } from './ledger.ts'

/** How often it is looked whether what is waited for has come. */
const lookMs = 5

/** What all who take part share. */
export class World {
  readonly ledger = new Ledger()
  port = 0
  readonly connections = new Set<Connection>()
  #connectionCount = 0

  get isOver(): boolean {
    return this.ledger.fault !== undefined
  }

  connect(kind: string, onPacket: (packet: IncomingPacket) => void): Connection {
    const name = `${kind}${++this.#connectionCount}`
    const connection = new Connection(this.port, name, {
      onPacket: (packet) => {
        if (packet.name === 'ERROR') this.ledger.fail('k', `${name} is told ${packet.args.join(': ')}`)
        else onPacket(packet)
      },
      onNonsense: (what) => this.ledger.fail('k', `${name}: ${what}`),
    })
    this.connections.add(connection)
    void connection.closed.then(() => this.connections.delete(connection))
    return connection
  }

  /**
   * False if it does not come true in time, or something is wrong. The time is counted in looks: a machine that stands
   * still for a while is not the server's fault.
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
