import type { Batch, BatchResult, Store, StoreState } from '@geartrain/server'

/** Whoever opens it learns what is in it now, but later. */
export class SlowlyOpened implements Store {
  readonly name: string
  readonly #inner: Store
  #opened: (() => void)[] | undefined

  constructor(inner: Store) {
    this.name = inner.name
    this.#inner = inner
  }

  /** So many that open it wait. */
  get waiting(): number {
    return this.#opened?.length ?? 0
  }

  hold(): void {
    this.#opened = []
  }

  next(): void {
    this.#opened?.shift()?.()
  }

  async open(atLeast: number): Promise<StoreState> {
    const state = await this.#inner.open(atLeast)
    await new Promise<void>((resolve) => {
      if (this.#opened === undefined) resolve()
      else this.#opened.push(resolve)
    })
    return state
  }

  commit(batch: Batch): Promise<BatchResult> {
    return this.#inner.commit(batch)
  }

  close(): Promise<void> {
    return this.#inner.close()
  }
}
