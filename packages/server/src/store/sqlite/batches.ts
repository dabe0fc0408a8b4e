import type { Database, Statement } from 'better-sqlite3'
import {
  type Batch,
  type BatchResult,
  nothingWritten,
  type StoreAnswer,
  type StoredFunction,
  type StoreFailure,
  type StoreRequest,
  type StoreState,
} from '../store.ts'
import { Additions } from './additions.ts'
import { Claims } from './claims.ts'
import { toFailure } from './failure.ts'
import { FunctionTable } from './functions.ts'
import { LookUps } from './look-ups.ts'
import { Positions } from './positions.ts'
import { Promotions } from './promotions.ts'
import { Removals } from './removals.ts'
import { fromColumn, type NameColumn } from './text.ts'
import { type UniqueKey, Uniques } from './uniques.ts'

/** Does batches in a database that is open. */
export class Batches {
  readonly #database: Database
  readonly #functions: FunctionTable
  readonly #additions: Additions
  readonly #removals: Removals
  readonly #promotions: Promotions
  readonly #claims: Claims
  readonly #lookUps: LookUps
  readonly #begin: Statement<[]>
  readonly #commit: Statement<[]>
  readonly #reserve: Statement<[number]>

  constructor(database: Database, key: UniqueKey) {
    this.#database = database
    removeEmptyFunctions(database)
    this.#functions = new FunctionTable(database)
    const positions = new Positions(database)
    const uniques = new Uniques(database, key)
    this.#additions = new Additions(database, this.#functions, uniques, positions)
    this.#removals = new Removals(database, this.#functions, uniques)
    this.#promotions = new Promotions(database, this.#functions, positions)
    this.#claims = new Claims(database, this.#functions)
    this.#lookUps = new LookUps(database, this.#functions, uniques)
    this.#begin = database.prepare('BEGIN IMMEDIATE')
    this.#commit = database.prepare('COMMIT')
    this.#reserve = database.prepare('UPDATE numbers SET reserved_until = max(reserved_until, ?)')
  }

  state(atLeast: number): StoreState {
    const read = (sql: string) => this.#database.prepare<[], number>(sql).pluck().get() ?? 0
    const reserved = read('SELECT reserved_until FROM numbers')
    const taken = read('SELECT max(number) FROM jobs')
    return {
      firstNumber: Math.max(atLeast, reserved, taken + 1),
      functions: storedFunctions(this.#database),
      nextDueAt: this.#promotions.nextDueAt,
      nextExpiryAt: Number.POSITIVE_INFINITY,
      nextSweepAt: Number.POSITIVE_INFINITY,
      documents: [],
    }
  }

  perform(batch: Batch): BatchResult {
    const result = hasWrites(batch) ? this.#write(batch) : nothingWritten
    return { ...result, answers: batch.requests.map((request) => this.#answer(request)) }
  }

  #write(batch: Batch): Omit<BatchResult, 'answers'> {
    try {
      this.#begin.run()
      this.#removals.forget(batch.forget)
      const cancelled = this.#removals.cancel(batch.cancel)
      const joined = this.#additions.add(batch.functions, batch.additions)
      const { promoteUntil, reserveUntil } = batch
      const promoted = promoteUntil === undefined ? [] : this.#promotions.promote(promoteUntil)
      const nextDueAt = promoteUntil === undefined ? undefined : this.#promotions.nextDueAt
      if (reserveUntil !== undefined) this.#reserve.run(reserveUntil)
      this.#functions.writeCounts()
      this.#commit.run()
      this.#functions.committed()
      return { ...nothingWritten, failure: undefined, joined, cancelled, promoted, nextDueAt }
    } catch (error) {
      return { ...nothingWritten, failure: this.#rollBack(error) }
    }
  }

  #rollBack(error: unknown): StoreFailure {
    this.#functions.rolledBack()
    // After some errors SQLite has done it.
    if (this.#database.inTransaction) this.#database.exec('ROLLBACK')
    const failure = toFailure(error)
    if (failure === undefined) throw error
    return failure
  }

  #answer(request: StoreRequest): StoreAnswer {
    try {
      switch (request.kind) {
        case 'claim':
          return this.#claims.claim(request)
        case 'find':
          return { kind: 'find', job: this.#lookUps.find(request.number) }
        case 'find unique':
          return { kind: 'find', job: this.#lookUps.findUnique(request.unique) }
        case 'find same':
          return { kind: 'find', job: this.#lookUps.findSame(request) }
        case 'list':
          return { kind: 'list', jobs: this.#lookUps.list(request.after, request.jobsMax) }
        default:
          throw new Error(`the store can't ${request.kind}`)
      }
    } catch (error) {
      const failure = toFailure(error)
      if (failure === undefined) throw error
      return { kind: 'failed', failure }
    }
  }
}

function hasWrites({ forget, cancel, additionCount, promoteUntil, reserveUntil }: Batch): boolean {
  return (
    forget.length > 0 ||
    cancel.length > 0 ||
    additionCount > 0 ||
    promoteUntil !== undefined ||
    reserveUntil !== undefined
  )
}

/** Names are only ever added while the database is open. */
function removeEmptyFunctions(database: Database): void {
  database.exec(`
    BEGIN IMMEDIATE;
    DELETE FROM counts WHERE ready = 0 AND delayed = 0;
    DELETE FROM functions WHERE id NOT IN (SELECT function_id FROM counts);
    COMMIT`)
}

function storedFunctions(database: Database): StoredFunction[] {
  const functions = new Map<string, { name: string; ready: [number, number, number]; delayed: number; dead: number }>()
  const counts = database.prepare<[], [NameColumn, 0 | 1 | 2, number, number]>(
    'SELECT name, priority, ready, delayed FROM counts JOIN functions ON functions.id = function_id',
  )
  for (const [column, priority, ready, delayed] of counts.raw().all()) {
    const name = fromColumn(column)
    const known = functions.get(name) ?? { name, ready: [0, 0, 0], delayed: 0, dead: 0 }
    known.ready[priority] = ready
    known.delayed += delayed
    functions.set(name, known)
  }
  return [...functions.values()]
}
