import type { Link } from './link.ts'

const ordinalBits = 20
const ordinals = 2 ** ordinalBits

/** In SQL: takes places for a batch. */
export const takePlaces = "nextval('geartrain.positions')"

const begin = { name: 'positions', text: `SELECT ${takePlaces}` } as const

/**
 * In SQL: the place in the line of ready jobs that goes with a number from `take`. As each batch takes the next number
 * of a sequence that all servers have in common, a job that becomes ready stands behind all that were when it did.
 */
export function positionOf(ordinal: string): string {
  return `((currval('geartrain.positions') << ${ordinalBits}) + ${ordinal})`
}

/** The places in line that a batch gives out. The first ones are taken with the fence. */
export class Positions {
  readonly #link: Link
  #next = 0

  constructor(link: Link) {
    this.#link = link
  }

  /** The first of so many, for the statement that is run next. Those taken before must be in statements that were run. */
  take(count: number): number {
    if (this.#next + count > ordinals) {
      // Its answer stays in the database; that it has failed, the statement behind it says.
      this.#link.run(begin).catch(() => {})
      this.#next = 0
    }
    const first = this.#next
    this.#next += count
    return first
  }
}
