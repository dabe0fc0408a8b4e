/** What an item must have to stand in a list. The list alone writes these three. */
export interface Linked<T extends Linked<T>> {
  list: List<T> | undefined
  previous: T | undefined
  next: T | undefined
}

/**
 * A first-in, first-out list that any item can leave at once. An item is in one list at a time, and that list is its
 * state: a job stands in its function's ready list or in its worker's running list, never in both.
 */
export class List<T extends Linked<T>> {
  first: T | undefined
  last: T | undefined
  length = 0

  push(item: T): void {
    item.list = this
    item.previous = this.last
    if (this.last === undefined) this.first = item
    else this.last.next = item
    this.last = item
    this.length++
  }

  remove(item: T): void {
    const { previous, next } = item
    if (previous === undefined) this.first = next
    else previous.next = next
    if (next === undefined) this.last = previous
    else next.previous = previous
    item.list = undefined
    item.previous = undefined
    item.next = undefined
    this.length--
  }

  /** In order. An item may leave while it is visited, its neighbours may not. */
  *[Symbol.iterator](): Generator<T, void> {
    for (let item = this.first; item !== undefined; ) {
      const next: T | undefined = item.next
      yield item
      item = next
    }
  }
}
