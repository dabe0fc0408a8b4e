const never = Number.POSITIVE_INFINITY

/** A time in which a server may have lost its lease. */
export interface Lapse {
  readonly from: number
  /** Infinity while that is not over. */
  to: number
}

/** A server from its start to its death. */
export class Life {
  readonly server: string
  diedAt = never
  readonly #lapses: Lapse[] = []

  constructor(server: string) {
    this.server = server
  }

  lapse(from: number, to: number = never): Lapse {
    const lapse = { from, to }
    this.#lapses.push(lapse)
    return lapse
  }

  /** What it had at the one moment may have been another's at the other. */
  mayHaveLapsed(from: number, to: number): boolean {
    return this.diedAt <= to || this.#lapses.some((lapse) => lapse.from <= to && lapse.to >= from)
  }
}
