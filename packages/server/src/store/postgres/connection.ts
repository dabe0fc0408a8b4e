import pg from 'pg'
import type { Address, Host } from './address.ts'
import { connectClient } from './client.ts'
import { endsConnection } from './failure.ts'
import { type Answered, DatabaseError, type Link, type Statement, started, type Value } from './link.ts'
import { TransactionLink } from './transaction-link.ts'

export interface ConnectionOptions {
  /** What the database calls it, if the URL does not say. */
  readonly applicationName: string
  /** A transaction that stands still for so long is ended by the database, so that it holds no locks. */
  readonly idleMsMax: number
  /** If nothing that was asked has been answered for so long, the connection is given up. */
  readonly patienceMs: number
  /** The database has been heard of on another way: a statement may take its time, up to some times as long. */
  readonly isHeardOf?: (() => boolean) | undefined
  /** Once: it can't be used any more, and it was not `close` that ended it. */
  readonly onBroken: (error: DatabaseError) => void
  readonly onNotification?: ((channel: string, payload: string) => void) | undefined
  /** Gives it up at once, also while it is being opened. */
  readonly signal?: AbortSignal | undefined
}

const goodbyeMs = 1000
/** So many times the patience lasts as long as the database is heard of on another way. */
const roundsMax = 6

/** Session settings, whatever the database or the user has by default. How durable a commit is they have said. */
function settings(idleMsMax: number): Record<string, string> {
  return {
    idle_in_transaction_session_timeout: String(idleMsMax),
    default_transaction_isolation: 'read committed',
    // All that the statements name is in the schema geartrain or PostgreSQL's own.
    search_path: 'pg_catalog, pg_temp',
    TimeZone: 'UTC',
    bytea_output: 'hex',
    // That a commit no longer waits for its standby is said so.
    client_min_messages: 'warning',
    // The tables grow from nothing to millions before anybody counts their rows, and plans are kept: never by luck.
    plan_cache_mode: 'force_generic_plan',
    enable_seqscan: 'off',
    jit: 'off',
  }
}

/**
 * A statement whose client is gone is ended, though it has nothing to say yet: it may hold what this server asks for on
 * the next connection. Not all systems can see that.
 */
const checkClient = `CASE WHEN version() LIKE '%linux%' THEN set_config('client_connection_check_interval', '1000', false) END`

const parsers = new Map<number, (text: string) => unknown>([
  [16, (text) => text === 't'],
  [17, (text) => Buffer.from(text.slice(2), 'hex')],
  // int8, int2, int4, oid, float4, float8. Numbers of jobs have 16 digits and are below 2^53.
  ...[20, 21, 23, 26, 700, 701].map((oid) => [oid, Number] as const),
])
const types = { getTypeParser: (oid: number) => parsers.get(oid) ?? String } as unknown as pg.CustomTypesConfig

/** A session with a server of PostgreSQL. Statements leave together at the end of the tick, and are answered in their order. */
export class Connection implements Link {
  readonly host: Host
  readonly #client: pg.Client
  readonly #options: ConnectionOptions
  /** Statements that are not answered. */
  #pending = 0
  #isCorked = false
  #answers = 0
  #answeredAt = performance.now()
  #patience: NodeJS.Timeout | undefined
  /** Why it can't be used any more. */
  #death: DatabaseError | undefined

  private constructor(host: Host, client: pg.Client, options: ConnectionOptions) {
    this.host = host
    this.#client = client
    this.#options = options
    client.on('error', (error) => this.destroy(toDatabaseError(error)))
    client.on('end', () => this.destroy(lost('it was closed')))
    client.on('notice', ({ routine, message }) => {
      // A commit that is there, and not on the standbys that it was to wait for: nobody may be told that it is.
      if (routine === 'SyncRepWaitForLSN') this.destroy(lost(message ?? 'a commit no longer waits for its standby'))
    })
    client.on('notification', ({ channel, payload = '' }) => options.onNotification?.(channel, payload))
  }

  /** Rejects with a DatabaseError. */
  static async open(address: Address, host: Host, options: ConnectionOptions): Promise<Connection> {
    const isLocal = host.host.startsWith('/')
    const mode = isLocal ? 'disable' : address.sslMode
    let client: pg.Client
    try {
      client = await connectClient(address, host, options, mode !== 'disable')
    } catch (error) {
      const known = toDatabaseError(error)
      if (mode !== 'prefer' || known.code !== 'NO_TLS') throw known
      client = await connectClient(address, host, options, false).catch((plain: unknown) => {
        throw toDatabaseError(plain)
      })
    }
    const connection = new Connection(host, client, options)
    const pairs = Object.entries(settings(options.idleMsMax))
    const values = pairs.flat()
    const calls = pairs.map((_, index) => `set_config($${2 * index + 1}, $${2 * index + 2}, false)`)
    try {
      await connection.run({ name: '', text: `SELECT ${checkClient}, ${calls.join(', ')}` }, ...values)
      return connection
    } catch (error) {
      await connection.close()
      throw error
    }
  }

  get isEncrypted(): boolean {
    return 'encrypted' in this.#client.connection.stream
  }

  /** How long ago it has answered last. */
  get silentMs(): number {
    return performance.now() - this.#answeredAt
  }

  get isBroken(): boolean {
    return this.#death !== undefined
  }

  run<Row extends readonly unknown[]>(statement: Statement, ...values: readonly Value[]): Promise<Answered<Row>> {
    return this.#ask<Row>({ name: statement.name, text: statement.text, values: [...values] })
  }

