import { hash } from 'node:crypto'
import { ints, names } from '../arrays.ts'
import type { Link, Statement } from '../link.ts'

/** What a server has of a limit, as all see it. */
export interface ShareRow {
  readonly serverId: number
  /** Infinity: not limited. */
  readonly concurrency: number
  readonly rate: number
  /** Jobs that it could run at a time. */
  readonly wanted: number
}

export interface ShareChange {
  readonly function: string
  /** Undefined: it is removed. */
  readonly row: ShareRow | undefined
}

/** Of advisory locks: no other has it. */
const lockSpace = 0x6765_6172

const lock: Statement = {
  name: 'shares_lock',
  text: `SELECT count(pg_advisory_xact_lock(${lockSpace}, key)) FROM unnest($1::int4[]) AS key`,
}

const takeAlong: Statement = {
  name: 'shares_take_along',
  text: `
    UPDATE geartrain.shares h SET server_id = $1 FROM geartrain.servers old
    WHERE h.server_id = $2 AND old.id = $2 AND old.lease_until > clock_timestamp() AND h.function = ANY($3::bytea[])`,
}

const read: Statement = {
  name: 'shares_read',
  text: `
    SELECT h.function, h.server_id, h.concurrency, h.rate, h.wanted
    FROM geartrain.shares h JOIN geartrain.servers s ON s.id = h.server_id
    WHERE (h.server_id = $1 OR h.function = ANY($2::bytea[])) AND (NOT s.ended OR s.lease_until > clock_timestamp())`,
}

const write: Statement = {
  name: 'shares_write',
  text: `
    INSERT INTO geartrain.shares (server_id, function, concurrency, rate, wanted)
    SELECT $1, * FROM unnest($2::bytea[], $3::int4[], $4::float8[], $5::int4[])
    ON CONFLICT (function, server_id)
    DO UPDATE SET concurrency = excluded.concurrency, rate = excluded.rate, wanted = excluded.wanted`,
}

const remove: Statement = {
  name: 'shares_remove',
  text: 'DELETE FROM geartrain.shares WHERE server_id = $1 AND function = ANY($2::bytea[])',
}

/** Until the end of the transaction nobody else decides on these limits. All lock in the same order. */
export async function lockShares(link: Link, functions: readonly string[]): Promise<void> {
  const keys = functions.map((name) => hash('sha256', Buffer.from(name, 'latin1'), 'buffer').readInt32BE())
  await link.run(lock, ints([...new Set(keys)].sort((a, b) => a - b)))
}

/** A server that opens anew keeps its parts, as long as the lease that it had would have lasted: its jobs run on. */
export async function takeSharesAlong(
  link: Link,
  from: number,
  to: number,
  functions: readonly string[],
): Promise<void> {
  await link.run(takeAlong, to, from, names(functions))
}

/** By function: of these the rows of all who live, of others only this server's own. */
export async function readShares(
  link: Link,
  serverId: number,
  functions: readonly string[],
): Promise<Map<string, ShareRow[]>> {
  const { rows } = await link.run<[Buffer, number, number | null, number | null, number]>(
    read,
    serverId,
    names(functions),
  )
  const found = new Map<string, ShareRow[]>()
  for (const [bytes, id, concurrency, rate, wanted] of rows) {
    const name = bytes.toString('latin1')
    const row = { serverId: id, concurrency: concurrency ?? Infinity, rate: rate ?? Infinity, wanted }
    found.set(name, [...(found.get(name) ?? []), row])
  }
  return found
}

export async function writeShares(link: Link, serverId: number, changes: readonly ShareChange[]): Promise<void> {
  const removed = changes.filter(({ row }) => row === undefined).map((change) => change.function)
  const written = changes.flatMap(({ function: name, row }) => (row === undefined ? [] : [{ name, row }]))
  await Promise.all([
    removed.length > 0 && link.run(remove, serverId, names(removed)),
    written.length > 0 &&
      link.run(
        write,
        serverId,
        names(written.map(({ name }) => name)),
        numbers(written.map(({ row }) => row.concurrency)),
        numbers(written.map(({ row }) => row.rate)),
        numbers(written.map(({ row }) => row.wanted)),
      ),
  ])
}

/** An array as text; Infinity is NULL. */
function numbers(values: readonly number[]): string {
  return `{${values.map((value) => (value === Infinity ? 'NULL' : String(value))).join(',')}}`
}
