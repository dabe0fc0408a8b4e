import { after } from 'node:test'
import { missingPostgres } from './binaries.ts'
import { type FreshDatabase, PostgresProcess } from './postgres-process.ts'
import type { Settings } from './settings.ts'

/** One PostgreSQL for all tests of a file, started when the first of them asks and removed after the last. */
export class SharedPostgres {
  /** For the tests' options: false, or why they can't run here. */
  readonly skip: string | false = missingPostgres() ?? false
  readonly #settings: Settings
  #started: Promise<PostgresProcess> | undefined

  constructor(settings: Settings) {
    this.#settings = settings
  }

  process(): Promise<PostgresProcess> {
    this.#started ??= PostgresProcess.start({ settings: this.#settings })
    return this.#started
  }

  /** An empty database, which goes with the process. */
  async createDatabase(): Promise<FreshDatabase> {
    return (await this.process()).createDatabase()
  }

  async remove(): Promise<void> {
    await (await this.#started)?.remove()
  }
}

/** At the top of a test file: `const postgres = sharedPostgres()`. */
export function sharedPostgres({ settings = {} }: { readonly settings?: Settings } = {}): SharedPostgres {
  const shared = new SharedPostgres(settings)
  after(() => shared.remove())
  return shared
}
