import { bigints } from '../arrays.ts'
import type { Link, Statement } from '../link.ts'

const readMax = 1000

const read: Statement = {
  name: 'cancels_read',
  text: `SELECT number FROM geartrain.cancels WHERE server_id = $1 ORDER BY number LIMIT ${readMax}`,
}

const drop: Statement = {
  name: 'cancels_drop',
  text: 'DELETE FROM geartrain.cancels WHERE server_id = $1 AND number = ANY($2::int8[])',
}

const stillThere: Statement = {
  name: 'cancels_still_there',
  text: `
    SELECT c.number FROM geartrain.cancels c JOIN geartrain.servers s ON s.id = c.server_id AND NOT s.ended
    WHERE c.number = ANY($1::int8[])`,
}

/**
 * Jobs that were cancelled while a server had them. Whoever cancels one writes a row; the server that has it takes the
 * job from its worker, or begins it no more, and then removes the row. Until that is so, or that server's lease is over,
 * nobody is told that the job is cancelled.
 */
export class Cancels {
  /** By the number of the job. */
  readonly #waiting = new Map<number, (() => void)[]>()

  get isAwaited(): boolean {
    return this.#waiting.size > 0
  }

  whenDropped(number: number): Promise<void> {
    return new Promise((resolve) => {
      const known = this.#waiting.get(number)
      if (known === undefined) this.#waiting.set(number, [resolve])
      else known.push(resolve)
    })
  }

  /** Of jobs that this server has: `onCancelled` sees to them. True: there were some. */
  async take(link: Link, serverId: number, onCancelled: (numbers: readonly number[]) => void): Promise<boolean> {
    for (let isAny = false; ; isAny = true) {
      const { rows } = await link.run<[number]>(read, serverId)
      if (rows.length === 0) return isAny
      const numbers = rows.map(([number]) => number)
      onCancelled(numbers)
      // Not before: whoever waits goes by it.
      await link.run(drop, serverId, bigints(numbers))
      if (numbers.length < readMax) return true
    }
  }

  /** Of jobs that others have: who waits is told of those that they have dropped. */
  async look(link: Link): Promise<void> {
    if (!this.isAwaited) return
    const numbers = [...this.#waiting.keys()]
    const { rows } = await link.run<[number]>(stillThere, bigints(numbers))
    const left = new Set(rows.map(([number]) => number))
    for (const number of numbers) if (!left.has(number)) this.#tell(number)
  }

  /** This server's own lease is over: nobody here finds out any more. */
  giveUp(): void {
    for (const number of this.#waiting.keys()) this.#tell(number)
  }

  #tell(number: number): void {
    const waiting = this.#waiting.get(number) ?? []
    this.#waiting.delete(number)
    for (const resolve of waiting) resolve()
  }
}
