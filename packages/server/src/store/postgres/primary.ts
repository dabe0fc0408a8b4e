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

/** The next host is asked, too, when one has failed or says nothing for so long: its machine may be gone. */
const staggerMs = 250

/**
 * A connection to the first of the hosts that says that it takes writes; the others are left. Rejects with a StoreError
 * that says of each why it does not.
 */
export function connectToPrimary(address: Address, options: ConnectionOptions): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const attempts: Attempt[] = []
    let isOver = false
    let timer: NodeJS.Timeout | undefined

    const askNext = (): void => {
      clearTimeout(timer)
      const host = address.hosts[attempts.length]
      if (host === undefined) return
      const attempt = new Attempt(address, host, options)
      attempts.push(attempt)
      if (attempts.length < address.hosts.length) timer = setTimeout(askNext, staggerMs)
      attempt.connection.then(
        (connection) => {
          if (isOver) return
          isOver = true
          clearTimeout(timer)
          attempt.isUsed = true
          for (const other of attempts) if (other !== attempt) other.leave()
          resolve(connection)
        },
        (reason: unknown) => {
          attempt.failure = { host, reason }
          if (isOver) return
          if (attempt === attempts.at(-1)) askNext()
          const failures = attempts.map(({ failure }) => failure).filter((failure) => failure !== undefined)
          if (failures.length === address.hosts.length) reject(toError(address, failures))
        },
      )
    }

    if (address.hosts.length === 0) reject(new StoreError('POSTGRES_BAD_URL', `${address.name} names no host`))
    askNext()
  })
}

interface Failure {
  readonly host: Host
  readonly reason: unknown
}

/** To connect to one host and to hear whether it takes writes. */
class Attempt {
  readonly connection: Promise<Connection>
  failure: Failure | undefined
  /** Nobody is told of one that is not used. */
  isUsed = false
  readonly #leaving = new AbortController()

  constructor(address: Address, host: Host, options: ConnectionOptions) {
    const onBroken = (error: DatabaseError): void => {
      if (this.isUsed) options.onBroken(error)
    }
    this.connection = connect(address, host, { ...options, onBroken, signal: this.#leaving.signal })
  }

  leave(): void {
    this.#leaving.abort()
  }
}

async function connect(address: Address, host: Host, options: ConnectionOptions): Promise<Connection> {
  const connection = await Connection.open(address, host, options)
  try {
    const { rows } = await connection.run<[boolean, boolean, number, string, string]>(role)
    const [isInRecovery, isReadOnly, version, shownVersion, encoding] = rows[0] ?? [true, true, 0, '', '']
    if (version < versionMin) throw new DatabaseError('TOO_OLD', `this is PostgreSQL ${shownVersion}`, false)
    if (isInRecovery) throw new DatabaseError('NOT_PRIMARY', 'this one is a standby, in recovery', false)
    if (isReadOnly)
      throw new DatabaseError('NOT_PRIMARY', 'this one is read-only (default_transaction_read_only)', false)
    if (!encodings.has(encoding)) throw new DatabaseError('NOT_UTF8', `its encoding is ${encoding}`, false)
    return connection
  } catch (error) {
    await connection.close()
    throw error
  }
}

/** Why no host could be had; in the order of the URL. */
function toError({ name }: Address, failures: readonly Failure[]): StoreError {
  const reasons = failures.map(({ reason }) => reason)
  if (failures.length === 1) return toStoreError(name, reasons[0])
  const list = failures.map(({ host, reason }) => `${toText(host)}: ${reasonOf(reason)}`).join('; ')
  const message = `${name}: none of its hosts can be written: ${list}`
  return new StoreError(`POSTGRES_${commonCode(reasons.map(codeOf))}`, message, { cause: reasons[0] })
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
