import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sortedBy } from '@geartrain/dashboard/parts/sorted'
import fc from 'fast-check'

interface Row {
  readonly name: string
  readonly size: number | undefined
}

const columns = [
  { key: 'name', title: 'Name', cell: () => '', sortBy: ({ name }: Row) => name },
  { key: 'size', title: 'Size', cell: () => '', sortBy: ({ size }: Row) => size },
  { key: 'plain', title: 'Plain', cell: () => '' },
]

function sorted(rows: readonly Row[], sort: string, most: number = Number.POSITIVE_INFINITY): readonly Row[] {
  return sortedBy(rows, columns, sort, ({ name }) => name, most)
}

test('rows are sorted by a column, up and down, equal ones by their keys', () => {
  const rows: readonly Row[] = [
    { name: 'f10', size: 1 },
    { name: 'f9', size: 1 },
    { name: 'g', size: undefined },
    { name: 'a', size: 2 },
  ]
  const orders: readonly [sort: string, names: string][] = [
    ['name', 'a f9 f10 g'],
    ['-name', 'g f10 f9 a'],
    ['size', 'f9 f10 a g'],
    ['-size', 'a f9 f10 g'],
    ['plain', 'f10 f9 g a'],
    ['none', 'f10 f9 g a'],
    ['', 'f10 f9 g a'],
  ]
  for (const [sort, names] of orders)
    assert.equal(
      sorted(rows, sort)
        .map(({ name }) => name)
        .join(' '),
      names,
      sort,
    )
})

test('the first rows alone are those that are first among all', () => {
  const row = fc.record({ name: fc.string({ maxLength: 3 }), size: fc.option(fc.nat(5), { nil: undefined }) })
  const rows = fc.uniqueArray(row, { selector: ({ name }) => name, maxLength: 60 })
  fc.assert(
    fc.property(rows, fc.constantFrom('name', '-name', 'size', '-size'), fc.nat(20), (some, sort, most) => {
      const whole = sorted(some, sort).map(({ size, name }) => (sort.endsWith('size') ? size : name))
      const first = sorted(some, sort, most).map(({ size, name }) => (sort.endsWith('size') ? size : name))
      assert.deepEqual(first, whole.slice(0, most))
    }),
  )
})
