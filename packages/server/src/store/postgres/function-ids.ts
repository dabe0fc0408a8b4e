import { names as toArray } from './arrays.ts'
import type { Link } from './link.ts'
import { fromName } from './summaries.ts'

const find = {
  name: 'functions find',
  text: 'SELECT id, name FROM geartrain.functions WHERE name = ANY($1::bytea[])',
} as const

const add = {
  name: 'functions add',
  // Numbers of the sequence are not spent on those that are there.
  text: `
    INSERT INTO geartrain.functions (name)
    SELECT name FROM unnest($1::bytea[]) AS new (name)
    WHERE NOT EXISTS (SELECT FROM geartrain.functions AS known WHERE known.name = new.name)
    ORDER BY name ON CONFLICT (name) DO NOTHING`,
} as const

/** The ids of functions. They are kept for good: a function is never taken out of its table. */
export class FunctionIds {
  readonly #ids = new Map<string, number>()

  /** Undefined: none that was looked up. */
  get(name: string): number | undefined {
    return this.#ids.get(name)
  }

  /** Outside of a transaction, so that no other server waits for one that adds the same. */
  async findOrAdd(link: Link, names: Iterable<string>): Promise<void> {
    const missing = await this.find(link, names)
    if (missing.length === 0) return
    await link.run(add, toArray(missing))
    const still = await this.find(link, missing)
    if (still.length > 0) throw new Error(`${still.length} functions were added and are not there`)
  }

  /** Those that are not there. */
  async find(link: Link, names: Iterable<string>): Promise<string[]> {
    const unknown = this.#unknown(names)
    if (unknown.length === 0) return unknown
    const { rows } = await link.run<[id: number, name: Buffer]>(find, toArray(unknown))
    for (const [id, name] of rows) this.#ids.set(fromName(name), id)
    return this.#unknown(unknown)
  }

  #unknown(names: Iterable<string>): string[] {
    return [...new Set(names)].filter((name) => !this.#ids.has(name))
  }
}
