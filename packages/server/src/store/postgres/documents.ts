import type { StoredChange, StoredDocument } from '../store.ts'
import type { Link, Statement } from './link.ts'
import type { Transaction } from './transaction.ts'

type Change = Extract<StoredChange, { kind: 'document' }>['document']

const all: Statement = {
  name: 'documents',
  text: `
    SELECT kind, name, body FROM geartrain.documents WHERE body IS NOT NULL
    ORDER BY kind COLLATE "C", name COLLATE "C"`,
}
const put: Statement = {
  name: 'put document',
  text: `
    INSERT INTO geartrain.documents (kind, name, body, version, server_id)
    VALUES ($1, $2, $3, nextval('geartrain.document_versions'), $4)
    ON CONFLICT (kind, name) DO UPDATE
    SET body = excluded.body, version = excluded.version, server_id = excluded.server_id`,
}
/** The row stays a while, so that all hear of it. */
const remove: Statement = {
  name: 'remove document',
  text: `
    UPDATE geartrain.documents SET body = NULL, version = nextval('geartrain.document_versions'), server_id = $3
    WHERE kind = $1 AND name = $2 AND body IS NOT NULL`,
}

/** The table `documents`. */
export class Documents {
  async all(link: Link): Promise<readonly StoredDocument[]> {
    const { rows } = await link.run<[kind: string, name: string, body: string]>(all)
    return rows.map(([kind, name, body]) => ({ kind, name, body }))
  }

  /** Within a transaction. False: there was none to remove. */
  async change(tx: Transaction, { kind, name, body }: Change): Promise<boolean> {
    const { link, serverId } = tx
    const { count } = await (body === undefined
      ? link.run(remove, kind, name, serverId)
      : link.run(put, kind, name, body, serverId))
    if (count > 0) tx.areDocumentsChanged = true
    return count > 0
  }
}
