import type { Priority } from '@geartrain/engine'
import { promotedMax } from '../store.ts'
import type { Link } from './link.ts'
import { positionOf } from './positions.ts'
import { fromName } from './summaries.ts'
import { type LineCounts, type Writing } from './writing.ts'

type Promoted = [functionId: number, name: Buffer, priority: Priority, count: number]

const promoteDue = {
  name: 'promote',
  text: `
    WITH due AS MATERIALIZED (
      SELECT number, run_at FROM geartrain.jobs WHERE run_at > 0 AND run_at <= $1::bigint
      ORDER BY run_at, number LIMIT ${promotedMax} FOR UPDATE SKIP LOCKED
    ), placed AS (
      SELECT number, row_number() OVER (ORDER BY run_at, number) AS place FROM due
    ), promoted AS (
      UPDATE geartrain.jobs SET position = ${positionOf('$2::bigint + place')}, ready_at = run_at, run_at = 0
      FROM placed WHERE jobs.number = placed.number RETURNING function_id, priority
    ), counted AS (
      SELECT function_id, priority, count(*) AS count FROM promoted GROUP BY function_id, priority
    )
    SELECT function_id, name, priority, count FROM counted JOIN geartrain.functions ON id = function_id`,
} as const

const next = {
  name: 'promote next',
  text: 'SELECT run_at FROM geartrain.jobs WHERE run_at > 0 ORDER BY run_at, number LIMIT 1',
} as const

/** Lets delayed jobs become ready that are due by then and that no other server is at. */
export async function promote(writing: Writing, until: number, counts: LineCounts): Promise<void> {
  const first = writing.positions.take(promotedMax + 1)
  const { rows } = await writing.run<Promoted>(promoteDue, until, first)
  for (const [functionId, column, priority, count] of rows) {
    const name = fromName(column)
    const ofLine = writing.counts.of(functionId, priority)
    ofLine.delayed -= count
    ofLine.ready += count
    counts.add(name, priority, count)
    writing.isReady(name, priority)
  }
}

/** Infinity if there is no delayed job. */
export async function nextDueAt(link: Link): Promise<number> {
  return (await link.run<[runAt: number]>(next)).rows[0]?.[0] ?? Number.POSITIVE_INFINITY
}
