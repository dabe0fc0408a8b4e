import type { Priority } from '@geartrain/engine'
import type { Database, Statement } from 'better-sqlite3'
import { withNote } from '../failure-notes.ts'
import type { StoredChange } from '../store.ts'
import type { FunctionRow, FunctionTable } from './functions.ts'
import type { Positions } from './positions.ts'
import type { NameColumn } from './text.ts'

/** What a change has to know of a job that has not ended. */
export type LiveRow = [
  functionId: number,
  priority: Priority,
  position: number,
  unique: NameColumn,
  key: number | null,
  attempts: number,
  failures: string | null,
]

type Retry = Extract<StoredChange, { kind: 'retry' }>

/** Jobs that stay where they are, or wait somewhere else. */
export class LiveJobs {
  readonly #functions: FunctionTable
  readonly #positions: Positions
  readonly #find: Statement<[number], LiveRow>
  readonly #note: Statement<[number, string, number, number]>
  readonly #delay: Statement<[number, number, string, number]>
  readonly #prioritize: Statement<[Priority, number, number]>
  readonly #hasten: Statement<[number, number, number]>

  constructor(database: Database, functions: FunctionTable, positions: Positions) {
    this.#functions = functions
    this.#positions = positions
    this.#find = database
      .prepare<[number], LiveRow>(`
        SELECT function_id, priority, position, unique_name, unique_key, attempts, failures
        FROM jobs WHERE number = ?`)
      .raw()
    this.#note = database.prepare(
      'UPDATE jobs SET attempts = ?, failures = ?, expire_at = NULL, ready_at = ? WHERE number = ?',
    )
    this.#delay = database.prepare(`
      UPDATE jobs SET position = 0, run_at = ?, attempts = ?, failures = ?, expire_at = NULL WHERE number = ?`)
    this.#prioritize = database.prepare('UPDATE jobs SET priority = ?, position = ? WHERE number = ?')
    this.#hasten = database.prepare('UPDATE jobs SET position = ?, run_at = 0, ready_at = ? WHERE number = ?')
  }

  find(number: number): LiveRow | undefined {
    return this.#find.get(number)
  }

  /** Within a transaction, as all that changes something. False: it is not there. */
  retry({ number, runAt, attempts, failure }: Retry): boolean {
    const row = this.find(number)
    if (row === undefined) return false
    const [functionId, priority, position, , , known, failures] = row
    // It was kept before.
    if (attempts <= known) return true
    const noted = withNote(failures, known, failure)
    if (runAt === 0) {
      this.#note.run(attempts, noted, failure.at, number)
      return true
    }
    this.#delay.run(runAt, attempts, noted, number)
    const owner = this.#functions.touched(functionId)
    owner.leave(priority, position)
    owner.enter(priority, 0, false)
    return true
  }

  prioritize(number: number, to: Priority): boolean {
    const row = this.find(number)
    if (row === undefined) return false
    const [functionId, from, position] = row
    if (from === to) return true
    const owner = this.#functions.touched(functionId)
    const isClaimed = position > 0 && owner.isClaimed(from, position)
    const place = position === 0 ? 0 : this.#positions.next()
    this.#prioritize.run(to, place, number)
    owner.leave(from, position)
    owner.enter(to, place, isClaimed)
    return true
  }

  /** The line in which it is ready now; undefined: there is no such job that is delayed. */
  hasten(number: number, now: number): { owner: FunctionRow; priority: Priority } | undefined {
    const row = this.find(number)
    if (row === undefined) return undefined
    const [functionId, priority, before] = row
    if (before > 0) return undefined
    const position = this.#positions.next()
    this.#hasten.run(position, now, number)
    const owner = this.#functions.touched(functionId)
    owner.leave(priority, 0)
    owner.enter(priority, position, false)
    return { owner, priority }
  }
}
