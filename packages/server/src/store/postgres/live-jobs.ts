import type { Priority } from '@geartrain/engine'
import type { ChangeOutcome, StoredChange } from '../store.ts'
import { ArrayWriter, bigints, ints } from './arrays.ts'
import { noteText, withNoteText } from './failure-text.ts'
import { positionOf } from './positions.ts'
import { isFree, isOurs } from './removals.ts'
import { fromName } from './summaries.ts'
import { type LineCounts, type Writing } from './writing.ts'

type Change<Kind extends StoredChange['kind']> = Extract<StoredChange, { kind: Kind }>

const retryAll = {
  name: 'retry',
  text: `
    WITH old AS MATERIALIZED (
      SELECT new.*, function_id, priority, position, jobs.attempts AS known
      FROM unnest($1::bigint[], $2::bigint[], $3::int[], $4::bigint[], $5::text[])
        AS new (number, run_at, attempts, failed_at, note)
      JOIN geartrain.jobs ON jobs.number = new.number WHERE ${isOurs('$6', '$7', '$8')}
      FOR UPDATE OF jobs
    ), noted AS (
      UPDATE geartrain.jobs SET
        attempts = old.attempts, failures = ${withNoteText('failures', 'known', 'note')}, expire_at = NULL,
        ready_at = CASE WHEN old.run_at = 0 THEN failed_at ELSE ready_at END,
        run_at = CASE WHEN old.run_at = 0 THEN jobs.run_at ELSE old.run_at END,
        position = CASE WHEN old.run_at = 0 THEN jobs.position ELSE 0 END,
        owner = CASE WHEN old.run_at = 0 THEN owner ELSE -$6::int END
      FROM old WHERE jobs.number = old.number AND old.attempts > known
    )
    SELECT number, function_id, priority, position > 0 AND run_at > 0 AND attempts > known FROM old`,
} as const

const prioritizeAll = {
  name: 'prioritize',
  text: `
    WITH old AS MATERIALIZED (
      SELECT new.*, function_id, priority, position, owner
      FROM unnest($1::bigint[], $2::smallint[]) WITH ORDINALITY AS new (number, line, place)
      JOIN geartrain.jobs ON jobs.number = new.number
      FOR UPDATE OF jobs
    ), moved AS (
      UPDATE geartrain.jobs SET
        priority = line, position = CASE WHEN old.position > 0 THEN ${positionOf('$3::bigint + place')} ELSE 0 END
      FROM old WHERE jobs.number = old.number AND old.priority <> line
    )
    SELECT number, function_id, name, priority, line, position > 0, owner
    FROM old JOIN geartrain.functions ON id = function_id`,
} as const

const hastenAll = {
  name: 'hasten',
  text: `
    UPDATE geartrain.jobs SET position = ${positionOf('$2::bigint + place')}, run_at = 0, ready_at = $3::bigint
    FROM unnest($1::bigint[]) WITH ORDINALITY AS new (number, place), geartrain.functions
    WHERE jobs.number = new.number AND position = 0 AND id = function_id
    RETURNING jobs.number, function_id, name, priority`,
} as const

const releaseAll = {
  name: 'release',
  text: `
    WITH released AS (
      UPDATE geartrain.jobs SET owner = -$2::int WHERE number = ANY($1::bigint[]) AND owner = $2::int AND position > 0
      RETURNING function_id, priority
    )
    SELECT name, priority FROM released JOIN geartrain.functions ON id = function_id GROUP BY name, priority`,
} as const

const discardAll = {
  name: 'discard',
  text: `
    DELETE FROM geartrain.jobs WHERE number = ANY($1::bigint[]) AND ${isFree('$2')}
    RETURNING number, function_id, priority, position > 0`,
} as const

type Retried = [number: number, functionId: number, priority: Priority, isDelayedNow: boolean]
type Prioritized = [
  number: number,
  functionId: number,
  name: Buffer,
  from: Priority,
  to: Priority,
  isReady: boolean,
  owner: number,
]
type Discarded = [number: number, functionId: number, priority: Priority, isReady: boolean]
type Hastened = [number: number, functionId: number, name: Buffer, priority: Priority]

