import type { Lane } from './lane.ts'

/** A session, as the slots see it. */
export interface Grabber {
  readonly lane: Lane
  /** It would ask its server for a job if it had a slot. */
  readonly wantsSlot: boolean
  /** It has one more, and asks. */
  grab(): void
}

/**
 * The places that a worker has for jobs, shared by its sessions. One is taken from the moment on that a server is asked
 * for a job, until the server has none or the job has ended; so a job that comes always has its place. Sessions get
 * them in turns, one at a time: a server with many jobs leaves the others theirs.
 */
export class JobSlots {
  #free: number
  readonly #grabbers: Grabber[] = []
  /** Whoever had the last turn. */
  #turn = 0
  #isStopped = false

  constructor(count: number) {
    this.#free = count
  }

  /** No server is to be asked any more. */
  get isStopped(): boolean {
    return this.#isStopped
  }

  stop(): void {
    this.#isStopped = true
  }

  add(grabber: Grabber): void {
    this.#grabbers.push(grabber)
    this.deal()
  }

  remove(grabber: Grabber): void {
    const index = this.#grabbers.indexOf(grabber)
    if (index >= 0) this.#grabbers.splice(index, 1)
  }

  /** Gives what is free to those that want it. To be called when one of them has come to want it. */
  deal(): void {
    if (this.#isStopped) return
    const grabbers = this.#grabbers
    for (let passed = 0; passed < grabbers.length && this.#free > 0; passed++) {
      this.#turn = this.#turn + 1 < grabbers.length ? this.#turn + 1 : 0
      const grabber = grabbers[this.#turn]
      if (grabber === undefined || !grabber.wantsSlot || grabber.lane.isFull) continue
      this.#free--
      grabber.lane.taken++
      grabber.grab()
      passed = -1
    }
  }

  release(lane: Lane, count = 1): void {
    this.#free += count
    lane.taken -= count
    this.deal()
  }
}
