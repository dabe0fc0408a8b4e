import type { StoreState } from '../store.ts'
import { readTotals } from './cluster/totals.ts'
import { Documents } from './documents.ts'
import type { Link, Statement } from './link.ts'

/** Of the two tables, the earlier time. */
const nextSweep: Statement = {
  name: 'next sweep',
  text: `
    SELECT least(
      (SELECT keep_until FROM geartrain.dead ORDER BY keep_until, number LIMIT 1),
      (SELECT sweep_at FROM geartrain.results ORDER BY sweep_at, number LIMIT 1))`,
}

/** What the ledger holds when a server opens it. */
export async function readState(
  link: Link,
): Promise<Pick<StoreState, 'functions' | 'nextDueAt' | 'nextExpiryAt' | 'nextSweepAt' | 'documents'>> {
  const [{ functions, nextDueAt, nextExpiryAt }, sweepAt, documents] = await Promise.all([
    readTotals(link),
    nextSweepAt(link),
    new Documents().all(link),
  ])
  return { functions, nextDueAt, nextExpiryAt, nextSweepAt: sweepAt, documents }
}

/** When there is something to sweep away; Infinity if never. */
export async function nextSweepAt(link: Link): Promise<number> {
  const { rows } = await link.run<[number | null]>(nextSweep)
  return rows[0]?.[0] ?? Number.POSITIVE_INFINITY
}
