import type { Database, Statement } from 'better-sqlite3'
import type { StoredChange, StoredDocument } from '../store.ts'

type Change = Extract<StoredChange, { kind: 'document' }>['document']

/** The table `documents`. */
export class Documents {
  readonly #all: Statement<[], StoredDocument>
  readonly #put: Statement<[string, string, string]>
  readonly #remove: Statement<[string, string]>

  constructor(database: Database) {
    this.#all = database.prepare('SELECT kind, name, body FROM documents ORDER BY kind, name')
    this.#put = database.prepare('INSERT OR REPLACE INTO documents (kind, name, body) VALUES (?, ?, ?)')
    this.#remove = database.prepare('DELETE FROM documents WHERE kind = ? AND name = ?')
  }

  get all(): readonly StoredDocument[] {
    return this.#all.all()
  }

  /** Within a transaction. False: there was none to remove. */
  change({ kind, name, body }: Change): boolean {
    if (body !== undefined) this.#put.run(kind, name, body)
    return body !== undefined || this.#remove.run(kind, name).changes > 0
  }
}
