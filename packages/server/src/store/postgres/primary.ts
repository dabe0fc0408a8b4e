import { StoreError } from '../store.ts'
import { type Address, type Host, toText } from './address.ts'
import { Connection, type ConnectionOptions } from './connection.ts'
import { adviceOn, toStoreError } from './failure.ts'
import { DatabaseError, type Statement } from './link.ts'

const versionMin = 140_000

/** Those that take whatever a worker says of a failure. */
const encodings: ReadonlySet<string> = new Set(['UTF8', 'SQL_ASCII'])

const role: Statement = {
  name: '',
  text: `SELECT pg_is_in_recovery(), current_setting('transaction_read_only') = 'on',
    current_setting('server_version_num')::int4, current_setting('server_version'), current_setting('server_encoding')`,
}

/**
 * A connection to the first of the hosts that takes writes now. Rejects with a StoreError that says of each why it does
 * not.
 */
export async function connectToPrimary(address: Address, options: ConnectionOptions): Promise<Connection> {
  const reasons: (readonly [Host, unknown])[] = []
  for (const host of address.hosts) {
    try {
      return await connect(address, host, options)
    } catch (error) {
      reasons.push([host, error])
    }
  }
  const [first, ...others] = reasons
  if (first === undefined) throw new StoreError('POSTGRES_BAD_URL', `${address.name} names no host`)
  if (others.length === 0) throw toStoreError(address.name, first[1])
  const code = commonCode(reasons.map(([, error]) => codeOf(error)))
  const list = reasons.map(([host, error]) => `${toText(host)}: ${reasonOf(error)}`).join('; ')
  throw new StoreError(`POSTGRES_${code}`, `${address.name}: none of its hosts can be written: ${list}`, {
    cause: first[1],
  })
}

async function connect(address: Address, host: Host, options: ConnectionOptions): Promise<Connection> {
  // Nobody is told of one that is not used.
  let isUsed = false
  const onBroken = (error: DatabaseError): void => {
    if (isUsed) options.onBroken(error)
  }
  const connection = await Connection.open(address, host, { ...options, onBroken })
  try {
    const { rows } = await connection.run<[boolean, boolean, number, string, string]>(role)
    const [isInRecovery, isReadOnly, version, shownVersion, encoding] = rows[0] ?? [true, true, 0, '', '']
    if (version < versionMin) throw new DatabaseError('TOO_OLD', `this is PostgreSQL ${shownVersion}`, false)
    if (isInRecovery) throw new DatabaseError('NOT_PRIMARY', 'this one is a standby, in recovery', false)
    if (isReadOnly)
      throw new DatabaseError('NOT_PRIMARY', 'this one is read-only (default_transaction_read_only)', false)
    if (!encodings.has(encoding)) throw new DatabaseError('NOT_UTF8', `its encoding is ${encoding}`, false)
    isUsed = true
    return connection
  } catch (error) {
    await connection.close()
    throw error
  }
}

function codeOf(error: unknown): string {
  return error instanceof DatabaseError ? error.code : 'STORE_FAILED'
}

function reasonOf(error: unknown): string {
  if (!(error instanceof DatabaseError)) return String(error)
  return error.code === 'NOT_PRIMARY' ? error.message : `${adviceOn(error.code)} (${error.code}: ${error.message})`
}

/** If they are not alike, it is the first that is not only about being reached. */
function commonCode(codes: readonly string[]): string {
  return codes.find((code) => !code.startsWith('E') && code !== 'CONNECTION_LOST') ?? codes[0] ?? 'STORE_FAILED'
}
