import { isUtf8 } from 'node:buffer'

/**
 * Names have one byte a character in the program. In the database they are what a person reads in `sqlite3`: TEXT
 * where the bytes are UTF-8, BLOB where they are not. Either way they come back as the same bytes.
 */
export type NameColumn = string | Buffer

const notAscii = /[\u0080-\uffff]/

export function toColumn(name: string): NameColumn {
  if (!notAscii.test(name)) return name
  const bytes = Buffer.from(name, 'latin1')
  return isUtf8(bytes) ? bytes.toString('utf8') : bytes
}

export function fromColumn(column: NameColumn): string {
  if (typeof column !== 'string') return column.toString('latin1')
  return notAscii.test(column) ? Buffer.from(column, 'utf8').toString('latin1') : column
}

/** Of what most jobs do not have: NULL is none. */
export function toOptionalColumn(text: string): NameColumn | null {
  return text === '' ? null : toColumn(text)
}

export function fromOptionalColumn(column: NameColumn | null): string {
  return column === null ? '' : fromColumn(column)
}
