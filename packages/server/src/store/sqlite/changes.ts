import type { Priority } from '@geartrain/engine'
import type { BatchResult, ChangeOutcome, StoredChange } from '../store.ts'
import type { DeadJobs } from './dead-jobs.ts'
import type { Documents } from './documents.ts'
import type { FunctionRow } from './functions.ts'
import type { HistorySteps } from './history-steps.ts'
import { LineCounts } from './line-counts.ts'
import type { LiveJobs } from './live-jobs.ts'
import type { Results } from './results.ts'

/** Does a batch's changes, one after the other. */
export class Changes {
  readonly #live: LiveJobs
  readonly #dead: DeadJobs
  readonly #results: Results
  readonly #documents: Documents
  readonly #history: HistorySteps

  constructor(live: LiveJobs, dead: DeadJobs, results: Results, documents: Documents, history: HistorySteps) {
    this.#live = live
    this.#dead = dead
    this.#results = results
    this.#documents = documents
    this.#history = history
  }

  /** Within a transaction. */
  perform(
    changes: readonly StoredChange[],
    now: number,
  ): Pick<BatchResult, 'changed' | 'revived' | 'promoted' | 'nextSweepAt'> {
    const revived = new LineCounts()
    const promoted = new LineCounts()
    const changed = changes.map((change) => this.#perform(change, now, revived, promoted))
    const nextSweepAt = changes.length === 0 ? undefined : this.nextSweepAt
    return { changed, revived: revived.all, promoted: promoted.all, nextSweepAt }
  }

  get nextSweepAt(): number {
    return Math.min(this.#dead.nextSweepAt, this.#results.nextSweepAt)
  }

  #perform(change: StoredChange, now: number, revived: LineCounts, promoted: LineCounts): ChangeOutcome {
    switch (change.kind) {
      case 'retry':
        return done(this.#live.retry(change))
      case 'bury':
        return done(this.#dead.bury(change))
      case 'keep':
        return done(this.#results.keep(change))
      case 'revive':
        return counted(this.#dead.revive(change, now), revived)
      case 'delete dead':
        return done(this.#dead.remove(change.number))
      case 'delete result':
        return done(this.#results.remove(change.number))
      case 'prioritize':
        return done(this.#live.prioritize(change.number, change.priority))
      case 'hasten':
        return counted(this.#live.hasten(change.number, now) ?? 'not found', promoted)
      case 'release':
      case 'discard':
        throw new Error('in a store of one server nobody else claims jobs')
      case 'document':
        return done(this.#documents.change(change.document))
      case 'sweep':
        this.#dead.sweep(change.now)
        this.#results.sweep(change.now)
        return 'done'
      case 'history':
        this.#history.add(change.samples, change.functionsMax)
        return 'done'
    }
  }
}

/** A job may have come into a line. */
function counted(
  line: { readonly owner: FunctionRow; readonly priority: Priority } | ChangeOutcome,
  counts: LineCounts,
): ChangeOutcome {
  if (typeof line === 'string') return line
  counts.add(line.owner, line.priority)
  return 'done'
}

function done(isDone: boolean): ChangeOutcome {
  return isDone ? 'done' : 'not found'
}
