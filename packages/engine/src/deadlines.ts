/** Something that is to happen at a time. `index` belongs to the heap: -1 while it is in none. */
export interface Due {
  /** Of those due at the same time the lowest number comes first. */
  readonly number: number
  dueAt: number
  index: number
}

/** A binary heap, the soonest first, from which anything can be taken out. */
export class Deadlines<T extends Due> {
  readonly #heap: T[] = []

  get length(): number {
    return this.#heap.length
  }

  /** The time of the soonest, or Infinity. */
  get soonestAt(): number {
    return this.#heap[0]?.dueAt ?? Number.POSITIVE_INFINITY
  }

  add(item: T, dueAt: number): void {
    item.dueAt = dueAt
    item.index = this.#heap.length
    this.#heap.push(item)
    this.#up(item)
  }

  remove(item: T): void {
    const { index } = item
    const last = this.#heap.pop()
    item.index = -1
    if (last === undefined || last === item) return
    last.index = index
    this.#heap[index] = last
    this.#up(last)
    this.#down(last)
  }

  /** Takes out the soonest if its time has come. */
  takeDue(now: number): T | undefined {
    const soonest = this.#heap[0]
    if (soonest === undefined || soonest.dueAt > now) return undefined
    this.remove(soonest)
    return soonest
  }

  [Symbol.iterator](): IterableIterator<T> {
    return this.#heap.values()
  }

  #up(item: T): void {
    let { index } = item
    while (index > 0) {
      const parent = this.#heap[(index - 1) >> 1]
      if (parent === undefined || isSooner(parent, item)) break
      this.#place(parent, index)
      index = (index - 1) >> 1
    }
    this.#place(item, index)
  }

  #down(item: T): void {
    let { index } = item
    for (;;) {
      const left = this.#heap[2 * index + 1]
      const right = this.#heap[2 * index + 2]
      if (left === undefined) break
      const child = right !== undefined && isSooner(right, left) ? right : left
      if (isSooner(item, child)) break
      const childIndex = child.index
      this.#place(child, index)
      index = childIndex
    }
    this.#place(item, index)
  }

  #place(item: T, index: number): void {
    this.#heap[index] = item
    item.index = index
  }
}

function isSooner(one: Due, other: Due): boolean {
  return one.dueAt < other.dueAt || (one.dueAt === other.dueAt && one.number < other.number)
}
