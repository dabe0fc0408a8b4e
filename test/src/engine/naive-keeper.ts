import type { DeathReason, Ending, Failure, Job, JobFunction, Keeper } from '@geartrain/engine'

interface Recent {
  readonly function: JobFunction
  readonly unique: string
  readonly number: number
  readonly until: number
}

/** In the place of a store: it writes down what it is told, and remembers the uniques of what has ended. */
export class NaiveKeeper implements Keeper {
  readonly #note: (line: string) => void
  readonly #nameOf: (session: number) => string
  readonly #now: () => number
  readonly #recent: Recent[] = []

  constructor(note: (line: string) => void, nameOf: (session: number) => string, now: () => number) {
    this.#note = note
    this.#nameOf = nameOf
    this.#now = now
  }

  retry({ number, retries }: Job, runAt: number, failure: Failure): void {
    this.#note(`keeper: #${number} ${this.#describe(failure)}, attempts ${retries}, not before ${runAt}`)
  }

  bury({ number, retries }: Job, reason: DeathReason, failure: Failure | undefined): void {
    const end = failure === undefined ? reason : this.#describe(failure)
    this.#note(`keeper: #${number} ${end}, attempts ${retries}, dead`)
  }

  keep(job: Job, { outcome, data, keepMs, uniqueForMs }: Ending): void {
    const { number, numerator, denominator, function: jobFunction, unique } = job
    const words = [outcome, Buffer.from(data).toString(), `${numerator}/${denominator}`].filter((word) => word !== '')
    this.#note(`keeper: #${number} ${words.join(' ')}, kept ${keepMs} ms, its unique ${uniqueForMs}`)
    this.#recent.push({ function: jobFunction, unique, number, until: this.#now() + uniqueForMs })
  }

  recent(jobFunction: JobFunction, unique: string): number | undefined {
    const isAsked = ({ function: other, unique: name, until }: Recent): boolean =>
      other === jobFunction && name === unique && unique !== '-' && until > this.#now()
    return this.#recent.findLast(isAsked)?.number
  }

  #describe({ reason, worker, error }: Failure): string {
    const text = Buffer.from(error ?? []).toString()
    return `${reason} at ${this.#nameOf(worker)}${text === '' ? '' : `: ${text}`}`
  }
}
