import type { Priority } from '@geartrain/engine'
import type { StoredLine } from '../../cluster.ts'
import type { Link, Statement } from '../link.ts'

const rowsMax = 1000

/** Costs next to nothing when there is none, and says what the time is. */
const look: Statement = {
  name: 'inbox_look',
  text: `SELECT (SELECT number FROM geartrain.inbox ORDER BY number LIMIT 1) IS NOT NULL,
    (extract(epoch FROM clock_timestamp()) * 1000)::float8`,
}

/**
 * Into `jobs`, where their uniques are decided: the first one stands, or the one that is there. As in a batch, the
 * server's row is taken first, so that one whose lease has ended moves nothing, and uniques go in by their order.
 */
const move: Statement = {
  name: 'inbox_move',
  text: `
    WITH fence AS MATERIALIZED (
      SELECT id FROM geartrain.servers WHERE id = $1 AND NOT ended FOR NO KEY UPDATE
    ), taken AS (
      DELETE FROM geartrain.inbox WHERE EXISTS (SELECT FROM fence) AND number IN (
        SELECT number FROM geartrain.inbox ORDER BY number LIMIT ${rowsMax} FOR UPDATE SKIP LOCKED)
      RETURNING *
    ), created AS (
      INSERT INTO geartrain.functions (name)
      SELECT DISTINCT function FROM taken WHERE NOT EXISTS (SELECT FROM geartrain.functions WHERE name = function) ORDER BY function
      ON CONFLICT (name) DO UPDATE SET name = excluded.name
      RETURNING id, name
    ), ids AS (
      SELECT id, name FROM created
      UNION ALL SELECT id, name FROM geartrain.functions WHERE name IN (SELECT function FROM taken)
    ), place AS MATERIALIZED (
      SELECT nextval('geartrain.positions') << 20 AS first, floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now
    ), rows AS (
      SELECT t.*, i.id, CASE WHEN t.run_at > p.now THEN 0 ELSE p.first | row_number() OVER (ORDER BY t.number) END AS position,
        CASE unique_name WHEN '' THEN NULL WHEN '-' THEN CASE workload WHEN '' THEN NULL ELSE substring(sha256(workload) FROM 17 FOR 16) END
          ELSE substring(sha256(unique_name) FROM 1 FOR 16) END AS digest
      FROM taken t JOIN ids i ON i.name = t.function CROSS JOIN place p
    ), added AS (
      INSERT INTO geartrain.jobs (number, position, run_at, submitted_at, expire_at, ready_at, unique_key, function_id, owner,
        attempts, priority, unique_name, options, workload)
      SELECT number, position, CASE position WHEN 0 THEN run_at ELSE 0 END, submitted_at, nullif(expire_at, 0),
        CASE position WHEN 0 THEN NULL ELSE nullif(run_at, 0) END, encode(digest, 'hex')::uuid, id, 0, 0, priority, unique_name, options, workload
      FROM rows ORDER BY digest, id, number
      ON CONFLICT (unique_key, function_id) WHERE unique_key IS NOT NULL DO NOTHING
      RETURNING number, position, function_id, priority
    ), counted AS (
      INSERT INTO geartrain.counts (server_id, function_id, priority, ready, delayed)
      SELECT $1, function_id, priority, count(*) FILTER (WHERE position > 0), count(*) FILTER (WHERE position = 0)
      FROM added GROUP BY function_id, priority
      ON CONFLICT (server_id, function_id, priority)
      DO UPDATE SET ready = counts.ready + excluded.ready, delayed = counts.delayed + excluded.delayed
    )
    SELECT r.function, r.priority, count(*), count(*) FILTER (WHERE a.position > 0)
    FROM rows r LEFT JOIN added a USING (number) GROUP BY r.function, r.priority`,
}

export interface InboxLook {
  readonly hasJobs: boolean
  /** Milliseconds since 1970. */
  readonly databaseMs: number
}

export async function lookIntoInbox(link: Link): Promise<InboxLook> {
  const { rows } = await link.run<[boolean, number]>(look)
  const [hasJobs, databaseMs] = rows[0] ?? [false, 0]
  return { hasJobs, databaseMs }
}

/** Moves some. Nobody has those that are ready now. */
export async function emptyInbox(link: Link, serverId: number): Promise<{ ready: StoredLine[]; mayBeMore: boolean }> {
  const { rows } = await link.run<[Buffer, Priority, number, number]>(move, serverId)
  const ready = rows.filter(([, , , added]) => added > 0)
  return {
    ready: ready.map(([name, priority]) => ({ function: name.toString('latin1'), priority })),
    mayBeMore: rows.reduce((sum, [, , taken]) => sum + taken, 0) >= rowsMax,
  }
}
