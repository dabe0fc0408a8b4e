import type { StoreAnswer, StoredFilter, StoreRequest } from '@geartrain/server'
// Parts of the server that it does not export, from where the build puts them: the path is the same from src and dist.
import { parseAddress } from '../../../packages/server/dist/store/postgres/address.js'
import { Connection } from '../../../packages/server/dist/store/postgres/connection.js'
import { migrate } from '../../../packages/server/dist/store/postgres/migrate.js'
import { Requests } from '../../../packages/server/dist/store/postgres/requests.js'
import { uniqueKey } from '../../../packages/server/dist/store/postgres/unique-key.js'
import { anyJob } from '../store-suite/parts.ts'
import type { SharedPostgres } from '../support/postgres/shared-postgres.ts'

export { Documents } from '../../../packages/server/dist/store/postgres/documents.js'
export { HistorySteps } from '../../../packages/server/dist/store/postgres/history-steps.js'
export { entriesMax } from '../../../packages/server/dist/store/postgres/scan-statements.js'
export { readState } from '../../../packages/server/dist/store/postgres/state.js'

type Request = Exclude<StoreRequest, { kind: 'claim' }>
type Asked<Kind extends Request['kind']> = Extract<Request, { kind: Kind }>

export const anything: StoredFilter = { ...anyJob, state: 'live' }

export const serverId = 7

/** The tables on a database of their own, with rows that tests put there. */
export class Ledger implements AsyncDisposable {
  readonly connection: Connection
  readonly #url: string
  readonly #others: Connection[] = []
  readonly #requests = new Requests()

  private constructor(url: string, connection: Connection) {
    this.#url = url
    this.connection = connection
  }

  static async make(postgres: SharedPostgres): Promise<Ledger> {
    const { url } = await postgres.createDatabase()
    const connection = await connect(url)
    await migrate(connection)
    return new Ledger(url, connection)
  }

  /** As another server has one. */
  async anotherConnection(): Promise<Connection> {
    const other = await connect(this.#url)
    this.#others.push(other)
    return other
  }

  async execute(sql: string): Promise<void> {
    await this.connection.execute(sql)
  }

  /**
   * Rows for the numbers of a range. `columns`: expressions, `i` is the number in them; what is not said is that of a job
   * of the function f which is ready since 1.
   */
  async put(
    table: 'jobs' | 'dead' | 'results',
    from: number,
    until: number,
    columns: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const { function: name = "'f'", ...rest } = columns
    await this.execute(`
      INSERT INTO geartrain.functions (name) SELECT DISTINCT convert_to(${name}, 'LATIN1') FROM generate_series(${from}, ${until}) AS i
      ON CONFLICT DO NOTHING`)
    const all: Record<string, string> = {
      number: 'i',
      function_id: `(SELECT id FROM geartrain.functions WHERE name = convert_to(${name}, 'LATIN1'))`,
      submitted_at: '1',
      attempts: '0',
      priority: '1',
      unique_name: "''",
      ...defaults[table],
      ...rest,
    }
    await this.execute(`
      INSERT INTO geartrain.${table} (${Object.keys(all).join(', ')})
      SELECT ${Object.values(all).join(', ')} FROM generate_series(${from}, ${until}) AS i`)
  }

  /** What servers keep with every batch. */
  async count(): Promise<void> {
    await this.execute(`
      DELETE FROM geartrain.counts;
      INSERT INTO geartrain.counts (server_id, function_id, priority, ready, delayed)
      SELECT 1, function_id, priority, count(*) FILTER (WHERE position > 0), count(*) FILTER (WHERE run_at > 0)
      FROM geartrain.jobs GROUP BY function_id, priority`)
  }

  answer(request: Request, ended: readonly number[] = []): Promise<StoreAnswer> {
    return this.#requests.answer(this.connection, ended, request, serverId)
  }

  /** What must be answered. */
  async ask<Kind extends Request['kind'], Answer extends StoreAnswer['kind']>(
    request: Asked<Kind>,
    kind: Answer,
    ended: readonly number[] = [],
  ): Promise<Extract<StoreAnswer, { kind: Answer }>> {
    const answer = await this.answer(request, ended)
    if (answer.kind === 'failed') throw new Error(answer.failure.message)
    if (answer.kind !== kind) throw new Error(`the answer is ${answer.kind}`)
    // It is of that kind.
    return answer as Extract<StoreAnswer, { kind: Answer }>
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const each of [this.connection, ...this.#others]) await each.close()
  }
}

/** The key of a unique, in SQL. */
export function keyOf(unique: string): string {
  return `'${uniqueKey(unique, new Uint8Array(0))?.toString('hex')}'::uuid`
}

const defaults = {
  jobs: { position: 'i', run_at: '0', owner: '0', workload: "''" },
  dead: { died_at: 'i', keep_until: '9', reason: "'failed'", workload: "''" },
  results: {
    ended_at: 'i',
    keep_until: '9',
    unique_until: '0',
    sweep_at: '9',
    numerator: '0',
    denominator: '0',
    outcome: "'complete'",
    data: "''",
  },
} as const

function connect(url: string): Promise<Connection> {
  const address = parseAddress(url)
  const [host] = address.hosts
  if (host === undefined) throw new Error('the URL names no host')
  return Connection.open(address, host, {
    applicationName: 'reads',
    idleMsMax: 60_000,
    patienceMs: 60_000,
    onBroken: (error) => {
      throw error
    },
  })
}
