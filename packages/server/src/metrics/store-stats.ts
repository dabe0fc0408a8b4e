import type { Clock } from '../clock.ts'
import type { Batch, BatchResult } from '../store/store.ts'
import { bucketCount, bucketOf } from './histogram.ts'

/** The upper bounds of the buckets that batches are counted in by their writes; larger ones have one more. */
export const batchBounds: readonly number[] = [0, 1, 10, 100, 1000, 10_000]

/** What the store has been told, and how long it took. */
export class StoreStats {
  /** By time; the last one is the sum in milliseconds. Those that failed are not among them. */
  readonly times: Float64Array = new Float64Array(bucketCount + 1)
  /** By writes; the last one is their sum. */
  readonly sizes: Float64Array = new Float64Array(batchBounds.length + 2)
  /** Batches of which nothing, or nobody knows what, was kept. */
  failures = 0
  /** Since when it has been at the batch that it has now, if it has one. */
  committingSince: number | undefined
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get commits(): number {
    let count = 0
    for (const each of this.times.subarray(0, bucketCount)) count += each
    return count
  }

  /** Gives on what comes of the commit. */
  async watch(batch: Batch, commit: (batch: Batch) => Promise<BatchResult>): Promise<BatchResult> {
    const startedAt = this.#clock.now()
    this.committingSince = startedAt
    // The store takes the buffers.
    const { additionCount, forget, cancel, changes } = batch
    const writes = additionCount + forget.length + cancel.length + changes.length
    try {
      const result = await commit(batch)
      if (result.failure === undefined) this.#count(writes, this.#clock.now() - startedAt)
      else this.failures++
      return result
    } catch (error) {
      this.failures++
      throw error
    } finally {
      this.committingSince = undefined
    }
  }

  #count(writes: number, ms: number): void {
    add(this.times, bucketOf(ms), 1)
    add(this.times, bucketCount, ms)
    let bucket = 0
    while (bucket < batchBounds.length && writes > (batchBounds[bucket] ?? 0)) bucket++
    add(this.sizes, bucket, 1)
    add(this.sizes, batchBounds.length + 1, writes)
  }
}

function add(row: Float64Array, at: number, value: number): void {
  row[at] = (row[at] ?? 0) + value
}
