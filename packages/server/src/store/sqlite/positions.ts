import type { Database } from 'better-sqlite3'

/**
 * Places in the line of ready jobs. One counter serves all lines: a job that becomes ready stands behind all that
 * already are, and no place is given twice while the database is open.
 */
export class Positions {
  #last = 0

  constructor(database: Database) {
    const lastOf = database
      .prepare<[number, number], number>(
        // By its index, which has only positions above 0.
        'SELECT position FROM jobs WHERE function_id = ? AND priority = ? AND position > 0 ORDER BY position DESC LIMIT 1',
      )
      .pluck()
    const lines = database.prepare<[], [number, number]>('SELECT function_id, priority FROM counts WHERE ready > 0')
    for (const [functionId, priority] of lines.raw().all()) {
      this.#last = Math.max(this.#last, lastOf.get(functionId, priority) ?? 0)
    }
  }

  next(): number {
    return ++this.#last
  }
}
