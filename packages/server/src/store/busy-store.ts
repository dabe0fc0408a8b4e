import type { Batch, BatchResult, Store, StoreState } from './store.ts'

/** A store, and whether it is at work: while its disk hangs, neither its thread nor the process can end in the usual way. */
export class BusyStore implements Store {
  readonly name: string
  readonly #store: Store
  /** Calls that are not answered. */
  #calls = 0
  #onIdle: (() => void)[] = []

  constructor(store: Store) {
    this.name = store.name
    this.#store = store
  }

  get isBusy(): boolean {
    return this.#calls > 0
  }

  /** Resolves when it has nothing to do. */
  whenIdle(): Promise<void> {
    if (!this.isBusy) return Promise.resolve()
    return new Promise((resolve) => this.#onIdle.push(resolve))
  }

  open(atLeast: number): Promise<StoreState> {
    return this.#watch(this.#store.open(atLeast))
  }

  commit(batch: Batch): Promise<BatchResult> {
    return this.#watch(this.#store.commit(batch))
  }

  close(): Promise<void> {
    return this.#watch(this.#store.close())
  }

  async #watch<T>(call: Promise<T>): Promise<T> {
    this.#calls++
    try {
      return await call
    } finally {
      this.#calls--
      if (!this.isBusy) for (const onIdle of this.#onIdle.splice(0)) onIdle()
    }
  }
}
