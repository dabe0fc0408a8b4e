import type { Engine } from '@geartrain/engine'
import type { CommitterContext } from './committer.ts'
import type { BatchQueue } from './store/batch-queue.ts'
import { noAnswer, unknownFailure } from './store/failures.ts'
import type { OpenBatch } from './store/open-batch.ts'
import type { BatchResult, StoreAnswer, StoredDocument, StoreFailure, StoreState } from './store/store.ts'

/** What is done with batches and whoever waits for them. */
export interface SharedReopeningHost {
  /** Numbers of jobs that this server has or has had, and of which the store is yet to hear what became of them. */
  held(): Set<number>
  keepWritten(batch: OpenBatch, result: BatchResult): void
  /** None of the writes was done, and another server does from now on what this one did for all. */
  notWritten(batch: OpenBatch, failure: StoreFailure): void
  takeFirst(): OpenBatch
  opened(state: StoreState): void
  release(batch: OpenBatch, failure: StoreFailure | undefined): void
}

/**
 * A store that others use as well is opened anew: others may have taken what this server had, and it says what has
 * become of the batch that was under way.
 */
export class SharedReopening {
  readonly #context: CommitterContext
  readonly #batches: BatchQueue
  readonly #host: SharedReopeningHost
  #held: ReadonlySet<number> = new Set()

  constructor(context: CommitterContext, batches: BatchQueue, host: SharedReopeningHost) {
    this.#context = context
    this.#batches = batches
    this.#host = host
  }

  /** Rejects with a StoreError. Resolved, `takeUp` must follow. */
  open(): Promise<StoreState> {
    const { store, wallTime } = this.#context
    this.#held = this.#host.held()
    return store.open(wallTime.now * 1000, Float64Array.from(this.#held))
  }

  /** Within a turn. `why` it had to be opened anew. */
  takeUp(state: StoreState, engine: Engine | undefined, why: StoreFailure = unknownFailure): void {
    const { lost = noNumbers, resolved } = state.shared ?? {}
    const { unresolved } = this.#batches
    const failure = resolved === undefined ? why : resolved.failure
    this.#batches.unresolved = undefined
    this.#giveUpLead(why)
    this.#tellLost(lost, failure === undefined ? unresolved : undefined, engine)
    if (unresolved !== undefined) {
      if (resolved === undefined || failure !== undefined) this.#host.notWritten(unresolved, failure ?? why)
      else this.#host.keepWritten(unresolved, resolved)
    }
    this.#host.opened(state)
    this.#context.onOpenedAnew?.(this.#withUnkept(state.documents))
    if (unresolved !== undefined) {
      for (const [index, onAnswer] of unresolved.onAnswer.entries()) onAnswer(known(resolved?.answers[index]))
      this.#host.release(unresolved, failure)
    }
    this.#letGo(lost)
  }

  /** Another server may do by now what one does for all. */
  #giveUpLead(why: StoreFailure): void {
    const { waiting } = this.#batches
    for (let count = waiting.some(({ isOfLease }) => isOfLease) ? waiting.length : 0; count > 0; count--) {
      const batch = this.#host.takeFirst()
      this.#host.notWritten(batch, why)
      for (const onAnswer of batch.onAnswer) onAnswer({ kind: 'failed', failure: why })
      this.#host.release(batch, why)
    }
  }

  /** Of a job that is yet to be added the store knows nothing: it has moved only if the batch that adds it has been `kept`. */
  #tellLost(lost: Float64Array, kept: OpenBatch | undefined, engine: Engine | undefined): void {
    const added = new Set(kept?.additions)
    for (const total of lost) {
      const number = this.#context.handles.numberOf(total)
      const job = engine?.findJob(number)
      if (job?.isStored === true || (job?.addition !== undefined && added.has(job.addition)))
        engine?.durable?.lost(number, 'moved')
    }
  }

  /** What was let go while the store was opened is nobody's. */
  #letGo(lost: Float64Array): void {
    const stillHeld = this.#host.held()
    const taken = new Set(lost)
    const left = [...this.#held].filter((total) => !stillHeld.has(total) && !taken.has(total))
    if (left.length > 0) this.#batches.open.change({ kind: 'release', numbers: Float64Array.from(left) })
  }

  /** What this server has changed, and is yet to be kept, holds. */
  #withUnkept(documents: readonly StoredDocument[]): readonly StoredDocument[] {
    const byKey = new Map(documents.map((document) => [`${document.kind} ${document.name}`, document]))
    for (const { changes, onChanged } of this.#batches.all) {
      for (const [index, change] of changes.entries()) {
        if (change.kind !== 'document' || onChanged[index] !== undefined) continue
        const { kind, name, body } = change.document
        if (body === undefined) byKey.delete(`${kind} ${name}`)
        else byKey.set(`${kind} ${name}`, { kind, name, body })
      }
    }
    return [...byKey.values()]
  }
}

const noNumbers = new Float64Array(0)

/** What was claimed and not heard of is anybody's: that there is nothing more in the line is not what it means. */
function known(answer: StoreAnswer | undefined): StoreAnswer {
  return answer === undefined || (answer.kind === 'claim' && answer.count === 0) ? noAnswer : answer
}
