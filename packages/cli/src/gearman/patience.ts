/** Aborts its signal when nothing has happened for so long. */
export class Patience implements Disposable {
  readonly #controller = new AbortController()
  readonly #timer: NodeJS.Timeout | undefined

  /** Without `timeoutMs` it never does. */
  constructor(timeoutMs: number | undefined) {
    if (timeoutMs !== undefined) this.#timer = setTimeout(() => this.#controller.abort(), timeoutMs)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Something has happened. */
  renew(): void {
    if (!this.signal.aborted) this.#timer?.refresh()
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer)
  }
}
