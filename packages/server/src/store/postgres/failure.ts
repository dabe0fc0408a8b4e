import { StoreError, type StoreFailure } from '../store.ts'
import { DatabaseError } from './link.ts'

/** How a sentence about the database ends: what has happened, and what to do. */
type Advice = string

/** What a user needs who has not made the tables. */
export function grants(user: string): string {
  const rights = 'SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA geartrain'
  return [
    `GRANT USAGE ON SCHEMA geartrain TO ${user}`,
    `GRANT ${rights} TO ${user}`,
    `GRANT USAGE ON ALL SEQUENCES IN SCHEMA geartrain TO ${user}`,
    `GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA geartrain TO ${user}`,
  ].join('; ')
}

/** By SQLSTATE, by its class (the first two characters), or by a word of Node's or our own. */
const advice: Readonly<Record<string, Advice>> = {
  CONNECTION_LOST: 'the connection to the database is lost; it is opened again by itself',
  NOT_PRIMARY:
    'no host takes writes: each is a standby or read-only; see that one is primary, and that the URL names it',
  ECONNREFUSED: 'nobody listens there: see that PostgreSQL runs, and that host and port are right',
  ECONNRESET: 'the connection was cut; see that PostgreSQL runs, and what lies between',
  ENOTFOUND: 'there is no host of this name',
  EAI_AGAIN: 'the name of the host could not be looked up: see whether DNS works',
  ENOENT:
    'there is no such file or socket: see that PostgreSQL runs, and that the directory of its socket, or the file with the certificate, is right',
  EACCES: 'this user may not read the file or use the socket',
  ETIMEDOUT: 'the host did not answer in time: see that it runs, and that nothing between drops what is sent to it',
  EHOSTUNREACH: 'no way leads to the host',
  ENETUNREACH: 'no way leads to the host',
  NO_TLS: 'it does not speak TLS: turn it on there (ssl = on), or say sslmode=disable',
  NOT_UTF8:
    "the database does not take all text: use one that does: CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0",
  TOO_OLD: 'it is too old: PostgreSQL 14 or later is needed',
  '08': 'the connection to the database failed',
  '22': 'the database took a value for a wrong one; this is a mistake in this program, please report it',
  '23': 'a rule of the tables was broken; this is a mistake in this program, or something else has written to the schema geartrain',
  '25006': 'the database is read-only: it is a standby, or default_transaction_read_only is on',
  '25P03': 'a transaction stood still for too long, as when this process was stopped, and the database has ended it',
  '28': 'the database does not let this user in: see user and password, and pg_hba.conf of the database',
  '28P01': 'the password is wrong',
  '3D000': 'there is no such database: CREATE DATABASE makes it',
  '3F000': 'the schema geartrain is missing; if it was dropped, restart the server to begin with nothing',
  '40001': 'other transactions were in the way again and again',
  '40P01': 'other transactions were in the way again and again',
  '42': 'the tables are not as this program knows them; this is a mistake in it, or somebody has changed the schema geartrain',
  '42501': `the user lacks a right: ${grants('...')}`,
  '42P01': 'a table of the schema geartrain is missing; bring it back from a backup',
  '53': 'the database has too little of something: see its log',
  '53100': 'the disk of the database is full: make some room there',
  '53200': 'the database has no memory left',
  '53300': 'the database has no connection left: raise max_connections, or have fewer servers; each needs two',
  '55P03': 'something holds a lock: see pg_locks for a migration or a LOCK TABLE that does not end',
  '57014': 'somebody cancelled the statement, or it took longer than statement_timeout',
  '57P01': 'somebody ended the connection, or PostgreSQL shuts down',
  '57P02': 'PostgreSQL has crashed and starts again',
  '57P03': 'PostgreSQL starts or shuts down, or is a standby that takes no connections',
  '58': 'the database has trouble with its disk: see its log',
  XX: 'the database has trouble inside: see its log',
  XX001: 'a table is damaged: see the log of the database, and bring it back from a backup',
  XX002: 'an index is damaged: REINDEX SCHEMA geartrain makes it anew',
}

/** The next transaction on this connection may well succeed. By SQLSTATE or its class. */
const passing = new Set(['22', '23', '40', '53', '54', '55', '57014'])

/** Codes that come with the end of a connection. */
const ending = new Set(['25P03', '25P04', '57P01', '57P02', '57P03', '57P04', '57P05'])

export function endsConnection(code: string): boolean {
  return ending.has(code) || code.startsWith('08')
}

/** For the operator. All that goes wrong is one: a mistake in this program must not end the server either. */
export function toFailure(error: unknown): StoreFailure {
  if (error instanceof StoreError) return { code: error.code, message: error.message, isBroken: true }
  if (!(error instanceof DatabaseError)) {
    const message = `a mistake in this program, please report it: ${error instanceof Error ? error.message : String(error)}`
    return { code: 'POSTGRES_STORE_FAILED', message, isBroken: true }
  }
  const { code, message, isBroken } = error
  const isPassing = passing.has(code) || passing.has(code.slice(0, 2))
  return { code: codeOf(code), message: `${adviceOn(code)} (${code}: ${message})`, isBroken: isBroken || !isPassing }
}

/** The same as what `open` or `commit` rejects with. */
export function toStoreError(name: string, error: unknown): StoreError {
  if (error instanceof StoreError) return error
  const { code, message } = toFailure(error)
  return new StoreError(code, `${name}: ${message}`, { cause: error })
}

const untrusted =
  'its certificate is not good: name the authority that has signed it with sslrootcert, and the host as the certificate does'

/** What to do about it, as a part of a sentence. */
export function adviceOn(code: string): string {
  if (/CERT|VERIFY|SSL|TLS/.test(code) && advice[code] === undefined) return untrusted
  return advice[code] ?? advice[code.slice(0, 2)] ?? 'the database does not do it'
}

function codeOf(code: string): string {
  return `POSTGRES_${code}`
}
