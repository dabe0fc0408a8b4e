import type { Addition } from '@geartrain/engine'
import { OpenBatch } from './open-batch.ts'

/**
 * Batches on their way to the store: the one that it has, and those that wait. They leave one by one, the first one
 * first; what is said comes into the last one.
 */
export class BatchQueue {
  #waiting: [OpenBatch, ...OpenBatch[]] = [new OpenBatch()]
  /** The one that the store has. */
  committing: OpenBatch | undefined
  /** The one that it had when it was lost, if it will say what has become of it. */
  unresolved: OpenBatch | undefined

  /** The one that leaves next. */
  get first(): OpenBatch {
    return this.#waiting[0]
  }

  /** The one into which goes what is said now. */
  get open(): OpenBatch {
    return this.#waiting.at(-1) ?? this.#waiting[0]
  }

  /** The one that the store has, or had, among them. */
  get all(): readonly OpenBatch[] {
    const left = this.committing ?? this.unresolved
    return left === undefined ? this.#waiting : [left, ...this.#waiting]
  }

  get waiting(): readonly OpenBatch[] {
    return this.#waiting
  }

  /** Nothing waits. */
  get isEmpty(): boolean {
    return this.unresolved === undefined && this.#waiting.every(({ isEmpty }) => isEmpty)
  }

  takeFirst(): OpenBatch {
    const [batch, next, ...rest] = this.#waiting
    this.#waiting = [next ?? new OpenBatch(), ...rest]
    return batch
  }

  /**
   * A batch forgets before it adds, so that what is added in it is forgotten in the next one. There goes all that is
   * said from then on, too: it would join what has ended.
   */
  thatForgets(number: number): OpenBatch {
    if (this.open.live.has(number)) this.#waiting.push(new OpenBatch())
    return this.open
  }

  /** The one that it rides in. */
  with(addition: Addition): OpenBatch {
    if (this.open.isLast(addition)) return this.open
    return this.all.find(({ additions }) => additions.includes(addition)) ?? this.open
  }

  /** The store is yet to be told that it has ended, or to say that it has been. */
  isForgotten(total: number): boolean {
    return this.all.some(({ gone, forget }) => gone.has(total) || forget.includes(total))
  }

  /** The store is yet to be told that it waits for its next attempt, or to say that it has been. */
  isPutOff(total: number): boolean {
    return this.all.some(({ putOff }) => putOff.has(total))
  }

  /** Delayed jobs are to become ready, or do so at this moment. */
  get isPromoting(): boolean {
    return this.all.some(({ promoteUntil }) => promoteUntil !== undefined)
  }

  /** What the store is yet to be told, or to say that it has done. */
  get underWay(): { gone: ReadonlySet<number>; changing: ReadonlySet<number>; isPromoting: boolean } {
    return {
      gone: new Set(this.all.flatMap(({ forget, gone }) => [...forget, ...gone])),
      changing: new Set(
        this.all.flatMap(({ changes }) => changes.map((change) => ('number' in change ? change.number : 0))),
      ),
      isPromoting: this.isPromoting,
    }
  }
}
