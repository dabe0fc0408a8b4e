import type { Batch, BatchResult, StoreState } from '../store.ts'

/** What the thread is started with. */
export interface ThreadData {
  readonly path: string
  /** For tests: the file has no room for more pages. */
  readonly pagesMax: number | undefined
  /** For tests: uniques have so few different keys that they clash. */
  readonly keysMax: number | undefined
}

/** To the thread, one at a time. */
export type Question =
  | { readonly kind: 'open'; readonly atLeast: number }
  | { readonly kind: 'commit'; readonly batch: Batch }
  | { readonly kind: 'close' }

/** From the thread, one for each question. */
export type Answer =
  /** `wasEmpty`: the file may have been cut to nothing, which SQLite can't tell from a new one. */
  | { readonly kind: 'opened'; readonly state: StoreState; readonly wasEmpty: boolean }
  | { readonly kind: 'committed'; readonly result: BatchResult }
  | { readonly kind: 'closed' }
  /** A StoreError. */
  | { readonly kind: 'refused'; readonly code: string; readonly message: string }
