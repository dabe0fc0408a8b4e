import type { RecordReader } from '../records.ts'
import { ArrayWriter } from './arrays.ts'
import { addCounts } from './counts.ts'
import { started, type Value } from './link.ts'
import { positionOf } from './positions.ts'
import { uniqueKey } from './unique-key.ts'
import type { Writing } from './writing.ts'

/** What an addition has found: itself in the table, a job that it joins, or neither any more. */
export interface Finding {
  readonly index: number
  readonly joins: 'itself' | number | undefined
}

const columns = `number, position, run_at, submitted_at, expire_at, function_id, owner, attempts, priority, unique_name,
  reducer, then_function, options, trace, workload`
const values = `number, CASE WHEN run_at = 0 THEN ${positionOf('ordinal')} ELSE 0 END, run_at, $1::bigint, expire_at,
  function_id, owner, attempts, priority, unique_name, reducer, then_function, options, trace, workload`
const arrays = `$2::bigint[], $3::int[], $4::bigint[], $5::bigint[], $6::int[], $7::int[], $8::int[], $9::smallint[],
  $10::bytea[], $11::bytea[], $12::bytea[], $13::bytea[], $14::bytea[], $15::bytea[]`
const names = `number, ordinal, run_at, expire_at, function_id, owner, attempts, priority, unique_name, reducer,
  then_function, options, trace, workload`

/** In SQL: the rows of `added`, for the table of counts: statements count what they add themselves. */
function countAdded(serverId: string): string {
  return addCounts(`
      SELECT ${serverId}::int, function_id, priority, count(*) FILTER (WHERE position > 0), count(*) FILTER (WHERE position = 0), 0, 0
      FROM added GROUP BY function_id, priority`)
}

const insertPlain = {
  name: 'add',
  text: `
    WITH added AS (
      INSERT INTO geartrain.jobs (${columns}) SELECT ${values} FROM unnest(${arrays}) AS new (${names})
      RETURNING function_id, priority, position
    )
    ${countAdded('$16')}`,
} as const

const insertKeyed = {
  name: 'add uniques',
  // In the order of the index, so that no two servers wait for each other. One that was there when the statement began
  // is joined, and nothing else is tried: its server may be about to end it, and wait for this one elsewhere.
  text: `
    WITH new AS MATERIALIZED (
      SELECT new.*, (
        SELECT jobs.number FROM geartrain.jobs
        WHERE jobs.unique_key = new.unique_key AND jobs.function_id = new.function_id
      ) AS same
      FROM unnest(${arrays}, $16::uuid[]) WITH ORDINALITY AS new (${names}, unique_key, place)
    ), added AS (
      INSERT INTO geartrain.jobs (${columns}, unique_key)
      SELECT ${values}, unique_key FROM new WHERE same IS NULL ORDER BY unique_key, function_id, ordinal
      ON CONFLICT (unique_key, function_id) WHERE unique_key IS NOT NULL DO NOTHING
      RETURNING function_id, priority, position
    ), counted AS (${countAdded('$17')}
    )
    SELECT place - 1, same FROM new WHERE same IS NOT NULL
    UNION ALL SELECT NULL, count(*) FROM added`,
} as const

/** Of those that others have added meanwhile, or that were twice in one statement. */
const findSame = {
  name: 'add same',
  text: `
    SELECT place - 1, (
      SELECT number FROM geartrain.jobs WHERE jobs.unique_key = new.unique_key AND jobs.function_id = new.function_id
    )
    FROM unnest($1::uuid[], $2::int[]) WITH ORDINALITY AS new (unique_key, function_id, place)`,
} as const

/** A statement with more is as slow as two, and needs its size several times in memory. */
const bytesMax = 32 * 1024 * 1024

/** Jobs on their way into the table. */
export class AdditionColumns {
  readonly #writing: Writing
  #plain = new Columns()
  #keyed = new Columns()
  readonly #inserts: Promise<Finding[]>[] = []

  constructor(writing: Writing) {
    this.#writing = writing
  }

