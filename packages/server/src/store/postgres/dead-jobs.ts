import type { Priority } from '@geartrain/engine'
import { type StoredChange, sweptMax } from '../store.ts'
import { ArrayWriter, bigints, ints } from './arrays.ts'
import { noteText, withNoteText } from './failure-text.ts'
import type { Outcomes } from './live-jobs.ts'
import { positionOf } from './positions.ts'
import { isExpired, isOurs } from './removals.ts'
import { fromName } from './summaries.ts'
import { uniqueKey } from './unique-key.ts'
import { type LineCounts, type Writing } from './writing.ts'

// The table `dead`.

type Bury = Extract<StoredChange, { kind: 'bury' }>
type Revive = Extract<StoredChange, { kind: 'revive' }>

const buryAll = {
  name: 'bury',
  text: `
    WITH gone AS (
      DELETE FROM geartrain.jobs
      USING unnest($1::bigint[], $2::text[], $3::bigint[], $4::int[], $5::bigint[], $6::text[])
        AS new (number, reason, died_at, attempts, keep_until, note)
      WHERE jobs.number = new.number
        AND (${isOurs('$7', '$8', '$9')} OR (new.reason = 'expired' AND ${isExpired('$9', 'new.died_at')}))
      RETURNING jobs.number, submitted_at, died_at, keep_until, unique_key, function_id, new.attempts,
        jobs.attempts AS known, priority, position, reason, unique_name, reducer, then_function, options, trace,
        failures, note, workload
    ), buried AS (
      INSERT INTO geartrain.dead (number, submitted_at, died_at, keep_until, unique_key, function_id, attempts, priority,
        reason, unique_name, reducer, then_function, options, trace, failures, workload)
      SELECT number, submitted_at, died_at, keep_until, unique_key, function_id, greatest(attempts, known), priority,
        reason, unique_name, reducer, then_function, options, trace,
        CASE WHEN note IS NULL OR attempts <= known THEN failures ELSE ${withNoteText('failures', 'known', 'note')} END,
        workload
      FROM gone
    )
    SELECT number, function_id, priority, position > 0 FROM gone`,
} as const

const trim = {
  name: 'dead trim',
  // The sum is what was so before this batch; $2 is what it has added.
  text: `
    WITH gone AS (
      DELETE FROM geartrain.dead USING unnest($1::int[], $2::bigint[]) AS of (id, added), LATERAL (
        SELECT number FROM geartrain.dead WHERE function_id = id ORDER BY died_at, number
        LIMIT greatest(0, added - $3::bigint + (SELECT coalesce(sum(dead), 0)::bigint FROM geartrain.counts WHERE function_id = id))
      ) AS oldest
      WHERE dead.number = oldest.number
      RETURNING function_id, priority
    )
    SELECT function_id, priority, count(*) FROM gone GROUP BY function_id, priority`,
} as const

const reviveAll = {
  name: 'revive',
  // Somebody has had them: a server that did, and is behind the times, must not take them for those that it had.
  text: `
    WITH old AS MATERIALIZED (
      SELECT dead.*, place, coalesce(new.workload, dead.workload) AS work,
        CASE WHEN unique_name = '-' AND new.workload IS NOT NULL THEN new_key ELSE unique_key END AS key
      FROM unnest($1::bigint[], $2::bytea[], $3::uuid[]) WITH ORDINALITY AS new (number, workload, new_key, place)
      JOIN geartrain.dead ON dead.number = new.number
      FOR UPDATE OF dead
    ), revived AS (
      INSERT INTO geartrain.jobs (number, position, run_at, submitted_at, ready_at, unique_key, function_id, owner,
        attempts, priority, unique_name, reducer, then_function, options, trace, workload)
      SELECT number, ${positionOf('$4::bigint + place')}, 0, submitted_at, $5::bigint, key, function_id, -$6::int,
        0, priority, unique_name, reducer, then_function, options, trace, work
      FROM old ORDER BY key, place
      ON CONFLICT DO NOTHING
      RETURNING number, function_id, priority
    ), gone AS (
      DELETE FROM geartrain.dead USING revived WHERE dead.number = revived.number
    )
    SELECT number, NULL, NULL, NULL FROM old
    UNION ALL
    SELECT number, function_id, priority, name FROM revived JOIN geartrain.functions ON id = function_id`,
} as const

const removeAll = {
  name: 'dead remove',
  text: 'DELETE FROM geartrain.dead WHERE number = ANY($1::bigint[]) RETURNING number, function_id, priority',
} as const

