/** What has changed in a server, beside its figures. Names are as on the wire. */
export type Change =
  /** Of a function, or of all that a pattern fits. */
  | { readonly kind: 'policy'; readonly name: string }
  /** It was put, removed, paused or has run. */
  | { readonly kind: 'schedule'; readonly name: string; readonly function: string | undefined }
  /** A worker has come or left. */
  | { readonly kind: 'workers'; readonly function: string; readonly workers: number }
  | { readonly kind: 'job died'; readonly function: string; readonly handle: string }
  | { readonly kind: 'store'; readonly failing: boolean }
  /** It takes no more jobs. */
  | { readonly kind: 'stopping' }

/** Where changes are told to those who want to know at once. */
export class Bulletin {
  readonly #listeners = new Set<(change: Change) => void>()

  /** Gives the way to leave. */
  listen(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  tell(change: Change): void {
    for (const listener of this.#listeners) listener(change)
  }
}
