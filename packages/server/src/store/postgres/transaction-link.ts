import type { Answered, Link, Statement, Value } from './link.ts'

/** What a transaction may use: no longer than it lasts. */
export class TransactionLink implements Link {
  /** What went wrong first: the rest fails because of it. */
  cause: unknown
  readonly #link: Link
  #isOver = false

  constructor(link: Link) {
    this.#link = link
  }

  run<Row extends readonly unknown[]>(statement: Statement, ...values: readonly Value[]): Promise<Answered<Row>> {
    if (this.#isOver) return Promise.reject(new Error(`the transaction of "${statement.name}" is over`))
    return this.note(this.#link.run<Row>(statement, ...values))
  }

  end(): void {
    this.#isOver = true
  }

  async note<Answer>(answer: Promise<Answer>): Promise<Answer> {
    try {
      return await answer
    } catch (error) {
      this.cause ??= error
      throw error
    }
  }
}
