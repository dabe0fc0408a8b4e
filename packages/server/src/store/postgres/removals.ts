import type { StoredSummary } from '../store.ts'
import { bigints, ints } from './arrays.ts'
import { addCounts } from './counts.ts'
import { type SummaryRow, summaryColumns, toPlainSummary } from './summaries.ts'
import type { Writing } from './writing.ts'

/**
 * In SQL: a job of which this server may say what has become of it: one that it has or has let go, under this id or one
 * that it had before, or that nobody had. What another one has, or has seen fail meanwhile, is left alone. A process that
 * has never lost an id is never behind the times: what it says of a job whose server is gone holds as well.
 */
export function isOurs(serverId: string, former: string, ended: string): string {
  return `(owner IN (0, ${serverId}::int, -${serverId}::int) OR abs(owner) = ANY(${former}::int[])
        OR (cardinality(${former}::int[]) = 0 AND owner = ANY(${ended}::int[])))`
}

/** In SQL: a job that nobody has, or somebody who is gone: anybody may have it. */
export function isFree(ended: string): string {
  return `(owner <= 0 OR owner = ANY(${ended}::int[]))`
}

/**
 * In SQL: a job that was not begun in its time, and that no server has which is alive. Whoever sees to such jobs for all
 * servers ends it.
 */
export function isExpired(ended: string, now: string): string {
  return `(expire_at <= ${now}::bigint AND ${isFree(ended)})`
}

type Cancelled = [...SummaryRow, functionId: number, isReady: boolean]

const forgetAll = {
  name: 'forget',
  text: `
    WITH gone AS (
      DELETE FROM geartrain.jobs
      WHERE number = ANY($1::bigint[]) AND (${isOurs('$2', '$3', '$4')} OR ${isExpired('$4', '$5')})
      RETURNING function_id, priority, position
    )
    ${addCounts(`
      SELECT $2::int, function_id, priority, -count(*) FILTER (WHERE position > 0), -count(*) FILTER (WHERE position = 0), 0, 0
      FROM gone GROUP BY function_id, priority`)}`,
} as const

const cancelAll = {
  name: 'cancel',
  text: `
    DELETE FROM geartrain.jobs USING geartrain.functions
    WHERE number = ANY($1::bigint[]) AND id = function_id
    RETURNING ${summaryColumns}, function_id, position > 0`,
} as const

const tellOwners = {
  name: 'cancel tell',
  text: `
    INSERT INTO geartrain.cancels (server_id, number) SELECT * FROM unnest($1::int[], $2::bigint[])
    ON CONFLICT (server_id, number) DO NOTHING`,
} as const

/**
 * Jobs of this server that have ended, or that nobody has begun in time and that are not to be kept. The statement counts
 * them itself: a batch that does nothing else waits for none of its answers.
 */
export function forget(writing: Writing, numbers: Float64Array): void {
  if (numbers.length > 0) void writing.run(forgetAll, bigints(numbers), ...writing.owners, writing.tx.now)
}

/** Jobs that end wherever they are: those that were there, in the order of the numbers. */
export async function cancel(writing: Writing, numbers: readonly number[]): Promise<StoredSummary[]> {
  if (numbers.length === 0) return []
  const { rows } = await writing.run<Cancelled>(cancelAll, bigints(numbers))
  const byNumber = new Map<number, StoredSummary>()
  const [owners, theirs]: [number[], number[]] = [[], []]
  for (const row of rows) {
    const [number, , , priority, , , owner, functionId, isReady] = row
    writing.counts.live(functionId, priority, isReady, -1)
    const isTheirs = owner !== writing.tx.serverId && !writing.isFree(owner)
    byNumber.set(number, isTheirs ? { ...toPlainSummary(row), claimedBy: owner } : toPlainSummary(row))
    if (!isTheirs) continue
    owners.push(owner)
    theirs.push(number)
  }
  if (theirs.length > 0) {
    await writing.run(tellOwners, ints(owners), bigints(theirs))
    writing.tx.areOthersCancelled = true
  }
  return [...new Set(numbers)].map((number) => byNumber.get(number)).filter((job) => job !== undefined)
}