  /** The record that the reader stands on. Whether it may join another job. */
  add(reader: RecordReader, index: number, ordinal: number, functionId: number): boolean {
    const { serverId } = this.#writing.tx
    const key = uniqueKey(reader.unique, reader.workload)
    if (key === null) {
      this.#plain.add(reader, index, ordinal, functionId, serverId)
      if (this.#plain.bytes > bytesMax) this.#insertPlain()
      return false
    }
    this.#keyed.add(reader, index, ordinal, functionId, serverId)
    this.#keyed.keys.addBytes(key)
    if (this.#keyed.bytes > bytesMax) this.#insertKeyed()
    return true
  }

  /** What has become of each that may join another one. */
  async insert(): Promise<Finding[]> {
    this.#insertPlain()
    this.#insertKeyed()
    return (await Promise.all(this.#inserts)).flat()
  }

  #insertPlain(): void {
    const { indexes, values } = this.#plain
    if (indexes.length === 0) return
    this.#plain = new Columns()
    const { now, serverId } = this.#writing.tx
    void this.#writing.run(insertPlain, now, ...values, serverId)
  }

  #insertKeyed(): void {
    const columnsNow = this.#keyed
    if (columnsNow.indexes.length === 0) return
    this.#keyed = new Columns()
    this.#inserts.push(started(this.#insertOrJoin(columnsNow)))
  }

  async #insertOrJoin({ indexes, numbers, functionIds, values, keys }: Columns): Promise<Finding[]> {
    const uniqueKeys = keys.written()
    const { now, serverId } = this.#writing.tx
    const { rows } = await this.#writing.run<Same>(insertKeyed, now, ...values, uniqueKeys, serverId)
    const findings: Finding[] = indexes.map((index) => ({ index, joins: 'itself' }))
    const joined = new Set<number>()
    let added = 0
    for (const [place, same] of rows) {
      if (place === null) added = same ?? 0
      else {
        joined.add(place)
        findings[place] = { index: indexes[place] ?? 0, joins: same ?? undefined }
      }
    }
    if (added + joined.size === indexes.length) return findings
    const { rows: later } = await this.#writing.run<Same>(findSame, uniqueKeys, functionIds)
    for (const [place, same] of later) {
      if (place === null || joined.has(place) || same === numbers[place]) continue
      findings[place] = { index: indexes[place] ?? 0, joins: same ?? undefined }
    }
    return findings
  }
}

/** A place in the statement, and the job that the one there joins; without a place, how many were added. */
type Same = [place: number | null, same: number | null]

/** Some of them, as a statement takes them. */
class Columns {
  /** Places in the batch. */
  readonly indexes: number[] = []
  readonly numbers: number[] = []
  /** Of workloads. */
  bytes = 0
  /** Filled by those who need it. */
  readonly keys = new ArrayWriter('uuid')
  readonly #numbers = new ArrayWriter('bigint')
  readonly #ordinals = new ArrayWriter('int')
  readonly #runAt = new ArrayWriter('bigint')
  readonly #expireAt = new ArrayWriter('bigint')
  readonly #functions = new ArrayWriter('int')
  readonly #owners = new ArrayWriter('int')
  readonly #attempts = new ArrayWriter('int')
  readonly #priorities = new ArrayWriter('smallint')
  readonly #uniques = new ArrayWriter('bytea')
  readonly #reducers = new ArrayWriter('bytea')
  readonly #thens = new ArrayWriter('bytea')
  readonly #options = new ArrayWriter('bytea')
  readonly #traces = new ArrayWriter('bytea')
  readonly #workloads = new ArrayWriter('bytea')

  add(reader: RecordReader, index: number, ordinal: number, functionId: number, serverId: number): void {
    const { workload, runAt, expireAt } = reader
    this.indexes.push(index)
    this.numbers.push(reader.number)
    this.bytes += workload.length
    this.#numbers.addBigint(reader.number)
    this.#ordinals.addInt(ordinal)
    this.#runAt.addBigint(runAt)
    if (expireAt === 0) this.#expireAt.addNull()
    else this.#expireAt.addBigint(expireAt)
    this.#functions.addInt(functionId)
    this.#owners.addInt(reader.isClaimed && runAt === 0 ? serverId : 0)
    this.#attempts.addInt(reader.attempts)
    this.#priorities.addSmallint(reader.priority)
    this.#uniques.addName(reader.unique)
    addOptional(this.#reducers, reader.reducer)
    addOptional(this.#thens, reader.then)
    addOptional(this.#options, reader.options)
    addOptional(this.#traces, reader.trace)
    this.#workloads.addBytes(workload)
  }

  /** In the order of `names`. */
  get values(): Value[] {
    return [
      this.#numbers,
      this.#ordinals,
      this.#runAt,
      this.#expireAt,
      this.#functions,
      this.#owners,
      this.#attempts,
      this.#priorities,
      this.#uniques,
      this.#reducers,
      this.#thens,
      this.#options,
      this.#traces,
      this.#workloads,
    ].map((column) => column.written())
  }

  get functionIds(): Value {
    return this.#functions.written()
  }
}

/** NULL is none. */
function addOptional(column: ArrayWriter, text: string): void {
  if (text === '') column.addNull()
  else column.addName(text)
}
