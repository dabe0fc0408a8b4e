import type { Clock } from '../../../clock.ts'

/** When each of several tasks is to be done next, and a way to sleep until then. */
export class Due<Task extends string> {
  readonly #clock: Pick<Clock, 'now' | 'after'>
  readonly #dueAt = new Map<Task, number>()
  readonly #takenAt = new Map<Task, number>()
  #isWoken = false
  #onWake: (() => void) | undefined

  constructor(clock: Pick<Clock, 'now' | 'after'>) {
    this.#clock = clock
  }

  /** Now, but not before `restMs` after it was done last. */
  set(task: Task, restMs = 0): void {
    const dueAt = Math.max(this.#clock.now(), (this.#takenAt.get(task) ?? -Infinity) + restMs)
    this.#dueAt.set(task, Math.min(dueAt, this.#dueAt.get(task) ?? Infinity))
    this.wake()
  }

  /** Whether it is to be done now. It is due again after `everyMs`; never if that is not said. */
  take(task: Task, everyMs = Infinity): boolean {
    const now = this.#clock.now()
    if (now < (this.#dueAt.get(task) ?? Infinity)) return false
    this.#takenAt.set(task, now)
    this.#dueAt.set(task, now + everyMs)
    return true
  }

  /** Until something is due, or `wake` was called since the last pause. */
  pause(): Promise<void> {
    return this.sleep(Math.min(...this.#dueAt.values()) - this.#clock.now())
  }

  /** The same, for so long. */
  async sleep(ms: number): Promise<void> {
    if (!this.#isWoken) {
      await new Promise<void>((resolve) => {
        const stop = this.#clock.after(Math.max(ms, 0), resolve)
        this.#onWake = () => {
          stop()
          resolve()
        }
      })
    }
    this.#onWake = undefined
    this.#isWoken = false
  }

  wake(): void {
    this.#isWoken = true
    this.#onWake?.()
  }
}
