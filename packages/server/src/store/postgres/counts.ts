import type { Priority } from '@geartrain/engine'
import { ArrayWriter } from './arrays.ts'
import type { Link } from './link.ts'

interface Row {
  readonly functionId: number
  readonly priority: Priority
  ready: number
  delayed: number
  dead: number
  kept: number
}

/** In SQL: adds rows of a server, a function, a priority and four counts, each server's and line's once, to the table. */
export function addCounts(rows: string): string {
  return `
    INSERT INTO geartrain.counts AS known (server_id, function_id, priority, ready, delayed, dead, kept) ${rows}
    ON CONFLICT (function_id, priority, server_id) DO UPDATE SET ready = known.ready + excluded.ready,
      delayed = known.delayed + excluded.delayed, dead = known.dead + excluded.dead, kept = known.kept + excluded.kept`
}

const add = {
  name: 'counts add',
  text: addCounts(`
    SELECT $1::int, * FROM unnest($2::int[], $3::smallint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])`),
} as const

/** By how many rows a batch changes the tables of jobs, as far as its statements do not count themselves. */
export class Counts {
  readonly #rows = new Map<number, Row>()

  /** What is known of the jobs of a function and a priority: numbers to add to or take from. */
  of(functionId: number, priority: Priority): Row {
    const key = functionId * 3 + priority
    let row = this.#rows.get(key)
    if (row === undefined) {
      row = { functionId, priority, ready: 0, delayed: 0, dead: 0, kept: 0 }
      this.#rows.set(key, row)
    }
    return row
  }

  /** A job came into the table `jobs`, or with a count below 0 went out of it. */
  live(functionId: number, priority: Priority, isReady: boolean, count: number): void {
    const row = this.of(functionId, priority)
    if (isReady) row.ready += count
    else row.delayed += count
  }

  /** By how many there are more dead jobs of a function than before the batch. */
  deadAdded(functionId: number): number {
    const [high, normal, low] = [this.of(functionId, 0), this.of(functionId, 1), this.of(functionId, 2)]
    return high.dead + normal.dead + low.dead
  }

  /** When all that a batch does is counted. What it says is sent at once. */
  async write(link: Link, serverId: number): Promise<void> {
    const rows = [...this.#rows.values()].filter(
      ({ ready, delayed, dead, kept }) => ready !== 0 || delayed !== 0 || dead !== 0 || kept !== 0,
    )
    if (rows.length === 0) return
    const [functions, lines] = [new ArrayWriter('int'), new ArrayWriter('smallint')]
    const sums = Array.from({ length: 4 }, () => new ArrayWriter('bigint'))
    for (const { functionId, priority, ready, delayed, dead, kept } of rows) {
      functions.addInt(functionId)
      lines.addSmallint(priority)
      for (const [i, sum] of [ready, delayed, dead, kept].entries()) sums[i]?.addBigint(sum)
    }
    await link.run(add, serverId, ...[functions, lines, ...sums].map((each) => each.written()))
  }
}
