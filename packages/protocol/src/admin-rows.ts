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
  let end = row.length
  const counts: number[] = []
  while (counts.length < numbers) {
    const start = row.lastIndexOf('\t', end - 1)
    if (start < 0) return undefined
    const field = row.slice(start + 1, end)
    // More digits than a number of JavaScript has are no count of anything.
    if (!/^\d{1,15}$/.test(field)) return undefined
    counts.unshift(Number(field))
    end = start
  }
  return { name: row.slice(0, end), counts }
}

/** `fd ip id : function function`. An id may have blanks, if a worker chose it so. Undefined: it is no such row. */
export function parseWorkerRow(row: string): WorkerRow | undefined {
  // With `s`, since a row in which `.` stops short would be looked through again and again.
  const match = /^(-?\d{1,15}) (\S+) (.*?) :((?: .*)?)$/s.exec(row)
  if (match === null) return undefined
  const [, number = '', address = '', clientId = '', functions = ''] = match
  return {
    number: Number(number),
    address,
    clientId,
    functions: functions.split(' ').filter((name) => name !== ''),
  }
}
