import { emptyHead, RecordWriter } from '../records.ts'
import type { StoreAnswer, StoreRequest } from '../store.ts'
import { ints } from './arrays.ts'
import type { FunctionIds } from './function-ids.ts'
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

const claimReady = {
  name: 'claim',
  text: `
    WITH picked AS MATERIALIZED (
      SELECT number, position, octet_length(workload) AS bytes FROM geartrain.jobs
      WHERE function_id = $1::int AND priority = $2::smallint AND position > $3::bigint AND position <= coalesce($4::bigint, 9223372036854775807)
        AND (owner <= 0 OR owner = ANY($5::int[]))
      ORDER BY position LIMIT $6::int FOR UPDATE SKIP LOCKED
    ), bounded AS (
      SELECT number, row_number() OVER line AS place, sum(bytes) OVER line AS total FROM picked
      WINDOW line AS (ORDER BY position ROWS UNBOUNDED PRECEDING)
    )
    UPDATE geartrain.jobs SET owner = $7::int FROM bounded
    WHERE jobs.number = bounded.number AND (total <= $8::bigint OR (place = 1 AND $9::boolean))
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

  async claim(tx: Transaction, request: Request): Promise<Extract<StoreAnswer, { kind: 'claim' }>> {
    const functionId = this.#functions.get(request.function)
    const rows = functionId === undefined ? [] : await this.#claimRows(tx, functionId, request)
    return toAnswer(rows, request)
  }

  /** Jobs may be ready in front of those that were claimed. */
  forgetFronts(): void {
    this.#fronts.clear()
  }

  async #claimRows(tx: Transaction, functionId: number, request: Request): Promise<Row[]> {
    const { jobsMax, bytesMax, priority } = request
    const line = `${priority} ${functionId}`
    const front = this.#frontOf(line, tx.now)
    const after = { after: front?.position ?? 0, until: null, hasSome: false }
    let rows = await pick(tx, functionId, request, after)
    let lookedAt = front?.lookedAt ?? tx.now
    const bytesLeft = bytesMax - bytesOf(rows)
    if (front !== undefined && rows.length < jobsMax && (bytesLeft > 0 || rows.length === 0)) {
      const rest = { ...request, jobsMax: jobsMax - rows.length, bytesMax: bytesLeft }
      const before = { after: 0, until: front.position, hasSome: rows.length > 0 }
      rows = [...(await pick(tx, functionId, rest, before)), ...rows]
      lookedAt = tx.now
    }
    const position = rows.at(-1)?.[2]
    if (rows.length === jobsMax && position !== undefined)
      this.#fronts.set(line, { position: toBound(position), lookedAt })
    else this.#fronts.delete(line)
    return rows
  }

  #frontOf(line: string, now: number): Front | undefined {
    const front = this.#fronts.get(line)
    return front !== undefined && Math.abs(now - front.lookedAt) < frontMsMax ? front : undefined
  }
}

/** A piece of a line. */
interface Stretch {
  readonly after: number
  /** Null: its end. */
  readonly until: number | null
  /** Then the first job there must not have more bytes than are asked for, either. */
  readonly hasSome: boolean
}

async function pick(tx: Transaction, functionId: number, request: Request, stretch: Stretch): Promise<Row[]> {
  const { priority, jobsMax, bytesMax } = request
  const { after, until, hasSome } = stretch
  const values = [functionId, priority, after, until, ints(tx.ended), jobsMax, tx.serverId, bytesMax, !hasSome]
  const { rows } = await tx.link.run<Row>(claimReady, ...values)
  return rows.toSorted((a, b) => a[0] - b[0])
}

/** Positions are larger than numbers are exact in the end: then those at the same place are passed over again. */
function toBound(position: number): number {
  return Number.isSafeInteger(position) ? position : position - 4096
}

function bytesOf(rows: readonly Row[]): number {
  return rows.reduce((sum, row) => sum + row[11].length, 0)
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
