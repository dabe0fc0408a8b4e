/** The only source of chance in a simulation (sfc32): the same seed draws the same numbers. */
export class Random {
  #a: number
  #b: number
  #c: number
  #counter = 1

  /** Another purpose draws other numbers of the same seed. */
  constructor(seed: number, purpose = 0) {
    this.#a = seed | 0
    this.#b = Math.floor(seed / 2 ** 32) | 0
    this.#c = 0x9e3779b9 ^ purpose
    // Neighbouring seeds start alike; a few rounds part them.
    for (let i = 0; i < 16; i++) this.#next()
  }

  /** From 0 up to, and without, 1. */
  fraction(): number {
    return this.#next() / 2 ** 32
  }

  chance(probability: number): boolean {
    return this.fraction() < probability
  }

  /** A whole number, both ends included. */
  between(min: number, max: number): number {
    return min + Math.floor(this.fraction() * (max - min + 1))
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.between(0, items.length - 1)]
    if (item === undefined) throw new Error('nothing to pick from')
    return item
  }

  /** One of the values, each with a chance in proportion to its weight. */
  weighted<T>(rows: readonly (readonly [weight: number, value: T])[]): T {
    let at = this.fraction() * rows.reduce((sum, [weight]) => sum + weight, 0)
    for (const [weight, value] of rows) {
      at -= weight
      if (at < 0) return value
    }
    return this.pick(rows)[1]
  }

  /** Mostly small, now and then far above the mean. */
  exponential(mean: number): number {
    return -mean * Math.log(1 - this.fraction())
  }

  #next(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum
    return sum >>> 0
  }
}
