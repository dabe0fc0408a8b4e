import type { Clock } from '../../../clock.ts'

const samplesMax = 16
/** Times are whole milliseconds. */
const roundingMs = 1

interface Sample {
  /** The database's clock, less this machine's that never goes back. */
  readonly ahead: number
  readonly roundTripMs: number
}

/** What the database's clock says, from answers that took some time: of the latest the one that took the least is believed. */
export class DatabaseClock {
  readonly #clock: Pick<Clock, 'now' | 'wallNow'>
  #samples: Sample[] = []

  constructor(clock: Pick<Clock, 'now' | 'wallNow'>) {
    this.#clock = clock
  }

  /** `databaseMs` was read after `sentAt`, and before now. */
  note(sentAt: number, databaseMs: number): void {
    const answeredAt = this.#clock.now()
    const sample = { ahead: databaseMs - (sentAt + answeredAt) / 2, roundTripMs: answeredAt - sentAt }
    const best = this.#best()
    // Both can't be true: the database's date was set, or it is another machine's.
    const isOther = best !== undefined && Math.abs(sample.ahead - best.ahead) > slackOf(sample) + slackOf(best)
    this.#samples = isOther ? [sample] : [...this.#samples.slice(1 - samplesMax), sample]
  }

  /** What it is ahead of this machine's date; undefined: it has said nothing yet. */
  get aheadMs(): number | undefined {
    const best = this.#best()
    return best && best.ahead + this.#clock.now() - this.#clock.wallNow()
  }

  #best(): Sample | undefined {
    return this.#samples.reduce<Sample | undefined>(
      (best, sample) => (best === undefined || sample.roundTripMs <= best.roundTripMs ? sample : best),
      undefined,
    )
  }
}

function slackOf({ roundTripMs }: Sample): number {
  return roundTripMs / 2 + roundingMs
}
