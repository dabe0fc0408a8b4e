// Rows of what `status`, `prioritystatus`, `workers` and `show jobs` answer. Names in them are as on the wire.

/** A row with a name and numbers. */
export interface CountRow {
  readonly name: string
  readonly counts: readonly number[]
}

/** A row of `workers`. */
export interface WorkerRow {
  /** The connection's number within the server. */
  readonly number: number
  readonly address: string
  /** `-` or empty if it has given none. */
  readonly clientId: string
  readonly functions: readonly string[]
}

/** A name and so many numbers behind it, with tabs between. The name may have tabs itself. Undefined: it is no such row. */
export function parseCountRow(row: string, numbers: number): CountRow | undefined {
  const fields = row.split('\t')
  if (fields.length <= numbers) return undefined
  const counts: number[] = []
  for (const field of fields.slice(-numbers)) {
    if (!/^\d+$/.test(field)) return undefined
    counts.push(Number(field))
  }
  return { name: fields.slice(0, -numbers).join('\t'), counts }
}

/** `fd ip id : function function`. An id may have blanks, if a worker chose it so. Undefined: it is no such row. */
export function parseWorkerRow(row: string): WorkerRow | undefined {
  const match = /^(-?\d+) (\S+) (.*?) :((?: .*)?)$/.exec(row)
  if (match === null) return undefined
  const [, number = '', address = '', clientId = '', functions = ''] = match
  return {
    number: Number(number),
    address,
    clientId,
    functions: functions.split(' ').filter((name) => name !== ''),
  }
}
