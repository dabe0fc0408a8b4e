import type { StoreAnswer, StoreRequest } from '../store.ts'
import type { Link, Statement } from './link.ts'
import { fromName, type Members, type SummaryRow, summaryColumns, toSummary } from './summaries.ts'

type ExpiredRow = [...SummaryRow, expireAt: number, options: Buffer | null]

const expired: Statement = {
  name: 'expired jobs',
  text: `
    SELECT ${summaryColumns}, expire_at, options
    FROM (
      SELECT * FROM geartrain.jobs
      WHERE expire_at <= $1 AND (expire_at, number) > ($2, $3) ORDER BY expire_at, number LIMIT $4
    ) AS listed
    JOIN geartrain.functions ON id = function_id
    ORDER BY expire_at, number`,
}
const next: Statement = {
  name: 'next expiry',
  text: `
    SELECT expire_at FROM geartrain.jobs
    WHERE expire_at IS NOT NULL AND (expire_at, number) > ($1, $2) ORDER BY expire_at, number LIMIT 1`,
}

/** Jobs that should have begun by some time, in the order of these times. */
export async function listExpired(
  link: Link,
  members: Members,
  { until, after, jobsMax }: Extract<StoreRequest, { kind: 'list expired' }>,
): Promise<Extract<StoreAnswer, { kind: 'list expired' }>> {
  const from = after ?? { expireAt: 0, number: 0 }
  const { rows } = await link.run<ExpiredRow>(expired, until, from.expireAt, from.number, jobsMax)
  const jobs = rows.map((row) => {
    const [, , , , , , , expireAt, options] = row
    return { ...toSummary(row, members), expireAt, options: fromName(options) }
  })
  return { kind: 'list expired', jobs, nextExpiryAt: await nextExpiryAt(link, jobs.at(-1) ?? from) }
}

/** Of those behind that one; Infinity if there is none. */
async function nextExpiryAt(
  link: Link,
  { expireAt, number }: { readonly expireAt: number; readonly number: number } = { expireAt: 0, number: 0 },
): Promise<number> {
  const { rows } = await link.run<[number]>(next, expireAt, number)
  return rows[0]?.[0] ?? Number.POSITIVE_INFINITY
}
