import type { Batch, BatchResult, Store, StoreState } from '@geartrain/server'

/** A store whose disk hangs while the test says so: what it is asked to commit waits, and is done when it goes on. */
export class HeldStore implements Store {
  readonly name: string
  readonly #inner: Store
  #goOn: (() => void) | undefined
  #held: Promise<void> = Promise.resolve()
  isClosed = false

  constructor(inner: Store) {
    this.#inner = inner
    this.name = inner.name
  }

  /** It goes on at the end of the block at the latest, whatever becomes of the test: nothing ends before. */
  hang(): Disposable {
    this.#held = new Promise((resolve) => {
      this.#goOn = resolve
    })
    return { [Symbol.dispose]: () => this.goOn() }
  }

  goOn(): void {
    this.#goOn?.()
  }

  open(atLeast: number): Promise<StoreState> {
    return this.#inner.open(atLeast)
  }

  async commit(batch: Batch): Promise<BatchResult> {
    await this.#held
    return this.#inner.commit(batch)
  }

  async close(): Promise<void> {
    await this.#held
    await this.#inner.close()
    this.isClosed = true
  }
}
