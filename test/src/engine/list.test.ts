import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Linked, List } from './parts.ts'

class Item implements Linked<Item> {
  readonly name: number
  list: List<Item> | undefined = undefined
  previous: Item | undefined = undefined
  next: Item | undefined = undefined

  constructor(name: number) {
    this.name = name
  }
}

function names(list: List<Item>): number[] {
  return Array.from(list, (item) => item.name)
}

test('first in, first out, and anyone can leave', () => {
  const list = new List<Item>()
  const [one, two, three] = [new Item(1), new Item(2), new Item(3)]
  for (const item of [one, two, three]) list.push(item)
  assert.equal(two.list, list)
  list.remove(two)
  assert.deepEqual(names(list), [1, 3])
  assert.equal(two.list, undefined)
  list.push(two)
  list.remove(one)
  assert.deepEqual(names(list), [3, 2])
  assert.equal(list.first, three)
  assert.equal(list.last, two)
})

test('an item that is visited may leave, also for the end of another list', () => {
  const list = new List<Item>()
  const other = new List<Item>()
  for (let name = 0; name < 5; name++) list.push(new Item(name))
  for (const item of list) {
    list.remove(item)
    if (item.name % 2 === 1) other.push(item)
  }
  assert.deepEqual(names(list), [])
  assert.equal(list.length, 0)
  assert.deepEqual(names(other), [1, 3])
})

test('does what an array does', () => {
  const remove = fc.nat().map((index) => ({ index }))
  fc.assert(
    fc.property(fc.array(fc.option(remove), { maxLength: 100, size: 'max' }), (steps) => {
      const list = new List<Item>()
      const array: Item[] = []
      steps.forEach((step, name) => {
        if (step === null) {
          const item = new Item(name)
          list.push(item)
          array.push(item)
        } else {
          const [item] = array.splice(step.index % (array.length || 1), 1)
          if (item !== undefined) list.remove(item)
        }
        assert.equal(list.length, array.length)
        assert.equal(list.first, array[0])
        assert.equal(list.last, array.at(-1))
        assert.deepEqual(
          names(list),
          array.map((item) => item.name),
        )
        for (const [index, item] of array.entries()) assert.equal(item.previous, array[index - 1])
      })
    }),
  )
})
