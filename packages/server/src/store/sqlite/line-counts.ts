import type { Priority } from '@geartrain/engine'
import type { BatchResult } from '../store.ts'
import type { FunctionRow } from './functions.ts'

/** How many jobs have come into which lines. */
export class LineCounts {
  readonly #counts = new Map<FunctionRow, [number, number, number]>()

  add(owner: FunctionRow, priority: Priority): void {
    let ofOwner = this.#counts.get(owner)
    if (ofOwner === undefined) this.#counts.set(owner, (ofOwner = [0, 0, 0]))
    ofOwner[priority]++
  }

  get isEmpty(): boolean {
    return this.#counts.size === 0
  }

  get all(): BatchResult['promoted'] {
    return [...this.#counts].flatMap(([owner, ofOwner]) =>
      ([0, 1, 2] as const)
        .map((priority) => ({ function: owner.name, priority, count: ofOwner[priority] }))
        .filter(({ count }) => count > 0),
    )
  }
}
