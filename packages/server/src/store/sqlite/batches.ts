import type { Database, Statement } from 'better-sqlite3'
import {
  type Batch,
  type BatchResult,
  hasWrites,
  nothingWritten,
  type StoreAnswer,
  type StoredFunction,
  type StoreFailure,
  type StoreRequest,
  type StoreState,
} from '../store.ts'
import { Additions } from './additions.ts'
import { Changes } from './changes.ts'
import { Claims } from './claims.ts'
import { DeadJobs } from './dead-jobs.ts'
import { Descriptions } from './descriptions.ts'
import { Documents } from './documents.ts'
import { Expiries } from './expiries.ts'
import { toFailure } from './failure.ts'
import { FunctionTable } from './functions.ts'
import { HistorySteps } from './history-steps.ts'
import { LiveJobs } from './live-jobs.ts'
import { LookUps } from './look-ups.ts'
import { Positions } from './positions.ts'
import { Promotions } from './promotions.ts'
import { Removals } from './removals.ts'
import { Results } from './results.ts'
import { Scans } from './scans.ts'
import { fromColumn, type NameColumn } from './text.ts'
import { type UniqueKey, Uniques } from './uniques.ts'

/** Does batches in a database that is open. */
export class Batches {
  readonly #database: Database
  readonly #functions: FunctionTable
  readonly #additions: Additions
  readonly #removals: Removals
  readonly #changes: Changes
  readonly #documents: Documents
  readonly #history: HistorySteps
  readonly #promotions: Promotions
  readonly #claims: Claims
  readonly #lookUps: LookUps
  readonly #expiries: Expiries
  readonly #descriptions: Descriptions
  readonly #scans: Scans
  readonly #begin: Statement<[]>
  readonly #commit: Statement<[]>
  readonly #reserve: Statement<[number, number, number], number>

  constructor(database: Database, key: UniqueKey) {
    this.#database = database
    removeEmptyFunctions(database)
    this.#functions = new FunctionTable(database)
    const positions = new Positions(database)
    const uniques = new Uniques(database, key)
    this.#removals = new Removals(database, this.#functions, uniques)
    const live = new LiveJobs(database, this.#functions, positions)
    const results = new Results(database, this.#functions, live, this.#removals)
    const dead = new DeadJobs(database, this.#functions, uniques, positions, live, this.#removals)
    this.#documents = new Documents(database)
    this.#history = new HistorySteps(database)
    this.#changes = new Changes(live, dead, results, this.#documents, this.#history)
    this.#additions = new Additions(database, this.#functions, uniques, positions, results, numberMax(database))
    this.#promotions = new Promotions(database, this.#functions, positions)
    this.#claims = new Claims(database, this.#functions)
    this.#lookUps = new LookUps(database, this.#functions, uniques)
    this.#expiries = new Expiries(database, this.#functions)
    this.#descriptions = new Descriptions(database, this.#functions, uniques)
    this.#scans = new Scans(database, this.#functions, uniques)
    this.#begin = database.prepare('BEGIN IMMEDIATE')
    this.#commit = database.prepare('COMMIT')
    this.#reserve = database
      .prepare<[number, number, number], number>(
        'UPDATE numbers SET reserved_until = max(reserved_until, ?) + ? RETURNING reserved_until - ?',
      )
      .pluck()
  }

  state(atLeast: number): StoreState {
    const reserved = this.#database.prepare<[], number>('SELECT reserved_until FROM numbers').pluck().get() ?? 0
    return {
      firstNumber: Math.max(atLeast, reserved, numberMax(this.#database) + 1),
      functions: storedFunctions(this.#database),
      nextDueAt: this.#promotions.nextDueAt,
      nextExpiryAt: this.#expiries.nextExpiryAt,
      nextSweepAt: this.#changes.nextSweepAt,
      documents: this.#documents.all,
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
      const changes = this.#changes.perform(batch.changes, batch.now)
      const added = this.#additions.add(batch.functions, batch.additions, batch.now)
      const { promoteUntil, reserve } = batch
      const due = promoteUntil === undefined ? [] : this.#promotions.promote(promoteUntil)
      const promoted = due.length === 0 ? changes.promoted : [...changes.promoted, ...due]
      const nextDueAt = promoteUntil === undefined ? undefined : this.#promotions.nextDueAt
      const reserved = reserve && this.#reserve.get(reserve.from, reserve.count, reserve.count)
      this.#functions.writeCounts()
      this.#commit.run()
      this.#functions.committed()
      return { failure: undefined, ...changes, ...added, cancelled, promoted, nextDueAt, reserved }
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
        case 'list function':
          return { kind: 'list', jobs: this.#lookUps.listFunction(request) }
        case 'list expired':
          return this.#expiries.list(request)
        case 'count dead':
          return { kind: 'count dead', functions: this.#functions.deadCounts }
        case 'describe':
          return { kind: 'describe', job: this.#descriptions.describe(request.number) }
        case 'describe unique':
          return { kind: 'describe', job: this.#descriptions.describeUnique(request) }
        case 'oldest ready':
          return { kind: 'oldest ready', readyAt: request.functions.map((name) => this.#lookUps.oldestReady(name)) }
        case 'scan':
          return this.#scans.scan(request)
        case 'count':
          return this.#scans.count(request)
        case 'group dead':
          return this.#scans.groupDead(request)
        case 'history':
          return { kind: 'history', slices: this.#history.read(request.stepMs, request.from, request.functions) }
      }
    } catch (error) {
      const failure = toFailure(error)
      if (failure === undefined) throw error
      return { kind: 'failed', failure }
    }
  }
}

/** Names are only ever added while the database is open. */
function removeEmptyFunctions(database: Database): void {
  database.exec(`
    BEGIN IMMEDIATE;
    DELETE FROM counts WHERE ready = 0 AND delayed = 0 AND dead = 0 AND kept = 0;
    DELETE FROM functions WHERE id NOT IN (SELECT function_id FROM counts);
    COMMIT`)
}

/** No job has a higher number, nor had one of which something is left. */
function numberMax(database: Database): number {
  const numbers = ['jobs', 'dead', 'results'].map((table) =>
    database.prepare<[], number | null>(`SELECT max(number) FROM ${table}`).pluck().get(),
  )
  return Math.max(...numbers.map((number) => number ?? 0))
}

function storedFunctions(database: Database): StoredFunction[] {
  const functions = new Map<string, { name: string; ready: [number, number, number]; delayed: number; dead: number }>()
  const counts = database.prepare<[], [NameColumn, 0 | 1 | 2, number, number, number]>(`
    SELECT name, priority, ready, delayed, dead FROM counts JOIN functions ON functions.id = function_id
    WHERE ready > 0 OR delayed > 0 OR dead > 0`)
  for (const [column, priority, ready, delayed, dead] of counts.raw().all()) {
    const name = fromColumn(column)
    const known = functions.get(name) ?? { name, ready: [0, 0, 0], delayed: 0, dead: 0 }
    known.ready[priority] = ready
    known.delayed += delayed
    known.dead += dead
    functions.set(name, known)
  }
  return [...functions.values()]
}
