import type { Archive } from '../archive.ts'
import type { Clock } from '../clock.ts'
import { StoreQuestion } from './store-question.ts'

/** How many dead jobs each function has. */
export class DeadCounts {
  readonly #question: StoreQuestion<ReadonlyMap<string, number>>

  constructor(archive: Archive, clock: Clock) {
    this.#question = new StoreQuestion(clock, new Map(), () => countDead(archive))
  }

  /** As they were last known. */
  get byName(): ReadonlyMap<string, number> {
    return this.#question.answer
  }

  /** Resolves when they are not older than that, or when the store can't say; its disk may hang. */
  async ask(ageMsMax: number): Promise<void> {
    await this.#question.ask(ageMsMax)
  }

  /** The same, but that it does not wait for long. */
  async refresh(ageMsMax: number): Promise<void> {
    await this.#question.refresh(ageMsMax)
  }
}

function countDead(archive: Archive): Promise<ReadonlyMap<string, number> | undefined> {
  return new Promise((resolve) => {
    archive.lookUp({ kind: 'count dead' }, (answer) => {
      const isKnown = answer.kind === 'count dead'
      resolve(isKnown ? new Map(answer.functions.map(({ name, count }) => [name, count])) : undefined)
    })
  })
}
