import type { Priority } from '@geartrain/engine'
import type { StoredFunction } from '../../store.ts'
import type { Link, Statement } from '../link.ts'

const counts: Statement = {
  name: 'totals_counts',
  text: `
    SELECT f.name, c.priority, c.ready, c.delayed, c.dead FROM geartrain.functions f JOIN (
      SELECT function_id, priority, sum(ready)::int8 AS ready, sum(delayed)::int8 AS delayed, sum(dead)::int8 AS dead
      FROM geartrain.counts GROUP BY function_id, priority) c ON c.function_id = f.id
    WHERE c.ready > 0 OR c.delayed > 0 OR c.dead > 0`,
}

/** Numbers from the last look on: no need to go through what has come and gone before. */
const ends: Statement = {
  name: 'totals_ends',
  text: `
    SELECT (SELECT run_at FROM geartrain.jobs WHERE run_at > 0 ORDER BY run_at, number LIMIT 1),
      (SELECT expire_at FROM geartrain.jobs WHERE expire_at IS NOT NULL ORDER BY expire_at, number LIMIT 1),
      greatest((SELECT max(number) FROM geartrain.jobs WHERE number > $1), (SELECT max(number) FROM geartrain.dead WHERE number > $1),
        (SELECT max(number) FROM geartrain.results WHERE number > $1))`,
}

export interface Totals {
  readonly functions: readonly StoredFunction[]
  /** Infinity: never. */
  readonly nextDueAt: number
  readonly nextExpiryAt: number
  /** The highest number of a job. */
  readonly highest: number
}

/** How many jobs there are, of all servers together. `highest`: as it was the last time. */
export async function readTotals(link: Link, highest = 0): Promise<Totals> {
  const [{ rows }, next] = await Promise.all([
    link.run<[Buffer, Priority, number, number, number]>(counts),
    link.run<[number | null, number | null, number | null]>(ends, highest),
  ])
  const functions = new Map<string, { name: string; ready: [number, number, number]; delayed: number; dead: number }>()
  for (const [bytes, priority, ready, delayed, dead] of rows) {
    const name = bytes.toString('latin1')
    const known = functions.get(name) ?? { name, ready: [0, 0, 0], delayed: 0, dead: 0 }
    known.ready[priority] = Math.max(ready, 0)
    known.delayed += Math.max(delayed, 0)
    known.dead += Math.max(dead, 0)
    functions.set(name, known)
  }
  const [dueAt, expiryAt, last] = next.rows[0] ?? [null, null, null]
  return {
    functions: [...functions.values()],
    nextDueAt: dueAt ?? Infinity,
    nextExpiryAt: expiryAt ?? Infinity,
    highest: last ?? highest,
  }
}
