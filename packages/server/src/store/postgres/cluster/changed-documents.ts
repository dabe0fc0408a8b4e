import type { HeardDocument, StoredDocument } from '../../store.ts'
import type { Link, Statement } from '../link.ts'

/**
 * A version says nothing about when it could be seen first: a transaction may take one, and commit after another that has
 * a higher one. So it is asked by transaction: whatever could not be seen when `pg_snapshot_xmin` was read belongs to a
 * transaction with that number or a later one. Row and function have 32 bits of it, of which half a circle lies ahead;
 * rows that are older than that may be read once more, which does no harm.
 */
const read: Statement = {
  name: 'documents_changed',
  text: `
    SELECT kind, name, body, server_id, version FROM geartrain.documents
    WHERE $1::int8 IS NULL OR (xmin::text::int8 - $1::int8) & 4294967295 < 2147483648`,
}

const horizon: Statement = {
  name: 'documents_horizon',
  text: 'SELECT pg_snapshot_xmin(pg_current_snapshot())::text::int8 & 4294967295',
}

/** A document that was removed, as it stays in the table for a while. */
export interface Tombstone {
  readonly kind: string
  readonly name: string
  readonly version: number
}

/** Finds documents that others have changed. */
export class ChangedDocuments {
  /** Bodies as this server knows them. */
  readonly #known = new Map<string, string | undefined>()
  readonly #hasKnown: boolean
  /** No transaction before this one was under way when it was looked last. */
  #oldestUnseen: number | undefined
  #tombstones = new Map<string, Tombstone>()

  /** `known`: as they were when the store was opened; undefined: nobody has said, and all are news. */
  constructor(known: readonly StoredDocument[] | undefined) {
    this.#hasKnown = known !== undefined
    for (const { kind, name, body } of known ?? []) this.#known.set(keyOf(kind, name), body)
  }

  get tombstones(): readonly Tombstone[] {
    return [...this.#tombstones.values()]
  }

  async look(link: Link, serverId: number): Promise<HeardDocument[]> {
    // In this order: what is committed between the two is read now and once more.
    const [seenUntil, { rows }] = await Promise.all([
      link.run<[number]>(horizon),
      link.run<[string, string, string | null, number, number]>(read, this.#oldestUnseen ?? null),
    ])
    const isFirst = this.#oldestUnseen === undefined
    this.#oldestUnseen = seenUntil.rows[0]?.[0]
    const changed: HeardDocument[] = []
    for (const [kind, name, text, changedBy, version] of rows) {
      const key = keyOf(kind, name)
      const body = text ?? undefined
      if (body === undefined) this.#tombstones.set(key, { kind, name, version })
      else this.#tombstones.delete(key)
      const isNews = (isFirst && !this.#hasKnown) || this.#known.get(key) !== body
      this.#known.set(key, body)
      if (isNews && changedBy !== serverId) changed.push({ kind, name, body })
    }
    return changed
  }
}

function keyOf(kind: string, name: string): string {
  return `${kind}\0${name}`
}
