import type { Priority } from './job.ts'

/** How many jobs of a function are in the store and not in the engine. */
export class Backlog {
  /** By priority; those not yet kept among them. */
  readonly ready: [number, number, number] = [0, 0, 0]
  /** Of those, the ones not yet kept. */
  readonly adding: [number, number, number] = [0, 0, 0]
  delayed = 0
  addingDelayed = 0
  /** By priority: the store has been asked for jobs and has not answered. */
  readonly isClaiming: [boolean, boolean, boolean] = [false, false, false]
  /** When that was. */
  readonly askedAt: [number, number, number] = [0, 0, 0]
  /** By priority: since it was asked, others have put jobs there. */
  readonly isNews: [boolean, boolean, boolean] = [false, false, false]

  get readyCount(): number {
    return this.ready[0] + this.ready[1] + this.ready[2]
  }

  get size(): number {
    return this.readyCount + this.delayed
  }

  /**
   * One less of those that are kept. The count may be wrong, with a store that others use as well or one that did not
   * say what it did: one that is too high is put right by the next claim, one that is too low would leave jobs behind.
   */
  take(priority: Priority): void {
    this.ready[priority] = Math.max(this.adding[priority], this.ready[priority] - 1)
  }

  /** The same for delayed ones. */
  takeDelayed(count: number): void {
    this.delayed = Math.max(this.addingDelayed, this.delayed - count)
  }

  /** Others have put jobs there. */
  hear(priority: Priority): void {
    this.isNews[priority] = this.isClaiming[priority]
    this.ready[priority] = Math.max(this.ready[priority], this.adding[priority] + 1)
  }

  /** The store has answered; `isEmpty`: it had none. */
  claimEnded(priority: Priority, isEmpty: boolean): void {
    this.isClaiming[priority] = false
    if (isEmpty) this.ready[priority] = this.adding[priority] + (this.isNews[priority] ? 1 : 0)
    this.isNews[priority] = false
  }

  /** Nothing is there but what is on its way. */
  clear(): void {
    this.delayed = this.addingDelayed
    this.ready[0] = this.adding[0]
    this.ready[1] = this.adding[1]
    this.ready[2] = this.adding[2]
  }

  /** The same, and nothing has been asked for. */
  reset(): void {
    this.clear()
    this.isClaiming.fill(false)
    this.isNews.fill(false)
  }

  add(ready: readonly [number, number, number], delayed: number): void {
    this.ready[0] += ready[0]
    this.ready[1] += ready[1]
    this.ready[2] += ready[2]
    this.delayed += delayed
  }

  get isAsked(): boolean {
    return this.isClaiming[0] || this.isClaiming[1] || this.isClaiming[2]
  }
}
