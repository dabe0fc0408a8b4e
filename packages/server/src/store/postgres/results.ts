import type { Priority } from '@geartrain/engine'
import { type StoredChange, sweptMax } from '../store.ts'
import { ArrayWriter, bigints } from './arrays.ts'
import type { Outcomes } from './live-jobs.ts'
import { isOurs } from './removals.ts'
import type { Writing } from './writing.ts'

// The table `results`.

type Keep = Extract<StoredChange, { kind: 'keep' }>

const keepAll = {
  name: 'keep',
  text: `
    WITH gone AS (
      DELETE FROM geartrain.jobs
      USING unnest($1::bigint[], $2::text[], $3::bytea[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
        $8::bigint[]) AS new (number, outcome, data, numerator, denominator, ended_at, keep_until, join_until)
      WHERE jobs.number = new.number AND ${isOurs('$9', '$10', '$11')}
      RETURNING jobs.number, submitted_at, ended_at, keep_until, unique_key, function_id, attempts, numerator, denominator,
        priority, position, outcome, unique_name, reducer, then_function, failures, data,
        CASE WHEN unique_name IN ('', '-') THEN 0 ELSE join_until END AS unique_until
    ), kept AS (
      INSERT INTO geartrain.results (number, submitted_at, ended_at, keep_until, unique_until, sweep_at, unique_key,
        function_id, attempts, numerator, denominator, priority, outcome, unique_name, reducer, then_function, failures, data)
      SELECT number, submitted_at, ended_at, keep_until, unique_until,
        CASE WHEN keep_until = 0 THEN unique_until ELSE keep_until END,
        CASE WHEN unique_name <> '-' THEN unique_key END,
        function_id, attempts, numerator, denominator, priority, outcome, unique_name, reducer, then_function, failures, data
      FROM gone WHERE keep_until > 0 OR unique_until > 0
    )
    SELECT number, function_id, priority, position > 0, keep_until > 0 OR unique_until > 0 FROM gone`,
} as const

const recentAll = {
  name: 'results recent',
  text: `
    SELECT place - 1, (
      SELECT number FROM geartrain.results
      WHERE unique_key = key AND results.function_id = of.function_id AND unique_until > $3::bigint
      ORDER BY unique_until DESC, number DESC LIMIT 1)
    FROM unnest($1::uuid[], $2::int[]) WITH ORDINALITY AS of (key, function_id, place)`,
} as const

const removeReadable = {
  name: 'results remove',
  text: `
    DELETE FROM geartrain.results WHERE number = ANY($1::bigint[]) AND keep_until > 0 AND unique_until = 0
    RETURNING number, function_id, priority`,
} as const

const emptyReadable = {
  name: 'results empty',
  text: `
    UPDATE geartrain.results SET data = '', keep_until = 0, sweep_at = unique_until
    WHERE number = ANY($1::bigint[]) AND keep_until > 0 RETURNING number`,
} as const

const sweepOver = {
  name: 'results sweep',
  text: `
    WITH over AS MATERIALIZED (
      SELECT number, unique_until > $1::bigint AS stays FROM geartrain.results WHERE sweep_at <= $1::bigint
      ORDER BY sweep_at, number LIMIT ${sweptMax} FOR UPDATE SKIP LOCKED
    ), emptied AS (
      UPDATE geartrain.results SET data = '', keep_until = 0, sweep_at = unique_until
      FROM over WHERE results.number = over.number AND stays
    ), gone AS (
      DELETE FROM geartrain.results USING over WHERE results.number = over.number AND NOT stays
      RETURNING function_id, priority
    )
    SELECT function_id, priority, count(*) FROM gone GROUP BY function_id, priority`,
} as const

type Ended = [number: number, functionId: number, priority: Priority, isReady: boolean, isKept: boolean]
type Removed = [number: number, functionId: number, priority: Priority]
type Gone = [functionId: number, priority: Priority, count: number]

const noBytes = Buffer.alloc(0)

/** Jobs have ended here. No number comes twice. */
export async function keep(writing: Writing, changes: readonly Keep[]): Promise<Outcomes> {
  const [numbers, outcomeTexts, data] = [new ArrayWriter('bigint'), new ArrayWriter('text'), new ArrayWriter('bytea')]
  const sums = Array.from({ length: 5 }, () => new ArrayWriter('bigint'))
  for (const change of changes) {
    const { numerator, denominator, endedAt, keepUntil, uniqueUntil } = change
    numbers.addBigint(change.number)
    outcomeTexts.addText(change.outcome)
    data.addBytes(keepUntil === 0 ? noBytes : change.data)
    for (const [i, value] of [numerator, denominator, endedAt, keepUntil, uniqueUntil].entries()) {
      sums[i]?.addBigint(value)
    }
  }
  const values = [numbers, outcomeTexts, data, ...sums].map((each) => each.written())
  const { rows } = await writing.run<Ended>(keepAll, ...values, ...writing.owners)
  for (const [, functionId, priority, isReady, isKept] of rows) {
    writing.counts.live(functionId, priority, isReady, -1)
    if (isKept) writing.counts.of(functionId, priority).kept++
  }
  return new Map(rows.map(([number]) => [number, 'done']))
}

/** For each, by its place, the job that another one of this unique joins although it has ended. */
export async function findRecent(
  writing: Writing,
  wanted: readonly { readonly key: Buffer; readonly functionId: number }[],
): Promise<(number | null)[]> {
  const [keys, functions] = [new ArrayWriter('uuid'), new ArrayWriter('int')]
  for (const { key, functionId } of wanted) {
    keys.addBytes(key)
    functions.addInt(functionId)
  }
  const values = [keys.written(), functions.written()]
  const { rows } = await writing.run<[place: number, number: number | null]>(recentAll, ...values, writing.tx.now)
  const found: (number | null)[] = wanted.map(() => null)
  for (const [place, number] of rows) found[place] = number
  return found
}

/** What can be read of them. */
export async function removeResults(writing: Writing, numbers: readonly number[]): Promise<Outcomes> {
  const [removed, emptied] = await Promise.all([
    writing.run<Removed>(removeReadable, bigints(numbers)),
    writing.run<[number: number]>(emptyReadable, bigints(numbers)),
  ])
  for (const [, functionId, priority] of removed.rows) writing.counts.of(functionId, priority).kept--
  return new Map([...removed.rows, ...emptied.rows].map(([number]) => [number, 'done']))
}

/** Those whose times are over, and that no other server is at; of one that can still be joined, what can be read. */
export async function sweepResults(writing: Writing, now: number): Promise<void> {
  const { rows } = await writing.run<Gone>(sweepOver, now)
  for (const [functionId, priority, kept] of rows) writing.counts.of(functionId, priority).kept -= kept
}
