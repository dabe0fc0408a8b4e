const never = Number.POSITIVE_INFINITY

/** A time in which a server may have lost its lease. */
export interface Lapse {
  readonly from: number
  /** What it had before it noticed it may still give to workers until then. Infinity while that is not over. */
  to: number
  /** What troubled it was over. */
  healedAt: number
  /** What it was asked after that it has kept: from then on it has a lease. */
  provenAt: number
}

/** A server from its start to its death. */
export class Life {
  readonly server: string
  diedAt = never
  /** Until then it stood still, and gave nobody anything; what it had given before was heard before. */
  thawedAt = 0
  readonly #lapses: Lapse[] = []

  constructor(server: string) {
    this.server = server
  }

  lapse(from: number, to: number = never): Lapse {
    const lapse = { from, to, healedAt: to, provenAt: never }
    this.#lapses.push(lapse)
    return lapse
  }

  /** It has acknowledged something that it was asked then. */
  acknowledges(askedAt: number, at: number): void {
    for (const lapse of this.#lapses) if (lapse.healedAt <= askedAt) lapse.provenAt = Math.min(lapse.provenAt, at)
  }

  /** What it had at the one moment may have been another's at the other. */
  mayHaveLapsed(from: number, to: number): boolean {
    return this.diedAt <= to || this.#lapses.some((lapse) => lapse.from <= to && lapse.to >= from)
  }

  /** It has had a lease all the time, one and the same, or has gone on with what it had. */
  isSteady(from: number, to: number): boolean {
    if (this.diedAt <= to) return false
    return this.#lapses.every((lapse) => lapse.from > to || Math.min(lapse.to, lapse.provenAt) < from)
  }
}
