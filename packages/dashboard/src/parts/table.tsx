import { Component, type ComponentChildren, type JSX } from 'preact'
import { useCallback, useRef, useState } from 'preact/hooks'
import { groupsBy } from '../rows.ts'
import { count } from '../text/numbers.ts'
import { Icon } from './icon.tsx'
import { compare, type SortColumn, sortedBy } from './sorted.ts'
import { useQuery } from './use-query.ts'

export interface Column<Row> extends SortColumn<Row> {
  readonly title: string
  /** Numbers stand at the end. */
  readonly isNumber?: boolean
  /** Left out where there is little room. */
  readonly isWideOnly?: boolean
  readonly cell: (row: Row) => ComponentChildren
}

export interface Selection {
  readonly keys: ReadonlySet<string>
  readonly onChange: (keys: ReadonlySet<string>) => void
}

/** Rows that belong together, below a heading of theirs. */
export interface Grouping<Row> {
  readonly nameOf: (row: Row) => string
  /** Of all rows of the group, shown or not. */
  readonly heading: (name: string, rows: readonly Row[]) => ComponentChildren
  /** Groups come in the order of their names; else in that of the first of their rows. */
  readonly isByName?: boolean
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
  readonly grouping?: Grouping<Row>
  /** Rows that are shown below a row, sorted among themselves. */
  readonly childrenOf?: (row: Row) => readonly Row[]
}

/** Rows beyond this many are shown when they are asked for: a thousand of them change each second. */
const rowsShownMax = 200

/** Rows can be walked with `j` and `k`, opened with Enter and selected with `x`: see keys. */
export function Table<Row>(props: TableProps<Row>): JSX.Element {
  const { caption, columns, rows, rowKey, selection, grouping, childrenOf } = props
  const [chosen, choose] = useQuery(props.sortName ?? 'sort')
  const [isWhole, setWhole] = useState(false)
  const toggle = useToggle(selection)
  if (rows.length === 0) return <>{props.empty}</>
  const sort = chosen === '' ? (props.sort ?? '') : chosen
  // Of tens of thousands of rows, only those that are shown are put in order.
  const isFlat = grouping === undefined && childrenOf === undefined
  const rowsMax = isFlat && !isWhole ? rowsShownMax : Number.POSITIVE_INFINITY
  const inOrder = (some: readonly Row[]) => sortedBy(some, columns, sort, rowKey, rowsMax)
  const top = inOrder(rows)
  const below = new Set<Row>(childrenOf === undefined ? [] : top.flatMap(childrenOf))
  const all = childrenOf === undefined ? top : top.flatMap((row) => [row, ...inOrder(childrenOf(row))])
  const groups = groupsOf(all, grouping)
  const sorted = groups.flatMap(({ rows: together }) => together)
  const shown = isWhole ? sorted : sorted.slice(0, rowsShownMax)
  const total = isFlat ? rows.length : sorted.length
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
        {cutTo(shown.length, groups).map(({ name, rows: together, shown: some }) => (
          <tbody key={name}>
            {grouping === undefined ? null : (
              <tr class="group-head">
                <th colSpan={columns.length + (selection === undefined ? 0 : 1)} scope="rowgroup">
                  <div>{grouping.heading(name, together)}</div>
                </th>
              </tr>
            )}
            {some.map((row) => (
              <TableRow
                key={rowKey(row)}
                row={row}
                name={rowKey(row)}
                columns={columns}
                isBelow={below.has(row)}
                isSelected={selection?.keys.has(rowKey(row))}
                onToggle={toggle}
              />
            ))}
          </tbody>
        ))}
      </table>
      {shown.length === total ? null : (
        <button type="button" class="button" onClick={() => setWhole(true)}>
          Show all {count(total)}
        </button>
      )}
    </div>
  )
}

interface TableRowProps<Row> {
  readonly row: Row
  readonly name: string
  readonly columns: readonly Column<Row>[]
  /** It belongs to the row above it. */
  readonly isBelow: boolean
  /** Undefined: rows can't be selected. */
  readonly isSelected: boolean | undefined
  readonly onToggle: (name: string) => void
}

/** It is drawn anew only if its row or columns are others, or a signal that its cells look at has changed. */
class TableRow<Row> extends Component<TableRowProps<Row>> {
  override shouldComponentUpdate(next: TableRowProps<Row>, state: unknown): boolean {
    const { row, columns, isBelow, isSelected } = this.props
    const isSame = row === next.row && columns === next.columns
    return !isSame || isBelow !== next.isBelow || isSelected !== next.isSelected || state !== this.state
  }

  override render(): JSX.Element {
    const { row, name, columns, isBelow, isSelected, onToggle } = this.props
    return (
      <tr data-row tabIndex={-1} class={`${isSelected === true ? 'selected' : ''} ${isBelow ? 'below' : ''}`.trim()}>
        {isSelected === undefined ? null : (
          <td class="select-cell">
            <input type="checkbox" aria-label={`Select ${name}`} checked={isSelected} onChange={() => onToggle(name)} />
          </td>
        )}
        {columns.map((column) => (
          <td key={column.key} class={classOf(column)}>
            {column.cell(row)}
          </td>
        ))}
      </tr>
    )
  }
}

/** Stays the same function, so that rows need not be drawn anew for it. */
function useToggle(selection: Selection | undefined): (name: string) => void {
  const latest = useRef(selection)
  latest.current = selection
  return useCallback((name) => {
    const keys = new Set(latest.current?.keys)
    if (!keys.delete(name)) keys.add(name)
    latest.current?.onChange(keys)
  }, [])
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

function classOf<Row>({ isNumber, isWideOnly }: Column<Row>): string {
  return `${isNumber === true ? 'number' : ''} ${isWideOnly === true ? 'wide-only' : ''}`.trim()
}

interface Group<Row> {
  readonly name: string
  readonly rows: readonly Row[]
}

/** Without a grouping all rows are one group. */
function groupsOf<Row>(rows: readonly Row[], grouping: Grouping<Row> | undefined): readonly Group<Row>[] {
  if (grouping === undefined) return [{ name: '', rows }]
  const found = Array.from(groupsBy(rows, grouping.nameOf), ([name, together]) => ({ name, rows: together }))
  return grouping.isByName === true ? found.sort((one, other) => compare(one.name, other.name)) : found
}

/** So many rows, and of the groups those that have some of them. */
function cutTo<Row>(
  rowCount: number,
  groups: readonly Group<Row>[],
): readonly (Group<Row> & { readonly shown: readonly Row[] })[] {
  let left = rowCount
  return groups.flatMap((group) => {
    const shown = group.rows.slice(0, left)
    left -= shown.length
    return shown.length === 0 ? [] : [{ ...group, shown }]
  })
}
