/** Of a table's columns, what is needed to sort its rows. */
export interface SortColumn<Row> {
  /** Also the name by which the address says what the table is sorted by. */
  readonly key: string
  /** What the table can be sorted by; what is undefined comes last. */
  readonly sortBy?: (row: Row) => number | string | undefined
}

/** The first `most` of them. Equal ones keep an order that does not change from second to second. */
export function sortedBy<Row>(
  rows: readonly Row[],
  columns: readonly SortColumn<Row>[],
  sort: string,
  rowKey: (row: Row) => string,
  most: number,
): readonly Row[] {
  const isDown = sort.startsWith('-')
  const sortBy = columns.find(({ key }) => key === sort.replace(/^-/, ''))?.sortBy
  if (sortBy === undefined) return rows
  const keyed = rows.map((row) => ({ row, by: sortBy(row), key: rowKey(row) }))
  const order = (one: (typeof keyed)[number], other: (typeof keyed)[number]) => {
    if (one.by === undefined || other.by === undefined) {
      return Number(one.by === undefined) - Number(other.by === undefined) || compare(one.key, other.key)
    }
    return (isDown ? -1 : 1) * compare(one.by, other.by) || compare(one.key, other.key)
  }
  return firstOf(keyed, most, order).map(({ row }) => row)
}

/** The first `most` in that order. */
function firstOf<Each>(all: Each[], most: number, order: (one: Each, other: Each) => number): Each[] {
  if (all.length <= most) return all.sort(order)
  const first = all.slice(0, most).sort(order)
  for (const each of all.slice(most)) {
    const last = first.at(-1)
    if (last === undefined || order(each, last) >= 0) continue
    let low = 0
    let high = first.length
    while (low < high) {
      const middle = (low + high) >> 1
      const found = first[middle]
      if (found !== undefined && order(each, found) >= 0) low = middle + 1
      else high = middle
    }
    first.pop()
    first.splice(low, 0, each)
  }
  return first
}

const byLetters = new Intl.Collator(undefined, { numeric: true })

export function compare(one: number | string, other: number | string): number {
  if (typeof one === 'string' && typeof other === 'string') return byLetters.compare(one, other)
  return one < other ? -1 : one > other ? 1 : 0
}
