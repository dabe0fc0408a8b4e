import { ints } from '../arrays.ts'
import type { Link, Statement } from '../link.ts'
import type { Tombstone } from './changed-documents.ts'

const rowsMax = 2000
/** So long documents that were removed stay, for servers that have been away to hear of it. */
const tombstoneMs = 3_600_000
/** So long it can be found out, by a server that has been away, what the last batch was that it has committed. */
const endedMs = 24 * 3_600_000

const step: Statement = {
  name: 'clearing_step',
  text: `
    WITH step AS MATERIALIZED (
      SELECT number, owner FROM geartrain.jobs WHERE number > $1 ORDER BY number LIMIT ${rowsMax}
    ), theirs AS (
      SELECT j.number FROM geartrain.jobs j JOIN step USING (number)
      WHERE step.owner = ANY($2::int4[]) AND j.owner = ANY($2::int4[]) ORDER BY j.number FOR UPDATE OF j SKIP LOCKED
    ), cleared AS (
      UPDATE geartrain.jobs SET owner = -owner WHERE number IN (SELECT number FROM theirs)
    )
    SELECT max(number), count(*) FROM step`,
}

/** What somebody else had locked at that moment. */
const left: Statement = {
  name: 'clearing_left',
  text: 'SELECT 1 FROM geartrain.jobs WHERE number > $1 AND number <= $2 AND owner = ANY($3::int4[]) LIMIT 1',
}

const markCleared: Statement = {
  name: 'clearing_mark',
  text: 'UPDATE geartrain.servers SET cleared = true WHERE id = ANY($1::int4[]) AND ended AND NOT cleared',
}

/** Of those who have ended and write no more. */
const foldCounts: Statement = {
  name: 'clearing_counts',
  text: `
    WITH old AS (
      DELETE FROM geartrain.counts c WHERE (server_id, function_id, priority) IN (
        SELECT server_id, function_id, priority FROM geartrain.counts JOIN geartrain.servers s ON s.id = server_id
        WHERE s.ended ORDER BY server_id, function_id, priority LIMIT ${rowsMax})
      RETURNING *
    )
    INSERT INTO geartrain.counts (server_id, function_id, priority, ready, delayed, dead, kept)
    SELECT 0, function_id, priority, sum(ready), sum(delayed), sum(dead), sum(kept) FROM old
    GROUP BY function_id, priority ORDER BY function_id, priority
    ON CONFLICT (server_id, function_id, priority) DO UPDATE SET ready = counts.ready + excluded.ready,
      delayed = counts.delayed + excluded.delayed, dead = counts.dead + excluded.dead, kept = counts.kept + excluded.kept`,
}

const removeEmptyCounts: Statement = {
  name: 'clearing_empty_counts',
  text: 'DELETE FROM geartrain.counts WHERE server_id = 0 AND ready = 0 AND delayed = 0 AND dead = 0 AND kept = 0',
}

const removeReports: Statement = {
  name: 'clearing_reports',
  text: 'DELETE FROM geartrain.reports r WHERE NOT EXISTS (SELECT FROM geartrain.servers s WHERE s.id = r.server_id AND NOT s.ended)',
}

const removeCancels: Statement = {
  name: 'clearing_cancels',
  text: 'DELETE FROM geartrain.cancels c WHERE NOT EXISTS (SELECT FROM geartrain.servers s WHERE s.id = c.server_id AND NOT s.ended)',
}

/** Their parts last as long as their leases would have. */
const removeShares: Statement = {
  name: 'clearing_shares',
  text: `
    DELETE FROM geartrain.shares h WHERE NOT EXISTS (
      SELECT FROM geartrain.servers s WHERE s.id = h.server_id AND (NOT s.ended OR s.lease_until > clock_timestamp()))`,
}

const removeServers: Statement = {
  name: 'clearing_servers',
  text: `
    DELETE FROM geartrain.servers s
    WHERE ended AND cleared AND lease_until < clock_timestamp() - $1::float8 * interval '1 millisecond'
      AND NOT EXISTS (SELECT FROM geartrain.counts c WHERE c.server_id = s.id)`,
}

const removeTombstone: Statement = {
  name: 'clearing_tombstone',
  text: 'DELETE FROM geartrain.documents WHERE kind = $1 AND name = $2 AND version = $3 AND body IS NULL',
}

/**
 * What the leader clears away after servers that have ended, a little at a time. Nothing of it is wrong if two do it at
 * once: one that leads no more and does not know it yet does no harm.
 */
export class Clearing {
  /** The servers whose jobs are being walked to, and how far it is done. */
  #ids: readonly number[] = []
  #after = 0
  /** When this server saw them first, and as what. */
  readonly #tombstones = new Map<string, { readonly version: number; readonly since: number }>()

  /** `now` is any clock that does not go back. True: there is more of it at once. */
  async work(link: Link, ended: readonly number[], tombstones: readonly Tombstone[], now: number): Promise<boolean> {
    await Promise.all([link.run(foldCounts), link.run(removeReports), link.run(removeShares), link.run(removeCancels)])
    await Promise.all([link.run(removeEmptyCounts), link.run(removeServers, endedMs)])
    for (const stone of tombstones) await this.#bury(link, stone, now)
    return this.walk(link, ended)
  }

  /** One step on the way along all jobs, to those that bear the ids of servers that have ended. */
  async walk(link: Link, ended: readonly number[]): Promise<boolean> {
    if (this.#ids.length === 0) {
      this.#ids = ended
      this.#after = 0
    }
    if (this.#ids.length === 0) return false
    const ids = ints(this.#ids)
    const { rows } = await link.run<[number | null, number]>(step, this.#after, ids)
    const [last, count] = rows[0] ?? [null, 0]
    if (last !== null) {
      const someLeft = await link.run(left, this.#after, last, ids)
      if (someLeft.count > 0) return false
      this.#after = last
    }
    if (count === rowsMax) return true
    await link.run(markCleared, ids)
    this.#ids = []
    return false
  }

  async #bury(link: Link, { kind, name, version }: Tombstone, now: number): Promise<void> {
    const key = `${kind}\0${name}`
    const known = this.#tombstones.get(key)
    if (known?.version !== version) this.#tombstones.set(key, { version, since: now })
    else if (now - known.since >= tombstoneMs) {
      await link.run(removeTombstone, kind, name, version)
      this.#tombstones.delete(key)
    }
  }
}
