import type { Place } from '../store-suite/counter.ts'
import type { SharedPostgres } from '../support/postgres/shared-postgres.ts'
import { PostgresStore, type PostgresStoreOptions } from './postgres-parts.ts'

/** A database of its own for a PostgreSQL store. */
export class PostgresPlace implements Place {
  readonly isShared = true
  readonly fullCode = 'POSTGRES_53100'
  readonly name: string
  readonly url: string
  readonly #postgres: SharedPostgres
  readonly #stores: PostgresStore[] = []

  private constructor(postgres: SharedPostgres, name: string, url: string) {
    this.#postgres = postgres
    this.name = name
    this.url = url
  }

  static async make(postgres: SharedPostgres): Promise<PostgresPlace> {
    const { name, url } = await postgres.createDatabase()
    return new PostgresPlace(postgres, name, url)
  }

  /** `port`: of a proxy before the database. */
  makeStore(options: PostgresStoreOptions = {}, port?: number): PostgresStore {
    const url = port === undefined ? this.url : this.url.replace(/:\d+\//, `:${port}/`)
    const store = new PostgresStore(url, { serverName: `server ${this.#stores.length + 1}`, ...options })
    this.#stores.push(store)
    return store
  }

  /** The tables must be there. */
  async makeSmallStore(workloadBytes: number): Promise<PostgresStore> {
    await this.query(`
      CREATE FUNCTION geartrain.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF (SELECT sum(octet_length(workload)) FROM geartrain.jobs) > ${workloadBytes} THEN
          RAISE EXCEPTION USING ERRCODE = '53100', MESSAGE = 'no space left on device';
        END IF;
        RETURN NULL;
      END $$;
      CREATE TRIGGER refuse AFTER INSERT ON geartrain.jobs FOR EACH STATEMENT EXECUTE FUNCTION geartrain.refuse()`)
    return this.makeStore()
  }

  async query<Row extends object>(sql: string): Promise<Row[]> {
    return (await this.#postgres.process()).query<Row>(sql, [], this.name)
  }

  /** With all that was opened on it. */
  async remove(): Promise<void> {
    await Promise.all(this.#stores.map((store) => store.close()))
    await (await this.#postgres.process()).dropDatabase(this.name)
  }
}
