import type { Clock } from '../clock.ts'

/** How long an answer of the store is waited for. */
const patienceMs = 1000

/** What only the store knows. It is asked when somebody wants to see, not too often. */
export class StoreQuestion<Answer> {
  readonly #clock: Clock
  readonly #ask: () => Promise<Answer | undefined>
  #answer: Answer
  #askedAt = Number.NEGATIVE_INFINITY
  #asking: Promise<void> | undefined

  /** `ask` gives undefined if the store can't say. Until it has, the answer is the first one. */
  constructor(clock: Clock, first: Answer, ask: () => Promise<Answer | undefined>) {
    this.#clock = clock
    this.#answer = first
    this.#ask = ask
  }

  /** As it was last known. */
  get answer(): Answer {
    return this.#answer
  }

  /** Resolves when the answer is not older than that, or when the store can't say; its disk may hang. */
  async ask(ageMsMax: number): Promise<void> {
    if (this.#isOlderThan(ageMsMax)) await this.#askOnce()
  }

  /** The same, but that it does not wait for long. */
  async refresh(ageMsMax: number): Promise<void> {
    if (!this.#isOlderThan(ageMsMax)) return
    const asking = this.#askOnce()
    await new Promise<void>((resolve) => {
      const stopTimer = this.#clock.after(patienceMs, resolve)
      void asking.then(() => {
        stopTimer()
        resolve()
      })
    })
  }

  #isOlderThan(ageMsMax: number): boolean {
    return this.#clock.now() - this.#askedAt >= ageMsMax
  }

  #askOnce(): Promise<void> {
    return (this.#asking ??= this.#learn().finally(() => {
      this.#asking = undefined
    }))
  }

  async #learn(): Promise<void> {
    const askedAt = this.#clock.now()
    const answer = await this.#ask()
    if (answer === undefined) return
    this.#answer = answer
    this.#askedAt = askedAt
  }
}
