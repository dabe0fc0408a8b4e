import type { OnAnswer, OnChanged } from './store/open-batch.ts'
import type { StoredChange, StoreRequest } from './store/store.ts'

/** What is kept beyond the jobs that the engine has: in the store, or without one in the server's memory. */
export interface Archive {
  /** Answered within a turn; at once, if nothing has to be waited for. */
  lookUp(request: StoreRequest, onAnswer: OnAnswer): void
  /** The same for what comes of a change, or why nothing does. */
  change(change: StoredChange, onChanged: OnChanged): void
}
