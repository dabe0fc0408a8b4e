import type { Priority } from '@geartrain/engine'
import type { BatchResult } from '../store.ts'
import { ints } from './arrays.ts'
import { Counts } from './counts.ts'
import { type Answered, type Link, type Statement, started, type Value } from './link.ts'
import { Positions } from './positions.ts'
import type { Transaction } from './transaction.ts'

/** A batch while its writes are done: what all of its parts use. */
export class Writing implements Link {
  readonly tx: Transaction
  readonly counts: Counts = new Counts()
  readonly positions: Positions

  constructor(tx: Transaction) {
    this.tx = tx
    this.positions = new Positions(this)
  }

  run<Row extends readonly unknown[]>(statement: Statement, ...values: readonly Value[]): Promise<Answered<Row>> {
    return started(this.tx.link.run<Row>(statement, ...values))
  }

  /** As isOurs wants them. */
  get owners(): [serverId: number, former: Buffer, ended: Buffer] {
    const { serverId, former, ended } = this.tx
    return [serverId, ints(former), ints(ended)]
  }

  /** There are jobs in this line that nobody has claimed. */
  isReady(name: string, priority: Priority): void {
    const key = `${priority} ${name}`
    if (!this.tx.ready.has(key)) this.tx.ready.set(key, { function: name, priority })
  }

  /** Of a job: nobody has it, or somebody who is gone. */
  isFree(owner: number): boolean {
    return owner <= 0 || this.tx.ended.includes(owner)
  }
}

/** How many jobs have come into which lines. */
export class LineCounts {
  readonly #counts = new Map<string, { readonly function: string; readonly priority: Priority; count: number }>()

  add(name: string, priority: Priority, count: number): void {
    const key = `${priority} ${name}`
    const line = this.#counts.get(key)
    if (line === undefined) this.#counts.set(key, { function: name, priority, count })
    else line.count += count
  }

  get all(): BatchResult['promoted'] {
    return [...this.#counts.values()]
  }
}
