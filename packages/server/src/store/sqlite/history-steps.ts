import type { Database, Statement } from 'better-sqlite3'
import { rollUp } from '../../history/memory-history.ts'
import { type HistorySlice, mergeSlices, pickRows } from '../../history/slice.ts'

/** The table `history`. */
export class HistorySteps {
  readonly #find: Statement<[number, number], Buffer>
  readonly #insert: Statement<[number, number, Uint8Array]>
  readonly #update: Statement<[Uint8Array, number, number]>
  readonly #removeFirst: Statement<[number, number, number]>
  readonly #from: Statement<[number, number], [at: number, rows: Buffer]>

  constructor(database: Database) {
    this.#find = database
      .prepare<[number, number], Buffer>('SELECT rows FROM history WHERE step_ms = ? AND at = ?')
      .pluck()
    this.#insert = database.prepare('INSERT INTO history (step_ms, at, rows) VALUES (?, ?, ?)')
    this.#update = database.prepare('UPDATE history SET rows = ? WHERE step_ms = ? AND at = ?')
    this.#removeFirst = database.prepare(`
      DELETE FROM history WHERE step_ms = ? AND id <=
        (SELECT id FROM history WHERE step_ms = ? ORDER BY id DESC LIMIT 1 OFFSET ?)`)
    this.#from = database
      .prepare<[number, number], [number, Buffer]>(
        'SELECT at, rows FROM history WHERE step_ms = ? AND at >= ? ORDER BY at',
      )
      .raw()
  }

  /** Within a transaction. */
  add(samples: readonly HistorySlice[], functionsMax: number): void {
    for (const { tier, steps } of rollUp(samples)) {
      const { stepMs, stepsMax } = tier
      for (const { at, rows } of steps) {
        const kept = this.#find.get(stepMs, at)
        const merged = mergeSlices(kept, [rows], functionsMax)
        if (kept === undefined) this.#insert.run(stepMs, at, merged)
        else this.#update.run(merged, stepMs, at)
      }
      this.#removeFirst.run(stepMs, stepMs, stepsMax)
    }
  }

  read(stepMs: number, from: number, names: readonly string[] | undefined): HistorySlice[] {
    return this.#from.all(stepMs, from).map(([at, rows]) => ({ at, rows: pickRows(rows, names) }))
  }
}