  /** Statements without values, one or several; several are one transaction. The answer is that of the last one. */
  execute(text: string): Promise<Answered<readonly unknown[]>> {
    return this.#ask({ text })
  }

  /**
   * All of what `body` does, or nothing. When nothing more hangs on an answer, `body` may call `commit`, which saves a
   * journey: the transaction is committed if all that was said until then succeeds. Rejects with a DatabaseError: if that
   * is broken and the transaction was about to be committed, nobody knows whether it is. What `body` rejects with itself
   * is thrown on.
   */
  async transact<Result>(body: (link: Link, commit: () => void) => Promise<Result>): Promise<Result> {
    const link = new TransactionLink(this)
    void started(link.note(this.execute('BEGIN')))
    let committing: Promise<Answered<readonly unknown[]>> | undefined
    const commit = () => {
      link.end()
      committing ??= started(link.note(this.execute('COMMIT')))
      return committing
    }
    try {
      const result = await body(link, () => void commit())
      const { command } = await commit()
      if (command === 'COMMIT' && link.cause === undefined) return result
      throw new DatabaseError('25P02', 'the transaction was rolled back', false)
    } catch (error) {
      link.end()
      // If this is not answered, nothing is known.
      const { command } = await (committing ?? this.execute('ROLLBACK'))
      const cause = link.cause ?? error
      if (command !== 'COMMIT') throw cause
      // Something of it is there: who opens it anew looks up what.
      const why = `a transaction was committed, and what was said or answered in it was not understood: ${String(cause)}`
      const misunderstood = new DatabaseError('CONNECTION_LOST', why, true, { cause })
      this.destroy(misunderstood)
      throw misunderstood
    }
  }

  /** Gives it up at once. All that is not answered rejects. */
  destroy(error: DatabaseError): void {
    if (this.#death !== undefined) return
    this.#death = error
    clearTimeout(this.#patience)
    this.#client.connection.stream.destroy()
    this.#options.onBroken(error)
  }

  async close(): Promise<void> {
    if (this.#death !== undefined) return
    this.#death = lost('it was closed by this server')
    clearTimeout(this.#patience)
    const impatience = setTimeout(() => this.#client.connection.stream.destroy(), goodbyeMs)
    await this.#client.end()
    clearTimeout(impatience)
  }

  #ask<Row extends readonly unknown[]>(query: pg.QueryConfig): Promise<Answered<Row>> {
    return new Promise((resolve, reject) => {
      if (this.#death !== undefined) return reject(this.#death)
      if (this.#pending++ === 0) this.#wait()
      this.#cork()
      const config: pg.QueryArrayConfig = { ...query, types, rowMode: 'array' }
      this.#client.query(config, (error: Error | null, result: Result | Result[]) => {
        this.#pending--
        if (this.#death !== undefined) return reject(this.#death)
        this.#answers++
        this.#answeredAt = performance.now()
        if (this.#pending === 0) clearTimeout(this.#patience)
        else this.#patience?.refresh()
        if (error !== null) {
          const known = toDatabaseError(error)
          // It may not even have been sent, and what follows in its transaction would be done without it.
          if (known.isBroken) this.destroy(known)
          return reject(known)
        }
        const last = Array.isArray(result) ? result.at(-1) : result
        // Who writes the statement says what its rows are.
        const rows = (last?.rows ?? []) as unknown as Row[]
        resolve({ rows, count: last?.rowCount ?? 0, command: last?.command ?? '' })
      })
    })
  }

  /** What is asked before anything else has its turn leaves together. */
  #cork(): void {
    if (this.#isCorked) return
    this.#isCorked = true
    const { stream } = this.#client.connection
    stream.cork()
    process.nextTick(() => {
      this.#isCorked = false
      stream.uncork()
    })
  }

  #wait(): void {
    const { patienceMs, isHeardOf } = this.#options
    let rounds = 0
    let answers = this.#answers
    const patience = setTimeout(() => {
      rounds = this.#answers === answers ? rounds + 1 : 1
      answers = this.#answers
      // When this process was stopped the answer may be there and only not be read.
      setImmediate(() => {
        if (this.#pending === 0 || this.#death !== undefined) return
        if (this.#answers > answers || (rounds < roundsMax && isHeardOf?.() === true)) patience.refresh()
        else this.destroy(lost(`the database has not answered for ${rounds * patienceMs} ms`))
      })
    }, patienceMs)
    this.#patience = patience
  }
}

/** Of several statements there is one each. */
type Result = pg.QueryArrayResult<unknown[]>

function lost(why: string): DatabaseError {
  return new DatabaseError('CONNECTION_LOST', why, true)
}

/** What pg says, of the database, of a socket or of itself. Details are left out: they may quote a job. */
function toDatabaseError(error: unknown): DatabaseError {
  if (error instanceof DatabaseError) return error
  if (!(error instanceof Error)) return lost(String(error))
  const code = 'code' in error && typeof error.code === 'string' ? error.code : codeOf(error.message)
  if (/^[0-9A-Z]{5}$/.test(code) && error instanceof pg.DatabaseError) {
    return new DatabaseError(code, error.message, endsConnection(code))
  }
  return new DatabaseError(code, error.message || code, true)
}

/** pg has errors without one. */
function codeOf(message: string): string {
  if (message === 'timeout expired') return 'ETIMEDOUT'
  if (message === 'The server does not support SSL connections') return 'NO_TLS'
  return message.startsWith('SASL') ? '28P01' : 'CONNECTION_LOST'
}
