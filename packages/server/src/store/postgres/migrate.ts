import { StoreError } from '../store.ts'
import type { Connection } from './connection.ts'
import { grants } from './failure.ts'
import { DatabaseError, type Link, type Statement } from './link.ts'
import { migrations, schemaVersion } from './schema.ts'

/** Whoever changes the schema has this lock: those who begin at the same time find it done. */
const lockNumber = 4_730_473_047

const lock: Statement = { name: '', text: 'SELECT pg_advisory_xact_lock($1)' }

const find: Statement = {
  name: '',
  text: `SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'geartrain'),
    EXISTS (SELECT FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = 'geartrain' AND relname = 'meta')`,
}

const readVersion: Statement = { name: '', text: 'SELECT version, oldest_reader FROM geartrain.meta' }

/** A step that shuts out older programs raises oldest_reader itself. */
const writeVersion: Statement = {
  name: '',
  text: `INSERT INTO geartrain.meta (version, oldest_reader) VALUES ($1, $1)
    ON CONFLICT (is_only) DO UPDATE SET version = excluded.version`,
}

const findForbidden: Statement = {
  name: '',
  text: `SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'geartrain' AND CASE c.relkind
      WHEN 'r' THEN NOT (has_table_privilege(c.oid, 'SELECT') AND (c.relname = 'meta' OR has_table_privilege(c.oid, 'INSERT')
        AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE')))
      WHEN 'S' THEN NOT has_sequence_privilege(c.oid, 'USAGE')
      ELSE false END
    ORDER BY 1`,
}

const whoWhere: Statement = { name: '', text: 'SELECT current_user::text, current_database()::text' }

/**
 * Makes the schema, or brings it up to this program's version, a transaction for each step. One that is up to date is
 * only read: the rights to change it are not needed then. Rejects with a StoreError if it can't be used, else with a
 * DatabaseError.
 */
export async function migrate(connection: Connection): Promise<void> {
  try {
    while ((await versionOf(connection)) < schemaVersion) await connection.transact((link) => step(connection, link))
  } catch (error) {
    if (error instanceof DatabaseError && error.code === '42501') throw await forbidden(connection, error)
    throw error
  }
  const { rows } = await connection.run<[string]>(findForbidden)
  if (rows.length === 0) return
  const who = await connection.run<[string, string]>(whoWhere)
  const lacking = rows.map(([name]) => name).join(', ')
  throw new StoreError(
    'POSTGRES_42501',
    `the user ${who.rows[0]?.[0]} lacks rights on ${lacking} of the schema geartrain; let its owner do this: ${grants(quoted(who.rows[0]?.[0]))}`,
  )
}

/** 0: there is nothing yet. */
async function versionOf(link: Link): Promise<number> {
  const { rows } = await link.run<[boolean, boolean]>(find)
  if (rows[0]?.[1] !== true) return 0
  const versions = await link.run<[number, number]>(readVersion)
  const [version, oldestReader] = versions.rows[0] ?? [0, 0]
  if (oldestReader > schemaVersion) {
    throw new StoreError(
      'POSTGRES_TOO_NEW',
      `the schema geartrain is of version ${version} and can be used by programs that know version ${oldestReader}; this one knows ${schemaVersion}: update it`,
    )
  }
  return version
}

/** `connection` is that of the transaction. */
async function step(connection: Connection, link: Link): Promise<void> {
  await link.run(lock, lockNumber)
  // Somebody else may have done it meanwhile.
  const version = await versionOf(link)
  const script = migrations[version]
  if (script === undefined) return
  const { rows } = await link.run<[boolean, boolean]>(find)
  // IF NOT EXISTS takes the right to make one even if it is there.
  if (rows[0]?.[0] !== true) await link.run({ name: '', text: 'CREATE SCHEMA geartrain' })
  await connection.execute(script)
  await link.run(writeVersion, version + 1)
}

async function forbidden(connection: Connection, error: DatabaseError): Promise<StoreError> {
  const who = await connection.run<[string, string]>(whoWhere)
  const [user, database] = who.rows[0] ?? ['?', '?']
  const found = await connection.run<[boolean, boolean]>(find)
  const [hasSchema, hasMeta] = found.rows[0] ?? [false, false]
  const grant = hasMeta
    ? `${grants(quoted(user))}; and let its owner run a server of this version once, which brings the tables up to date`
    : hasSchema
      ? `GRANT USAGE, CREATE ON SCHEMA geartrain TO ${quoted(user)}`
      : `GRANT CREATE ON DATABASE ${quoted(database)} TO ${quoted(user)}`
  return new StoreError(
    'POSTGRES_42501',
    `the user ${user} may not make the tables in the schema geartrain of the database ${database} (${error.message}); let somebody who may do this: ${grant}`,
  )
}

function quoted(name = '?'): string {
  return `"${name.replaceAll('"', '""')}"`
}
