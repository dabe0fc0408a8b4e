import type { BatchResult, ChangeOutcome, StoredChange } from '../store.ts'
import type { DeadJobs } from './dead-jobs.ts'
import type { Documents } from './documents.ts'
import { LineCounts } from './line-counts.ts'
import type { LiveJobs } from './live-jobs.ts'
import type { Results } from './results.ts'

/** Does a batch's changes, one after the other. */
export class Changes {
  readonly #live: LiveJobs
  readonly #dead: DeadJobs
  readonly #results: Results
  readonly #documents: Documents

  constructor(live: LiveJobs, dead: DeadJobs, results: Results, documents: Documents) {
    this.#live = live
    this.#dead = dead
    this.#results = results
    this.#documents = documents
  }

  /** Within a transaction. */
  perform(changes: readonly StoredChange[]): Pick<BatchResult, 'changed' | 'revived' | 'nextSweepAt'> {
    const revived = new LineCounts()
    const changed = changes.map((change) => this.#perform(change, revived))
    return { changed, revived: revived.all, nextSweepAt: changes.length === 0 ? undefined : this.nextSweepAt }
  }

  get nextSweepAt(): number {
    return Math.min(this.#dead.nextSweepAt, this.#results.nextSweepAt)
  }

  #perform(change: StoredChange, revived: LineCounts): ChangeOutcome {
    switch (change.kind) {
      case 'retry':
        return done(this.#live.retry(change))
      case 'bury':
        return done(this.#dead.bury(change))
      case 'keep':
        return done(this.#results.keep(change))
      case 'revive':
        return this.#revive(change, revived)
      case 'delete dead':
        return done(this.#dead.remove(change.number))
      case 'prioritize':
        return done(this.#live.prioritize(change.number, change.priority))
      case 'document':
        return done(this.#documents.change(change.document))
      case 'sweep':
        this.#dead.sweep(change.now)
        this.#results.sweep(change.now)
        return 'done'
    }
  }

  #revive(change: Extract<StoredChange, { kind: 'revive' }>, revived: LineCounts): ChangeOutcome {
    const line = this.#dead.revive(change)
    if (typeof line === 'string') return line
    revived.add(line.owner, line.priority)
    return 'done'
  }
}

function done(isDone: boolean): ChangeOutcome {
  return isDone ? 'done' : 'not found'
}
