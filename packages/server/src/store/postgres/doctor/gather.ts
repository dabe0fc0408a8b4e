import { DatabaseError, type Link, type Statement, type Value } from '../link.ts'
import type { Facts, SchemaFacts, ServerFacts, Standby, TableFacts } from './facts.ts'

/** So often each is measured. */
const samples = 15

const settingNames = [
  'autovacuum',
  'fsync',
  'full_page_writes',
  'lock_timeout',
  'max_connections',
  'statement_timeout',
  'synchronous_commit',
  'synchronous_standby_names',
  'transaction_timeout',
  'wal_level',
]
const indexNames = [
  'dead_keeping',
  'dead_of_function',
  'dead_oldest',
  'dead_unique',
  'history_at',
  'jobs_delayed',
  'jobs_expiring',
  'jobs_number',
  'jobs_ready',
  'jobs_unique',
  'results_sweeping',
  'results_unique',
]

/** Asks a database what the doctor has to know. Nothing is changed. Rejects with a DatabaseError. */
export async function gather(link: Link, isTls: boolean): Promise<Facts> {
  const roundTripMs = median(await times(link, 'SELECT 1'))
  // A message in the log that nobody reads: what makes a commit wait for disk and standbys.
  const commits = await times(link, "SELECT pg_logical_emit_message(true, 'geartrain doctor', '')")
  const { aheadMs, errorMs } = await clock(link)
  const settings = new Map(
    await select<[string, string]>(
      link,
      'SELECT name, setting FROM pg_settings WHERE name = ANY(string_to_array($1, $2))',
      settingNames.join(' '),
      ' ',
    ),
  )
  const [
    [versionNumber, version, connectionCount, oldestTransactionMs, preparedTransactions, maySeeStandbys] = nothing,
  ] = await select<[number, string, number, number, number, boolean]>(
    link,
    `
      SELECT current_setting('server_version_num')::int, current_setting('server_version'),
        (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')::float8,
        coalesce((SELECT max(extract(epoch FROM clock_timestamp() - xact_start)) * 1000 FROM pg_stat_activity
          WHERE xact_start IS NOT NULL AND backend_type = 'client backend' AND pid <> pg_backend_pid()), 0)::float8,
        (SELECT count(*) FROM pg_prepared_xacts)::float8,
        pg_has_role(current_user, 'pg_read_all_stats', 'MEMBER')`,
  )
  const schema = await schemaFacts(link)
  return {
    versionNumber,
    version,
    isTls,
    isPooled: await isPooled(link),
    settings,
    standbys: await standbys(link),
    maySeeStandbys,
    schema,
    tables: await tables(link),
    servers: schema === undefined || schema.closedTables.length > 0 ? [] : await servers(link),
    connectionCount,
    oldestTransactionMs,
    preparedTransactions,
    idleSlots: await idleSlots(link),
    roundTripMs,
    commitMs: { median: median(commits), slowest: Math.max(...commits) },
    clockAheadMs: aheadMs,
    clockErrorMs: errorMs,
  }
}

const nothing: [number, string, number, number, number, boolean] = [0, 'unknown', 0, 0, 0, false]

async function times(link: Link, text: string): Promise<number[]> {
  const found: number[] = []
  for (let i = 0; i < samples; i++) {
    const startedAt = performance.now()
    await select(link, text)
    found.push(performance.now() - startedAt)
  }
  return found
}

/** As the answer of the quickest journey says. */
async function clock(link: Link): Promise<{ aheadMs: number; errorMs: number }> {
  let best = { aheadMs: 0, errorMs: Number.POSITIVE_INFINITY }
  for (let i = 0; i < samples; i++) {
    const startedAt = performance.now()
    const date = Date.now()
    const [[theirs] = [date]] = await select<[number]>(
      link,
      'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8',
    )
    const tripMs = performance.now() - startedAt
    // The date has whole milliseconds.
    const errorMs = tripMs / 2 + 1
    if (errorMs < best.errorMs) best = { aheadMs: theirs - (date + tripMs / 2), errorMs }
  }
  return best
}

/** In a session of one's own, what was set stays. */
async function isPooled(link: Link): Promise<boolean> {
  const pids = new Set<number>()
  for (let i = 0; i < samples; i++) {
    const [[pid] = [0]] = await select<[number]>(link, 'SELECT pg_backend_pid()')
    pids.add(pid)
  }
  return pids.size > 1
}

