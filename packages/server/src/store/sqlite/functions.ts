import type { Priority } from '@geartrain/engine'
import type { Database, Statement } from 'better-sqlite3'
import { fits, isPattern } from '../../policies/function-name.ts'
import { fromColumn, type NameColumn, toColumn } from './text.ts'

type ByPriority = [high: number, normal: number, low: number]

/** A function with jobs. What a transaction changes is kept apart until it is committed. */
export class FunctionRow {
  readonly id: number
  readonly name: string
  /** Position of the last job that was claimed: those up to it are not claimed again. */
  readonly cursors: ByPriority = [0, 0, 0]
  /** Positions behind the cursor of jobs that were added as claimed, in order. */
  readonly claimedAhead: readonly [Set<number>, Set<number>, Set<number>] = [new Set(), new Set(), new Set()]
  /** Jobs that are dead. */
  dead = 0

  // In this transaction:
  readonly readyAdded: ByPriority = [0, 0, 0]
  readonly delayedAdded: ByPriority = [0, 0, 0]
  readonly deadAdded: ByPriority = [0, 0, 0]
  /** Of jobs that have ended. */
  readonly keptAdded: ByPriority = [0, 0, 0]
  /** Positions of jobs that were added as claimed. */
  readonly claimedAdded: readonly [number[], number[], number[]] = [[], [], []]
  /** Positions of jobs that were removed. */
  readonly removed: readonly [number[], number[], number[]] = [[], [], []]
  isTouched = false

  constructor(id: number, name: string) {
    this.id = id
    this.name = name
  }

  /** As it will be when this transaction is committed. */
  get deadSoon(): number {
    return this.deadAdded.reduce((sum, added) => sum + added, this.dead)
  }

  /** Of a job that is ready: this server has it. */
  isClaimed(priority: Priority, position: number): boolean {
    if (position <= this.cursors[priority] || this.claimedAhead[priority].has(position)) return true
    return this.claimedAdded[priority].includes(position)
  }

  /** Within a transaction: a job comes into its line, or is delayed if it has no position. */
  enter(priority: Priority, position: number, isClaimed: boolean): void {
    if (position === 0) this.delayedAdded[priority]++
    else this.readyAdded[priority]++
    if (isClaimed) this.claimedAdded[priority].push(position)
  }

  /** The same: it goes. */
  leave(priority: Priority, position: number): void {
    if (position === 0) this.delayedAdded[priority]--
    else {
      this.readyAdded[priority]--
      if (position > this.cursors[priority]) this.removed[priority].push(position)
    }
  }

  /** All jobs up to this position are claimed. */
  moveCursor(priority: Priority, position: number): void {
    this.cursors[priority] = position
    const ahead = this.claimedAhead[priority]
    for (const each of ahead) {
      if (each > position) break
      ahead.delete(each)
    }
  }
}

/** The tables `functions` and `counts`, and where in each line this server is. */
export class FunctionTable {
  readonly #byName = new Map<string, FunctionRow>()
  readonly #byId = new Map<number, FunctionRow>()
  /** In this transaction. */
  #touched: FunctionRow[] = []
  #added: FunctionRow[] = []
  readonly #insert: Statement<[NameColumn]>
  readonly #addToCounts: Statement<[number, number, number, number, number, number]>

  constructor(database: Database) {
    for (const [id, name] of database.prepare<[], [number, NameColumn]>('SELECT id, name FROM functions').raw().all()) {
      this.#remember(new FunctionRow(id, fromColumn(name)))
    }
    const dead = database.prepare<[], [number, number]>('SELECT function_id, dead FROM counts WHERE dead > 0')
    for (const [id, count] of dead.raw().all()) this.withId(id).dead += count
    this.#insert = database.prepare('INSERT INTO functions (name) VALUES (?)')
    this.#addToCounts = database.prepare(`
      INSERT INTO counts (function_id, priority, ready, delayed, dead, kept) VALUES (?, ?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET ready = ready + excluded.ready, delayed = delayed + excluded.delayed,
        dead = dead + excluded.dead, kept = kept + excluded.kept`)
  }

  find(name: string): FunctionRow | undefined {
    return this.#byName.get(name)
  }

  /** Those that a name or a pattern stands for. */
  fitting(nameOrPattern: string): FunctionRow[] {
    if (isPattern(nameOrPattern)) return [...this.#byName.values()].filter(({ name }) => fits(nameOrPattern, name))
    const row = this.find(nameOrPattern)
    return row === undefined ? [] : [row]
  }

  withId(id: number): FunctionRow {
    const row = this.#byId.get(id)
    if (row === undefined) throw new Error(`no function has the id ${id}`)
    return row
  }

  /** Of functions that have dead jobs. */
  get deadCounts(): { name: string; count: number }[] {
    return [...this.#byName.values()].flatMap(({ name, dead }) => (dead > 0 ? [{ name, count: dead }] : []))
  }

  /** Within a transaction. */
  findOrAdd(name: string): FunctionRow {
    const known = this.#byName.get(name)
    if (known !== undefined) return known
    const row = new FunctionRow(Number(this.#insert.run(toColumn(name)).lastInsertRowid), name)
    this.#remember(row)
    this.#added.push(row)
    return row
  }

  /** With this id, to change its numbers of this transaction. */
  touched(id: number): FunctionRow {
    const row = this.withId(id)
    this.touch(row)
    return row
  }

  /** Before the row's numbers of this transaction are changed. */
  touch(row: FunctionRow): void {
    if (row.isTouched) return
    row.isTouched = true
    this.#touched.push(row)
  }

  /** Last thing in the transaction. */
  writeCounts(): void {
    for (const { id, readyAdded, delayedAdded, deadAdded, keptAdded } of this.#touched) {
      for (const priority of [0, 1, 2] as const) {
        const [ready, delayed] = [readyAdded[priority], delayedAdded[priority]]
        const [dead, kept] = [deadAdded[priority], keptAdded[priority]]
        if (ready !== 0 || delayed !== 0 || dead !== 0 || kept !== 0) {
          this.#addToCounts.run(id, priority, ready, delayed, dead, kept)
        }
      }
    }
  }

  committed(): void {
    for (const row of this.#touched) {
      const { claimedAhead, claimedAdded, removed } = row
      row.dead = row.deadSoon
      for (const priority of [0, 1, 2] as const) {
        const ahead = claimedAhead[priority]
        for (const position of claimedAdded[priority]) ahead.add(position)
        if (ahead.size > 0) for (const position of removed[priority]) ahead.delete(position)
      }
    }
    this.#endTransaction()
  }

  rolledBack(): void {
    for (const row of this.#added) {
      this.#byName.delete(row.name)
      this.#byId.delete(row.id)
    }
    this.#endTransaction()
  }

  #endTransaction(): void {
    for (const row of this.#touched) {
      row.isTouched = false
      for (const added of [row.readyAdded, row.delayedAdded, row.deadAdded, row.keptAdded]) added.fill(0)
      for (const positions of [...row.claimedAdded, ...row.removed]) positions.length = 0
    }
    this.#touched = []
    this.#added = []
  }

  #remember(row: FunctionRow): void {
    this.#byName.set(row.name, row)
    this.#byId.set(row.id, row)
  }
}
