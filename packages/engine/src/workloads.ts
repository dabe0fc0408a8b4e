/** Workloads up to this size share pages; larger ones keep the buffer they came in. */
export const sharedBytesMax = 8 * 1024
const pageBytesMin = 1024
const pageBytesMax = 32 * 1024

export interface WorkloadPage {
  readonly bytes: Uint8Array
  used: number
  /** Jobs whose workload lies here. */
  live: number
}

/**
 * The bytes of a function's waiting jobs. A workload arrives as a view on a large receive buffer, which it must not
 * keep alive; a buffer of its own would cost several times the bytes of a small one. Jobs of one function leave in
 * about the order they came if they have one priority, so their workloads share pages, and a page goes when its last job goes. A page that has
 * emptied is filled again from its start: a function that keeps up with its work touches the same memory all day.
 */
export class Workloads {
  #page: WorkloadPage = { bytes: new Uint8Array(0), used: 0, live: 0 }

  /** The page on which the workload now lies, at `page.used - workload.length`, or undefined: keep your own view. */
  keep(workload: Uint8Array): WorkloadPage | undefined {
    const { length } = workload
    if (length > sharedBytesMax || length === 0) return undefined
    if (this.#page.used + length > this.#page.bytes.length) this.#page = newPage(this.#page.bytes.length, length)
    const page = this.#page
    page.bytes.set(workload, page.used)
    page.used += length
    page.live++
    return page
  }

  static release(page: WorkloadPage): void {
    page.live--
    if (page.live === 0) page.used = 0
  }
}

function newPage(previousBytes: number, atLeast: number): WorkloadPage {
  const wanted = Math.min(pageBytesMax, Math.max(pageBytesMin, 2 * previousBytes))
  return { bytes: new Uint8Array(Math.max(wanted, atLeast)), used: 0, live: 0 }
}
