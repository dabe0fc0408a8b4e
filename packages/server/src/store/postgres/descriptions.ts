import type { DeathReason, Priority } from '@geartrain/engine'
import { readNotes } from '../failure-notes.ts'
import type { StoredDescription, StoreRequest } from '../store.ts'
import type { Link, Statement } from './link.ts'
import { fromName, isAnothers, type Members, toName } from './summaries.ts'
import { keyOfName } from './unique-key.ts'

type Row = [
  number: number,
  name: Buffer,
  unique: Buffer,
  priority: Priority,
  reducer: Buffer | null,
  then: Buffer | null,
  submittedAt: number,
  attempts: number,
  failures: string | null,
  state: StoredDescription['state'],
  runAt: number,
  expireAt: number | null,
  options: Buffer | null,
  trace: Buffer | null,
  workload: Buffer | null,
  endedAt: number,
  keepUntil: number,
  reason: DeathReason | null,
  result: Buffer | null,
  numerator: number,
  denominator: number,
  owner: number,
]

/** What every table with jobs has. */
const common = `
  number, name, unique_name, priority, reducer, then_function, submitted_at, attempts, failures`

/** A job is in one of three tables. All of them are looked at at one instant: it may go from one to another. */
const describeChosen = `
  SELECT ${common}, CASE WHEN run_at > 0 THEN 'delayed' ELSE 'ready' END AS state, run_at, expire_at, options, trace, workload,
    0::bigint AS ended_at, 0::bigint AS keep_until, NULL AS reason, NULL::bytea AS result,
    0::bigint AS numerator, 0::bigint AS denominator, owner
  FROM geartrain.jobs JOIN geartrain.functions ON id = function_id WHERE number = (SELECT chosen.number FROM chosen)
  UNION ALL
  SELECT ${common}, 'dead', 0, NULL, options, trace, workload, died_at, keep_until, reason, NULL, 0, 0, 0
  FROM geartrain.dead JOIN geartrain.functions ON id = function_id WHERE number = (SELECT chosen.number FROM chosen)
  UNION ALL
  SELECT ${common}, outcome, 0, NULL, NULL, NULL, NULL, ended_at, keep_until, NULL,
    CASE WHEN keep_until > 0 THEN data END, numerator, denominator, 0
  FROM geartrain.results JOIN geartrain.functions ON id = function_id WHERE number = (SELECT chosen.number FROM chosen)`

/** Added to, a number is not looked for from the highest one of all on, but among those with the unique. */
const lastIn = (table: string) => `
  (SELECT max(number + 0) FROM geartrain.${table}
   WHERE unique_key = $1 AND ($2::bytea IS NULL OR function_id = (SELECT id FROM geartrain.functions WHERE name = $2)))`

const byNumber: Statement = {
  name: 'describe',
  text: `WITH chosen AS MATERIALIZED (SELECT $1::bigint AS number) ${describeChosen}`,
}
/** One that has not ended, or else the one that came last. */
const byUnique: Statement = {
  name: 'describe unique',
  text: `
    WITH chosen AS MATERIALIZED (
      SELECT coalesce(${lastIn('jobs')}, greatest(${lastIn('dead')}, ${lastIn('results')})) AS number
    ) ${describeChosen}`,
}

/** All that is known of one job, in whichever table it is. */
export async function describe(link: Link, members: Members, number: number): Promise<StoredDescription | undefined> {
  const { rows } = await link.run<Row>(byNumber, number)
  return rows[0] && toDescription(rows[0], members)
}

export async function describeUnique(
  link: Link,
  members: Members,
  { unique, function: name }: Extract<StoreRequest, { kind: 'describe unique' }>,
): Promise<StoredDescription | undefined> {
  const key = keyOfName(unique)
  if (key === null) return undefined
  const { rows } = await link.run<Row>(byUnique, key, name === undefined ? null : toName(name))
  return rows[0] && toDescription(rows[0], members)
}

function toDescription(row: Readonly<Row>, members: Members): StoredDescription {
  const [number, name, unique, priority, reducer, then, submittedAt, attempts, failures, state, runAt, expireAt] = row
  const [, , , , , , , , , , , , options, trace, workload, endedAt, keepUntil, reason, result] = row
  return {
    number,
    function: fromName(name),
    unique: fromName(unique),
    priority,
    reducer: fromName(reducer),
    then: fromName(then),
    submittedAt,
    attempts,
    failures: readNotes(failures),
    state,
    runAt,
    expireAt: expireAt ?? 0,
    options: fromName(options),
    trace: fromName(trace),
    workload: toBytes(workload),
    endedAt,
    keepUntil,
    reason: reason ?? undefined,
    result: toBytes(result),
    numerator: row[19],
    denominator: row[20],
    ...(isAnothers(row[21], members) ? { claimedBy: row[21] } : {}),
  }
}

/** In a buffer of their own. */
function toBytes(column: Buffer | null): Uint8Array | undefined {
  return column === null ? undefined : new Uint8Array(column)
}
