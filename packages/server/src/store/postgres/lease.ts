import { bigints, ints } from './arrays.ts'
import type { Link, Statement } from './link.ts'
import { takePlaces } from './positions.ts'

const insert: Statement = {
  name: 'lease insert',
  text: `INSERT INTO geartrain.servers (name, lease_until) VALUES ($1, clock_timestamp() + $2::int * interval '1 millisecond')
    RETURNING id`,
}

/** It waits for a transaction of that id which is still going on: then it is known whether it was committed. */
const end: Statement = {
  name: 'lease end',
  text: 'UPDATE geartrain.servers SET ended = true WHERE id = ANY($1::int[]) RETURNING id, batch',
}

const renew: Statement = {
  name: 'lease renew',
  text: `UPDATE geartrain.servers SET lease_until = clock_timestamp() + $2::int * interval '1 millisecond'
    WHERE id = $1 AND NOT ended`,
}

const retake: Statement = {
  name: 'lease retake',
  text: `UPDATE geartrain.jobs SET owner = $1 WHERE number = ANY($2::bigint[]) AND abs(owner) = ANY($3::int[])`,
}

const owned: Statement = {
  name: 'lease owned',
  text: 'SELECT number FROM geartrain.jobs WHERE number = ANY($2::bigint[]) AND owner = $1',
}

/** Divides by zero, and so ends the transaction, if the lease is over or the batch is there already. Takes places in line. */
const fence: Statement = {
  name: 'lease fence',
  text: `WITH fenced AS (
      UPDATE geartrain.servers SET batch = $2::bigint, lease_until = clock_timestamp() + $3::int * interval '1 millisecond'
      WHERE id = $1 AND batch = $2::bigint - 1 AND NOT ended RETURNING id)
    SELECT 1 / count(*), ${takePlaces} FROM fenced`,
}
const fenceCode = '22012'

const readEnded: Statement = {
  name: 'lease read ended',
  text: 'SELECT id FROM geartrain.servers WHERE ended AND NOT cleared ORDER BY id',
}

/** Parts of limits are kept as long as the lease would have lasted. */
const remove: Statement = {
  name: 'lease remove',
  text: `DELETE FROM geartrain.servers s
    WHERE id = ANY($1::int[]) AND ended AND cleared AND lease_until < clock_timestamp()
      AND NOT EXISTS (SELECT FROM geartrain.counts c WHERE c.server_id = s.id)`,
}

/**
 * An id in the table `servers`, which a server has from when it opens the store until it ends it or others do, because
 * it was not renewed in time. An id that has ended commits nothing, and what it had is anybody's.
 */
export class Lease {
  readonly id: number
  readonly leaseMs: number
  /** The last one that was committed. */
  batch = 0

  constructor(id: number, leaseMs: number) {
    this.id = id
    this.leaseMs = leaseMs
  }

  /** A new one. */
  static async take(link: Link, name: string, leaseMs: number): Promise<Lease> {
    const { rows } = await link.run<[number]>(insert, name, leaseMs)
    const id = rows[0]?.[0]
    if (id === undefined) throw new Error('an INSERT has given no id')
    return new Lease(id, leaseMs)
  }

  /** Whether it is not over yet. */
  static async renew(link: Link, id: number, leaseMs: number): Promise<boolean> {
    return (await link.run(renew, id, leaseMs)).count > 0
  }

  /** Ends ids for good. The last batch that each has committed. */
  static async end(link: Link, ids: readonly number[]): Promise<ReadonlyMap<number, number>> {
    if (ids.length === 0) return new Map()
    return new Map((await link.run<[number, number]>(end, ints(ids))).rows)
  }

  /** Rows that nobody needs any more: however often this server comes and goes, there are few. */
  static async remove(link: Link, ids: readonly number[]): Promise<void> {
    if (ids.length > 0) await link.run(remove, ints(ids))
  }

  /** Ids that have ended, and which jobs may still bear. */
  static async readEnded(link: Link): Promise<readonly number[]> {
    return (await link.run<[number]>(readEnded)).rows.map(([id]) => id)
  }

  /** It is the lease, and not something else that was wrong with the batch. */
  static isLost(code: string): boolean {
    return code === fenceCode
  }

  /** First in each batch. Fails if the batch must not be, and with it the transaction. */
  async fence(link: Link): Promise<void> {
    await link.run(fence, this.id, this.batch + 1, this.leaseMs)
  }

  /** Of these jobs, takes those along that one of these ids had and nobody has taken since. */
  async retake(link: Link, ids: readonly number[], held: Float64Array): Promise<void> {
    if (held.length > 0 && ids.length > 0) await link.run(retake, this.id, bigints(held), ints(ids))
  }

  /** Those of `held` that are not this id's. */
  async lostOf(link: Link, held: Float64Array): Promise<Float64Array> {
    if (held.length === 0) return held
    const { rows } = await link.run<[number]>(owned, this.id, bigints(held))
    const own = new Set(rows.map(([number]) => number))
    return held.filter((number) => !own.has(number))
  }
}
