import type { StoreStats } from '../metrics/store-stats.ts'
import type { StoreCluster } from './cluster.ts'
import type { Batch, BatchResult, Store, StoreState } from './store.ts'

/** A store that is measured, and whether it is at work: while its disk hangs, neither its thread nor the process can end in the usual way. */
export class BusyStore implements Store {
  readonly name: string
  readonly #store: Store
  readonly #stats: StoreStats
  /** Calls that are not answered. */
  #calls = 0
  #onIdle: (() => void)[] = []

  constructor(store: Store, stats: StoreStats) {
    this.name = store.name
    this.#store = store
    this.#stats = stats
  }

  get cluster(): StoreCluster | undefined {
    return this.#store.cluster
  }

  get isBusy(): boolean {
    return this.#calls > 0
  }

  /** Resolves when it has nothing to do. */
  whenIdle(): Promise<void> {
    if (!this.isBusy) return Promise.resolve()
    return new Promise((resolve) => this.#onIdle.push(resolve))
  }

  open(atLeast: number, held?: Float64Array): Promise<StoreState> {
    return this.#watch(this.#store.open(atLeast, held))
  }

  commit(batch: Batch): Promise<BatchResult> {
    return this.#watch(this.#stats.watch(batch, (watched) => this.#store.commit(watched)))
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