async function standbys(link: Link): Promise<Standby[]> {
  const rows = await select<[string, string | null, string | null, number | null]>(
    link,
    `
    SELECT application_name, state, sync_state, (extract(epoch FROM replay_lag) * 1000)::float8
    FROM pg_stat_replication WHERE state IS DISTINCT FROM 'backup' ORDER BY application_name`,
  )
  return rows.map(([name, state, syncState, lagMs]) => ({
    name,
    state: state ?? '',
    syncState: syncState ?? '',
    lagMs: lagMs ?? undefined,
  }))
}

async function schemaFacts(link: Link): Promise<SchemaFacts | undefined> {
  const [[exists] = [false]] = await select<[boolean]>(link, "SELECT to_regclass('geartrain.meta') IS NOT NULL")
  if (!exists) return undefined
  const closed = await select<[string]>(
    link,
    `
    SELECT relname::text FROM pg_class
    WHERE relnamespace = 'geartrain'::regnamespace AND relkind = 'r'
      AND NOT (has_table_privilege(oid, 'SELECT') AND has_table_privilege(oid, 'INSERT')
        AND has_table_privilege(oid, 'UPDATE') AND has_table_privilege(oid, 'DELETE'))
    ORDER BY relname`,
  )
  const indexes = await select<[string, boolean]>(
    link,
    `
    SELECT relname::text, indisvalid FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
    WHERE relnamespace = 'geartrain'::regnamespace ORDER BY relname`,
  )
  const isOpen = closed.every(([name]) => name !== 'meta')
  const [[version] = [0]] = isOpen ? await select<[number]>(link, 'SELECT version FROM geartrain.meta') : []
  const known = new Set(indexes.map(([name]) => name))
  return {
    version,
    missingIndexes: indexNames.filter((name) => !known.has(name)),
    invalidIndexes: indexes.filter(([, isValid]) => !isValid).map(([name]) => name),
    closedTables: closed.map(([name]) => name),
  }
}

async function tables(link: Link): Promise<TableFacts[]> {
  const rows = await select<[string, number, number, number, number, number | null]>(
    link,
    `
    SELECT relname::text, n_live_tup::float8, n_dead_tup::float8, pg_table_size(relid)::float8, pg_indexes_size(relid)::float8,
      (extract(epoch FROM clock_timestamp() - greatest(last_autovacuum, last_vacuum)) * 1000)::float8
    FROM pg_stat_user_tables WHERE schemaname = 'geartrain' ORDER BY relname`,
  )
  return rows.map(([name, liveRows, deadRows, bytes, indexBytes, vacuumedMsAgo]) => ({
    name,
    liveRows,
    deadRows,
    bytes,
    indexBytes,
    vacuumedMsAgo: vacuumedMsAgo ?? undefined,
  }))
}

async function servers(link: Link): Promise<ServerFacts[]> {
  const rows = await select<[number, string, boolean, number]>(
    link,
    `
    SELECT id, name, EXISTS (SELECT FROM geartrain.roles WHERE role = 'leader' AND server_id = id),
      (extract(epoch FROM lease_until - clock_timestamp()) * 1000)::float8
    FROM geartrain.servers WHERE NOT ended ORDER BY id`,
  )
  return rows.map(([id, name, isLeader, leaseMs]) => ({ id, name, isLeader, leaseMs }))
}

/** Who may not see them is told of none. */
async function idleSlots(link: Link): Promise<Facts['idleSlots']> {
  try {
    const rows = await select<[string, number]>(
      link,
      `
      SELECT slot_name::text, pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::float8
      FROM pg_replication_slots WHERE NOT active AND restart_lsn IS NOT NULL ORDER BY slot_name`,
    )
    return rows.map(([name, bytes]) => ({ name, bytes }))
  } catch (error) {
    if (error instanceof DatabaseError && !error.isBroken) return []
    throw error
  }
}

async function select<Row extends readonly unknown[]>(
  link: Link,
  text: string,
  ...values: readonly Value[]
): Promise<readonly Row[]> {
  return (await link.run<Row>(statement(text), ...values)).rows
}

/** Each text is one statement. */
function statement(text: string): Statement {
  let name = names.get(text)
  if (name === undefined) names.set(text, (name = `doctor ${names.size}`))
  return { name, text }
}

const names = new Map<string, string>()

function median(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0
}
