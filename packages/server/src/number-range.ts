import type { Engine } from '@geartrain/engine'
import type { Handles } from './handles.ts'
import type { OpenBatch } from './store/open-batch.ts'

/** So many are set aside at a time; the next so many when half of them are used up. */
const rangeNumbers = 1e8

/** The numbers that the store has set aside for this server: those in the handles of its jobs. */
export class NumberRange {
  readonly #handles: Handles
  #until = 0

  constructor(handles: Handles) {
    this.#handles = handles
  }

  /** The first ones, in a batch of their own, before `begin`. */
  reserveFirst(batch: OpenBatch, from: number): void {
    batch.reserve = { from, count: rangeNumbers }
  }

  /** Handles are given out from `first` on. */
  begin(first: number): void {
    this.#until = first + rangeNumbers
    this.#handles.startAt(first)
  }

  /** More of them, if there should be. */
  reserve(batch: OpenBatch, nextNumber: number): void {
    if (this.#handles.total(nextNumber) < this.#until - rangeNumbers / 2) return
    batch.reserve = { from: this.#until, count: rangeNumbers }
  }

  /** The least that a store can be asked to write. */
  reserveOne(batch: OpenBatch): void {
    batch.reserve ??= { from: this.#until, count: 1 }
  }

  /**
   * The store has set so many aside, from `first` on. With a store that others use as well they need not be next to those
   * before: the rest of these is left for a whole range, and a single one is left itself.
   */
  reserved(count: number, first: number, engine: Engine | undefined): void {
    if (first === this.#until) this.#until += count
    else if (count === rangeNumbers) {
      engine?.skipTo(this.#handles.numberOf(first))
      this.#until = first + count
    }
  }
}
