import type { StoredSummary, StoreRequest } from '../store.ts'
import { ints, names as toArray } from './arrays.ts'
import type { Link, Statement } from './link.ts'
import { isFree } from './removals.ts'
import {
  fromName,
  type Members,
  type SummaryRow,
  summaryColumns,
  toName,
  toPlainSummary,
  toSummary,
} from './summaries.ts'
import { keyOfName, uniqueKey } from './unique-key.ts'

const withFunctions = 'JOIN geartrain.functions ON id = function_id'
const select = `SELECT ${summaryColumns} FROM geartrain.jobs ${withFunctions}`

const byNumber: Statement = { name: 'find', text: `${select} WHERE number = $1` }
/** Added to, a number is not looked for from the lowest one of all on, but among those with the unique. */
const byUnique: Statement = {
  name: 'find unique',
  text: `${select} WHERE unique_key = $1 ORDER BY number + 0 LIMIT 1`,
}
const same: Statement = { name: 'find same', text: `${select} WHERE unique_key = $1 AND name = $2` }
const after: Statement = {
  name: 'list',
  text: `
    SELECT ${summaryColumns}
    FROM (SELECT * FROM geartrain.jobs WHERE number > $1 ORDER BY number LIMIT $2) AS listed ${withFunctions}
    ORDER BY number`,
}
/** Behind so many that are claimed, nobody looks for the first one in a line that is not. */
const claimedMax = 20_000

/** The first in each line that is not claimed by a server that lives. */
const oldest: Statement = {
  name: 'oldest ready',
  text: `
    SELECT asked.place, min(first.ready_at)
    FROM unnest($1::bytea[]) WITH ORDINALITY AS asked (name, place)
    JOIN geartrain.functions USING (name)
    CROSS JOIN (VALUES (0::smallint), (1::smallint), (2::smallint)) AS lines (priority)
    CROSS JOIN LATERAL (
      SELECT ready_at
      FROM (
        SELECT position, owner, coalesce(ready_at, submitted_at) AS ready_at FROM geartrain.jobs
        WHERE function_id = functions.id AND jobs.priority = lines.priority AND position > 0
        ORDER BY position LIMIT ${claimedMax}
      ) AS line
      WHERE ${isFree('$2')}
      ORDER BY position LIMIT 1
    ) AS first
    WHERE first.ready_at > 0 GROUP BY asked.place`,
}
const dead: Statement = {
  name: 'count dead',
  text: `
    SELECT name, sum(dead)::bigint FROM geartrain.counts ${withFunctions}
    GROUP BY name HAVING sum(dead) > 0`,
}

/** Also one that is claimed. */
export async function find(
  link: Link,
  members: Members,
  request: Extract<StoreRequest, { kind: 'find' | 'find unique' | 'find same' }>,
): Promise<StoredSummary | undefined> {
  const asked = toLookUp(request)
  const { rows } = asked === undefined ? { rows: [] } : await link.run<SummaryRow>(asked.statement, ...asked.values)
  return rows[0] && toSummary(rows[0], members)
}

/** Undefined: no job can be found so. */
function toLookUp(request: Parameters<typeof find>[2]) {
  if (request.kind === 'find') return { statement: byNumber, values: [request.number] }
  const { unique } = request
  const key = request.kind === 'find unique' ? keyOfName(unique) : uniqueKey(unique, request.workload)
  if (key === null) return undefined
  if (request.kind === 'find unique') return { statement: byUnique, values: [key] }
  return { statement: same, values: [key, toName(request.function)] }
}

export async function list(link: Link, number: number, jobsMax: number): Promise<StoredSummary[]> {
  const { rows } = await link.run<SummaryRow>(after, number, jobsMax)
  return rows.map(toPlainSummary)
}

/** For each name, of the first in each of the function's lines that is not claimed, the lowest time; 0: there is none. */
export async function oldestReady(link: Link, { ended }: Members, names: readonly string[]): Promise<number[]> {
  const { rows } = await link.run<[place: number, readyAt: number]>(oldest, toArray(names), ints(ended))
  const times = new Map(rows)
  return names.map((_, index) => times.get(index + 1) ?? 0)
}

/** Of functions that have dead jobs. */
export async function countDead(link: Link): Promise<{ name: string; count: number }[]> {
  const { rows } = await link.run<[name: Buffer, count: number]>(dead)
  return rows.map(([name, count]) => ({ name: fromName(name), count }))
}
