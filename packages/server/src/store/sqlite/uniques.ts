import type { Database, Statement } from 'better-sqlite3'
import { type NameColumn, toColumn } from './text.ts'

export type UniqueKey = (unique: string, workload: Uint8Array) => number | null

/** Not none, and not `-`, which stands for the workload. */
export function isNamed(unique: string): boolean {
  return unique !== '' && unique !== '-'
}

/**
 * Which job another one joins. The jobs of one function whose uniques have the same key are told apart by `clash`,
 * which counts up from 0 without a gap: an addition that finds 0 free knows that there is none.
 */
export class Uniques {
  readonly key: UniqueKey
  readonly #byName: Statement<[number, number, NameColumn], number>
  readonly #byWorkload: Statement<[number, number, Uint8Array], number>
  readonly #inAnyFunction: Statement<[number, NameColumn], number>
  readonly #clashes: Statement<[number, number], number>
  readonly #anyClash: Statement<[]>
  readonly #closeGap: Statement<[number, number, number, number]>

  constructor(database: Database, key: UniqueKey) {
    this.key = key
    const select = (condition: string) => `SELECT number FROM jobs WHERE unique_key = ? AND ${condition}`
    this.#byName = database
      .prepare<[number, number, NameColumn], number>(select('function_id = ? AND unique_name = ?'))
      .pluck()
    this.#byWorkload = database
      .prepare<[number, number, Uint8Array], number>(select("function_id = ? AND unique_name = '-' AND workload = ?"))
      .pluck()
    this.#inAnyFunction = database
      .prepare<[number, NameColumn], number>(select('unique_name = ? ORDER BY number LIMIT 1'))
      .pluck()
    this.#clashes = database
      .prepare<[number, number], number>('SELECT count(*) FROM jobs WHERE unique_key = ? AND function_id = ?')
      .pluck()
    this.#closeGap = database.prepare(`
      UPDATE jobs SET clash = ? WHERE number = (
        SELECT number FROM jobs WHERE unique_key = ? AND function_id = ? AND clash > ? ORDER BY clash DESC LIMIT 1)`)
    this.#anyClash = database.prepare('SELECT 1 FROM jobs WHERE clash > 0 LIMIT 1')
  }

  /** Two uniques of one function have the same key: most databases never see it. */
  get haveClashes(): boolean {
    return this.#anyClash.get() !== undefined
  }

  /** The number of the job with this unique. */
  find(functionId: number, key: number, unique: string, workload: Uint8Array): number | undefined {
    return unique === '-'
      ? this.#byWorkload.get(key, functionId, workload)
      : this.#byName.get(key, functionId, toColumn(unique))
  }

  /** The lowest number of a job of any function with this unique; one that stands for a workload is none. */
  findInAnyFunction(unique: string): number | undefined {
    const key = this.keyOfName(unique)
    return key === null ? undefined : this.#inAnyFunction.get(key, toColumn(unique))
  }

  /** Null if it is no name: no job is found by it alone. */
  keyOfName(unique: string): number | null {
    return isNamed(unique) ? this.key(unique, noBytes) : null
  }

  /** For a job that is about to be added although its key is taken. */
  nextClash(functionId: number, key: number): number {
    return this.#clashes.get(key, functionId) ?? 0
  }

  /** After a job was removed. */
  closeGap(functionId: number, key: number | null, clash: number): void {
    if (key !== null) this.#closeGap.run(clash, key, functionId, clash)
  }
}

const noBytes = new Uint8Array(0)
