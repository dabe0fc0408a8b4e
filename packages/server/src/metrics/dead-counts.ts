import type { Archive } from '../archive.ts'
import type { Clock } from '../clock.ts'

/** How long an answer of the store is waited for: its disk may hang. */
const patienceMs = 1000

/** How many dead jobs each function has. Only the store knows; it is asked when somebody wants to see, not too often. */
export class DeadCounts {
  readonly #archive: Archive
  readonly #clock: Clock
  #byName: ReadonlyMap<string, number> = new Map()
  #askedAt = Number.NEGATIVE_INFINITY
  #asking: Promise<void> | undefined

  constructor(archive: Archive, clock: Clock) {
    this.#archive = archive
    this.#clock = clock
  }

  /** As they were last known. */
  get byName(): ReadonlyMap<string, number> {
    return this.#byName
  }

  /** Resolves when they are not older than that, or when the store takes too long or can't say. */
  async refresh(ageMsMax: number): Promise<void> {
    if (this.#clock.now() - this.#askedAt < ageMsMax) return
    const asking = (this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined
    }))
    await new Promise<void>((resolve) => {
      const stopTimer = this.#clock.after(patienceMs, resolve)
      void asking.then(() => {
        stopTimer()
        resolve()
      })
    })
  }

  #ask(): Promise<void> {
    const askedAt = this.#clock.now()
    return new Promise((resolve) => {
      this.#archive.lookUp({ kind: 'count dead' }, (answer) => {
        if (answer.kind === 'count dead') {
          this.#byName = new Map(answer.functions.map(({ name, count }) => [name, count]))
          this.#askedAt = askedAt
        }
        resolve()
      })
    })
  }
}