/** What has become of the jobs that changes name: 'not found' of those that are not here. */
export type Outcomes = Map<number, ChangeOutcome>

/** An attempt of each has ended here, and another one follows. No number comes twice, as in all that is below. */
export async function retry(writing: Writing, changes: readonly Change<'retry'>[]): Promise<Outcomes> {
  const [numbers, runAt, attempts] = [new ArrayWriter('bigint'), new ArrayWriter('bigint'), new ArrayWriter('int')]
  const [failedAt, notes] = [new ArrayWriter('bigint'), new ArrayWriter('text')]
  for (const change of changes) {
    numbers.addBigint(change.number)
    runAt.addBigint(change.runAt)
    attempts.addInt(change.attempts)
    failedAt.addBigint(change.failure.at)
    notes.addText(noteText(change.failure))
  }
  const values = [numbers, runAt, attempts, failedAt, notes].map((each) => each.written())
  const { rows } = await writing.run<Retried>(retryAll, ...values, ...writing.owners)
  const outcomes: Outcomes = new Map()
  for (const [number, functionId, priority, isDelayedNow] of rows) {
    outcomes.set(number, 'done')
    if (!isDelayedNow) continue
    writing.counts.live(functionId, priority, true, -1)
    writing.counts.live(functionId, priority, false, 1)
  }
  return outcomes
}

/** They go to the ends of other lines, whoever has them. */
export async function prioritize(writing: Writing, changes: readonly Change<'prioritize'>[]): Promise<Outcomes> {
  const [numbers, lines] = [new ArrayWriter('bigint'), new ArrayWriter('smallint')]
  for (const { number, priority } of changes) {
    numbers.addBigint(number)
    lines.addSmallint(priority)
  }
  const first = writing.positions.take(changes.length + 1)
  const { rows } = await writing.run<Prioritized>(prioritizeAll, numbers.written(), lines.written(), first)
  const outcomes: Outcomes = new Map()
  for (const [number, functionId, name, from, to, isReady, owner] of rows) {
    outcomes.set(number, 'done')
    writing.counts.live(functionId, from, isReady, -1)
    writing.counts.live(functionId, to, isReady, 1)
    if (isReady && writing.isFree(owner)) writing.isReady(fromName(name), to)
  }
  return outcomes
}

/** Those that are delayed become ready, at the ends of their lines. */
export async function hasten(
  writing: Writing,
  changes: readonly Change<'hasten'>[],
  promoted: LineCounts,
): Promise<Outcomes> {
  const first = writing.positions.take(changes.length + 1)
  const numbers = bigints(changes.map(({ number }) => number))
  const { rows } = await writing.run<Hastened>(hastenAll, numbers, first, writing.tx.now)
  const outcomes: Outcomes = new Map()
  for (const [number, functionId, column, priority] of rows) {
    const name = fromName(column)
    outcomes.set(number, 'done')
    writing.counts.live(functionId, priority, false, -1)
    writing.counts.live(functionId, priority, true, 1)
    promoted.add(name, priority, 1)
    writing.isReady(name, priority)
  }
  return outcomes
}

/** Jobs that this server has and has not begun are anybody's. */
export async function release(writing: Writing, numbers: Float64Array): Promise<void> {
  const { rows } = await writing.run<[name: Buffer, priority: Priority]>(
    releaseAll,
    bigints(numbers),
    writing.tx.serverId,
  )
  for (const [name, priority] of rows) writing.isReady(fromName(name), priority)
}

/** Those that nobody has end. */
export async function discard(writing: Writing, numbers: readonly number[]): Promise<Outcomes> {
  const { rows } = await writing.run<Discarded>(discardAll, bigints(numbers), ints(writing.tx.ended))
  for (const [, functionId, priority, isReady] of rows) writing.counts.live(functionId, priority, isReady, -1)
  return new Map(rows.map(([number]) => [number, 'done']))
}
