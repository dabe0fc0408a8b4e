import { type Priority, priorities } from './job.ts'

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

  /** Nothing is there but what is on its way, and nothing has been asked for. */
  reset(): void {
    this.delayed = this.addingDelayed
    for (const priority of Object.values(priorities)) {
      this.ready[priority] = this.adding[priority]
      this.isClaiming[priority] = false
    }
  }

  get isAsked(): boolean {
    return this.isClaiming[0] || this.isClaiming[1] || this.isClaiming[2]
  }
}