const sweepOver = {
  name: 'dead sweep',
  text: `
    WITH over AS MATERIALIZED (
      SELECT number FROM geartrain.dead WHERE keep_until <= $1::bigint
      ORDER BY keep_until, number LIMIT ${sweptMax} FOR UPDATE SKIP LOCKED
    ), gone AS (
      DELETE FROM geartrain.dead USING over WHERE dead.number = over.number RETURNING function_id, priority
    )
    SELECT function_id, priority, count(*) FROM gone GROUP BY function_id, priority`,
} as const

type Buried = [number: number, functionId: number, priority: Priority, isReady: boolean]
/** Only of those that were revived is there more than the number. */
type Revived =
  | [number: number, functionId: number, priority: Priority, name: Buffer]
  | [number: number, functionId: null]
type Removed = [number: number, functionId: number, priority: Priority]
type Gone = [functionId: number, priority: Priority, count: number]

/** Jobs have ended here. No number comes twice, and `deadMax` is the same in all. */
export async function bury(writing: Writing, changes: readonly Bury[]): Promise<Outcomes> {
  const [numbers, reasons, diedAt] = [new ArrayWriter('bigint'), new ArrayWriter('text'), new ArrayWriter('bigint')]
  const [attempts, keepUntil, notes] = [new ArrayWriter('int'), new ArrayWriter('bigint'), new ArrayWriter('text')]
  for (const change of changes) {
    numbers.addBigint(change.number)
    reasons.addText(change.reason)
    diedAt.addBigint(change.diedAt)
    attempts.addInt(change.attempts)
    keepUntil.addBigint(change.keepUntil)
    if (change.failure === undefined) notes.addNull()
    else notes.addText(noteText(change.failure))
  }
  const values = [numbers, reasons, diedAt, attempts, keepUntil, notes].map((each) => each.written())
  const { rows } = await writing.run<Buried>(buryAll, ...values, ...writing.owners)
  const outcomes: Outcomes = new Map()
  const functions = new Set<number>()
  for (const [number, functionId, priority, isReady] of rows) {
    outcomes.set(number, 'done')
    functions.add(functionId)
    writing.counts.live(functionId, priority, isReady, -1)
    writing.counts.of(functionId, priority).dead++
  }
  if (functions.size > 0) await trimOldest(writing, functions, changes[0]?.deadMax ?? 0)
  return outcomes
}

/** Of each function, those that have been dead for longest go. Not more than that, whoever else buries some meanwhile. */
async function trimOldest(writing: Writing, functions: ReadonlySet<number>, deadMax: number): Promise<void> {
  const added = bigints([...functions].map((id) => writing.counts.deadAdded(id)))
  count(writing, (await writing.run<Gone>(trim, ints(functions), added, deadMax)).rows)
}

/** They are ready as if they were new, but for those whose unique another job has by now. */
export async function revive(writing: Writing, changes: readonly Revive[], revived: LineCounts): Promise<Outcomes> {
  const [numbers, workloads, keys] = [new ArrayWriter('bigint'), new ArrayWriter('bytea'), new ArrayWriter('uuid')]
  for (const { number, workload } of changes) {
    numbers.addBigint(number)
    if (workload === undefined) workloads.addNull()
    else workloads.addBytes(workload)
    const key = workload === undefined ? null : uniqueKey('-', workload)
    if (key === null) keys.addNull()
    else keys.addBytes(key)
  }
  const first = writing.positions.take(changes.length + 1)
  const values = [numbers, workloads, keys].map((each) => each.written())
  const { rows } = await writing.run<Revived>(reviveAll, ...values, first, writing.tx.now, writing.tx.serverId)
  const outcomes: Outcomes = new Map()
  for (const row of rows) {
    if (row[1] === null) {
      if (!outcomes.has(row[0])) outcomes.set(row[0], 'joined')
      continue
    }
    const [number, functionId, priority, column] = row
    const name = fromName(column)
    outcomes.set(number, 'done')
    writing.counts.live(functionId, priority, true, 1)
    writing.counts.of(functionId, priority).dead--
    revived.add(name, priority, 1)
    writing.isReady(name, priority)
  }
  return outcomes
}

export async function removeDead(writing: Writing, numbers: readonly number[]): Promise<Outcomes> {
  const { rows } = await writing.run<Removed>(removeAll, bigints(numbers))
  for (const [, functionId, priority] of rows) writing.counts.of(functionId, priority).dead--
  return new Map(rows.map(([number]) => [number, 'done']))
}

/** Those whose time is over, and that no other server is at. */
export async function sweepDead(writing: Writing, now: number): Promise<void> {
  count(writing, (await writing.run<Gone>(sweepOver, now)).rows)
}

function count(writing: Writing, gone: readonly Gone[]): void {
  for (const [functionId, priority, dead] of gone) writing.counts.of(functionId, priority).dead -= dead
}
