import type { Waiter } from './waiter.ts'

/** A job that was submitted several times over one connection, which the server made one by its unique. */
interface SharedJob {
  readonly waiters: Waiter[]
  /** Whose copy comes next. */
  turn: number
}

/**
 * Who waits for which job, by handle. The server sends whatever becomes of a job once for each of its submissions,
 * one copy after the other, so the copies go round. Only the end is told to all at the first copy, since there are
 * servers that send one; the others' handle is then unknown here.
 */
export class WaiterTable {
  readonly #jobs = new Map<string, Waiter | SharedJob>()

  add(handle: string, waiter: Waiter): void {
    const job = this.#jobs.get(handle)
    if (job === undefined) this.#jobs.set(handle, waiter)
    else if ('waiters' in job) job.waiters.push(waiter)
    else this.#jobs.set(handle, { waiters: [job, waiter], turn: 0 })
  }

  /** The waiter that this copy is for. */
  next(handle: string): Waiter | undefined {
    const job = this.#jobs.get(handle)
    if (job === undefined || !('waiters' in job)) return job
    const waiter = job.waiters[job.turn]
    job.turn = (job.turn + 1) % job.waiters.length
    return waiter
  }

  /** All waiters of a job that has ended, which is forgotten with that. */
  take(handle: string): readonly Waiter[] {
    const job = this.#jobs.get(handle)
    if (job === undefined) return []
    this.#jobs.delete(handle)
    return 'waiters' in job ? job.waiters : [job]
  }

  takeAll(): Waiter[] {
    const waiters = [...this.#jobs.values()].flatMap((job) => ('waiters' in job ? job.waiters : [job]))
    this.#jobs.clear()
    return waiters
  }
}
