import type { ComponentChildren, JSX } from 'preact'
import { useState } from 'preact/hooks'
import { count } from '../text/numbers.ts'
import { Icon } from './icon.tsx'
import { useQuery } from './use-query.ts'

export interface Column<Row> {
  /** Also the name by which the address says what the table is sorted by. */
  readonly key: string
  readonly title: string
  /** Numbers stand at the end. */
  readonly isNumber?: boolean
  /** Left out where there is little room. */
  readonly isWideOnly?: boolean
  readonly cell: (row: Row) => ComponentChildren
  /** What the table can be sorted by; what is undefined comes last. */
  readonly sortBy?: (row: Row) => number | string | undefined
}

export interface Selection {
  readonly keys: ReadonlySet<string>
  readonly onChange: (keys: ReadonlySet<string>) => void
}

interface TableProps<Row> {
  /** What the table shows; read aloud. */
  readonly caption: string
  readonly columns: readonly Column<Row>[]
  readonly rows: readonly Row[]
  readonly rowKey: (row: Row) => string
  /** Shown if there is no row. */
  readonly empty: ComponentChildren
  /** How it is sorted at first: a column's key, with `-` before it for the largest first. */
  readonly sort?: string
  /** The parameter of the address that says how it is sorted; needed for a second table on a page. */
  readonly sortName?: string
  readonly selection?: Selection
}

/** Rows beyond this many are shown when they are asked for: a thousand of them change each second. */
const rowsShownMax = 200

/** Rows can be walked with `j` and `k`, opened with Enter and selected with `x`: see keys. */
export function Table<Row>(props: TableProps<Row>): JSX.Element {
  const { caption, columns, rows, rowKey, selection } = props
  const [chosen, choose] = useQuery(props.sortName ?? 'sort')
  const [isWhole, setWhole] = useState(false)
  if (rows.length === 0) return <>{props.empty}</>
  const sort = chosen === '' ? (props.sort ?? '') : chosen
  const sorted = sortedBy(rows, columns, sort, rowKey)
  const shown = isWhole ? sorted : sorted.slice(0, rowsShownMax)
  return (
    <div class="table-frame">
      <table class="table">
        <caption class="visually-hidden">{caption}</caption>
        <thead>
          <tr>
            {selection === undefined ? null : (
              <th class="select-cell">
                <SelectAll keys={shown.map(rowKey)} selection={selection} />
              </th>
            )}
            {columns.map((column) => (
              <Heading key={column.key} column={column} sort={sort} onSort={choose} />
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map((row) => (
            <tr key={rowKey(row)} data-row tabIndex={-1} class={isSelected(selection, rowKey(row)) ? 'selected' : ''}>
              {selection === undefined ? null : (
                <td class="select-cell">
                  <SelectRow name={rowKey(row)} selection={selection} />
                </td>
              )}
              {columns.map((column) => (
                <td key={column.key} class={classOf(column)}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {shown.length === rows.length ? null : (
        <button type="button" class="button" onClick={() => setWhole(true)}>
          Show all {count(rows.length)}
        </button>
      )}
    </div>
  )
}

function Heading<Row>(props: {
  readonly column: Column<Row>
  readonly sort: string
  readonly onSort: (sort: string) => void
}): JSX.Element {
  const { column, sort, onSort } = props
  const { key, title, sortBy, isNumber } = column
  if (sortBy === undefined) return <th class={classOf(column)}>{title}</th>
  const isUp = sort === key
  const isDown = sort === `-${key}`
  // Of numbers the largest are looked for, of texts the first.
  const next = isUp ? `-${key}` : isDown ? key : isNumber === true ? `-${key}` : key
  return (
    <th class={classOf(column)} aria-sort={isUp ? 'ascending' : isDown ? 'descending' : 'none'}>
      <button type="button" class="sort" onClick={() => onSort(next)}>
        {title}
        {isUp || isDown ? <Icon name={isUp ? 'up' : 'down'} /> : null}
      </button>
    </th>
  )
}

function SelectAll({
  keys,
  selection,
}: {
  readonly keys: readonly string[]
  readonly selection: Selection
}): JSX.Element {
  const isAll = keys.every((key) => selection.keys.has(key))
  return (
    <input
      type="checkbox"
      aria-label="Select all that are shown"
      checked={isAll}
      indeterminate={!isAll && keys.some((key) => selection.keys.has(key))}
      onChange={() => selection.onChange(new Set(isAll ? [] : keys))}
    />
  )
}

function SelectRow({ name, selection }: { readonly name: string; readonly selection: Selection }): JSX.Element {
  const toggle = () => {
    const keys = new Set(selection.keys)
    if (!keys.delete(name)) keys.add(name)
    selection.onChange(keys)
  }
  return <input type="checkbox" aria-label={`Select ${name}`} checked={selection.keys.has(name)} onChange={toggle} />
}

function isSelected(selection: Selection | undefined, key: string): boolean {
  return selection?.keys.has(key) === true
}

function classOf<Row>({ isNumber, isWideOnly }: Column<Row>): string {
  return `${isNumber === true ? 'number' : ''} ${isWideOnly === true ? 'wide-only' : ''}`.trim()
}

/** Equal ones keep an order that does not change from second to second. */
function sortedBy<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  sort: string,
  rowKey: (row: Row) => string,
): readonly Row[] {
  const isDown = sort.startsWith('-')
  const sortBy = columns.find(({ key }) => key === sort.replace(/^-/, ''))?.sortBy
  if (sortBy === undefined) return rows
  const keyed = rows.map((row) => ({ row, by: sortBy(row), key: rowKey(row) }))
  keyed.sort((one, other) => {
    if (one.by === undefined || other.by === undefined) {
      return Number(one.by === undefined) - Number(other.by === undefined) || compare(one.key, other.key)
    }
    return (isDown ? -1 : 1) * compare(one.by, other.by) || compare(one.key, other.key)
  })
  return keyed.map(({ row }) => row)
}

function compare(one: number | string, other: number | string): number {
  if (typeof one === 'string' && typeof other === 'string')
    return one.localeCompare(other, undefined, { numeric: true })
  return one < other ? -1 : one > other ? 1 : 0
}
