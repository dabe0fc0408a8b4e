import { emptyHead, RecordWriter } from '../records.ts'
import type { StoreAnswer, StoreRequest } from '../store.ts'
import { ints } from './arrays.ts'
import type { FunctionIds } from './function-ids.ts'
import { isFree } from './removals.ts'
import { fromName } from './summaries.ts'
import type { Transaction } from './transaction.ts'

type Request = Extract<StoreRequest, { kind: 'claim' }>

type Row = [
  place: number,
  number: number,
  position: number,
  attempts: number,
  expireAt: number,
  readyAt: number,
  unique: Buffer,
  reducer: Buffer | null,
  then: Buffer | null,
  options: Buffer | null,
  trace: Buffer | null,
  workload: Buffer,
]

/** In SQL: of the line, so many jobs that anybody may have, which lie behind a place. */
function readyBehind(place: string, jobsMax: string): string {
  return `
      SELECT number, position, octet_length(workload) AS bytes FROM geartrain.jobs
      WHERE function_id = $1::int AND priority = $2::smallint AND position > 0 AND position > ${place}
        AND ${isFree('$4')}
      ORDER BY position LIMIT ${jobsMax} FOR UPDATE SKIP LOCKED`
}

const claimReady = {
  name: 'claim',
  // If the line ends before there are enough of them, there may be some in front of where it was left.
  text: `
    WITH further AS MATERIALIZED (${readyBehind('$3::bigint', '$5::int')}
    ), from_its_begin AS MATERIALIZED (${readyBehind(
      '0',
      'CASE WHEN $3::bigint = 0 OR (SELECT count(*) FROM further) = $5::int THEN 0 ELSE $5::int END',
    )}
    ), picked AS (
      SELECT * FROM from_its_begin
      UNION ALL SELECT * FROM further WHERE NOT EXISTS (SELECT FROM from_its_begin)
    ), bounded AS (
      SELECT number, row_number() OVER line AS place, sum(bytes) OVER line AS total FROM picked
      WINDOW line AS (ORDER BY position ROWS UNBOUNDED PRECEDING)
    )
    UPDATE geartrain.jobs SET owner = $6::int FROM bounded
    WHERE jobs.number = bounded.number AND (total <= $7::bigint OR place = 1)
    RETURNING place, jobs.number, position, attempts, coalesce(expire_at, 0), coalesce(ready_at, submitted_at),
      unique_name, reducer, then_function, options, trace, workload`,
} as const

/** In that time it is seen that there are jobs again in front of where a line was left. */
const frontMsMax = 1000

/** How far a line was claimed. */
interface Front {
  readonly position: number
  /** When somebody looked in front of it last. */
  readonly lookedAt: number
}

/** Gives out jobs that are ready, and writes that this server has them. */
export class Claims {
  readonly #functions: FunctionIds
  /**
   * Of lines that have more than was asked for: what was claimed lies in front of the rest until it is done, and then
   * until it is vacuumed away, and need not be passed over each time. Never more than a guess: it may come back ready.
   */
  readonly #fronts = new Map<string, Front>()

  constructor(functions: FunctionIds) {
    this.#functions = functions
  }

  /** What it says is sent at once. */
  async claim(tx: Transaction, request: Request): Promise<Extract<StoreAnswer, { kind: 'claim' }>> {
    const functionId = this.#functions.get(request.function)
    return toAnswer(functionId === undefined ? [] : await this.#claimRows(tx, functionId, request), request)
  }

  /** Jobs may be ready in front of those that were claimed. */
  forgetFronts(): void {
    this.#fronts.clear()
  }

  async #claimRows(tx: Transaction, functionId: number, request: Request): Promise<Row[]> {
    const { jobsMax, bytesMax, priority } = request
    const line = `${priority} ${functionId}`
    const front = this.#frontOf(line, tx.now)
    const values = [functionId, priority, front?.position ?? 0, ints(tx.ended), jobsMax, tx.serverId, bytesMax]
    const rows = (await tx.link.run<Row>(claimReady, ...values)).rows.toSorted((a, b) => a[0] - b[0])
    const [first, last] = [rows.at(0)?.[2], rows.at(-1)?.[2]]
    if (rows.length < jobsMax || first === undefined || last === undefined) {
      this.#fronts.delete(line)
      return rows
    }
    const isFurther = front !== undefined && first > front.position
    this.#fronts.set(line, { position: toBound(last), lookedAt: isFurther ? front.lookedAt : tx.now })
    return rows
  }

  #frontOf(line: string, now: number): Front | undefined {
    const front = this.#fronts.get(line)
    return front !== undefined && Math.abs(now - front.lookedAt) < frontMsMax ? front : undefined
  }
}

/** Positions are larger than numbers are exact in the end: then those at the same place are passed over again. */
function toBound(position: number): number {
  return Number.isSafeInteger(position) ? position : position - 4096
}

function toAnswer(rows: readonly Row[], { priority }: Request): Extract<StoreAnswer, { kind: 'claim' }> {
  const writer = new RecordWriter()
  const head = { ...emptyHead(), priority, isClaimed: true }
  for (const [, number, , attempts, expireAt, readyAt, unique, reducer, then, options, trace, workload] of rows) {
    head.number = number
    head.attempts = attempts
    head.expireAt = expireAt
    head.readyAt = readyAt
    const names = {
      unique: fromName(unique),
      reducer: fromName(reducer),
      then: fromName(then),
      options: fromName(options),
      trace: fromName(trace),
    }
    writer.add(head, names, workload)
  }
  return { kind: 'claim', count: writer.count, jobs: writer.written() }
}
