/** A statement that is prepared once on each connection. */
export interface Statement {
  /** Of all statements the only one with this name. */
  readonly name: string
  readonly text: string
}

/** A Buffer goes as it is, in PostgreSQL's binary format: bytea, or an array that arrays.ts has written. */
export type Value = number | string | Buffer | boolean | null

/**
 * What a statement has answered. Columns: int2, int4, int8, float8 and oid are numbers, bool a boolean, bytea a Buffer,
 * all else a string; timestamps are not selected but turned into milliseconds in SQL.
 */
export interface Answered<Row extends readonly unknown[]> {
  readonly rows: readonly Row[]
  /** Rows that were selected, or changed. */
  readonly count: number
  /** `INSERT`, `COMMIT`, `ROLLBACK`. */
  readonly command: string
}

/**
 * A connection to the database, as those who write statements see it. Statements leave at the end of the tick and are done
 * in the order in which they are run: several that do not need each other's answers take one journey. After one has failed
 * in a transaction, the others of it fail as well.
 */
export interface Link {
  /** Rejects with a DatabaseError. */
  run<Row extends readonly unknown[]>(statement: Statement, ...values: readonly Value[]): Promise<Answered<Row>>
}

/** For what is awaited only after something else was: that it has failed is heard then. */
export function started<T>(answer: Promise<T>): Promise<T> {
  answer.catch(() => {})
  return answer
}

/** What the database says of a statement, or the connection of itself. */
export class DatabaseError extends Error {
  /** SQLSTATE, or a word of our own: `CONNECTION_LOST`. */
  readonly code: string
  /** The connection can't be used any more. */
  readonly isBroken: boolean

  constructor(code: string, message: string, isBroken: boolean, options?: ErrorOptions) {
    super(message, options)
    this.name = 'DatabaseError'
    this.code = code
    this.isBroken = isBroken
  }
}
