import type { Engine } from '@geartrain/engine'
import type { Clock } from './clock.ts'
import type { Handles } from './handles.ts'
import type { OpenBatch } from './store/open-batch.ts'

/** How many are set aside at a time. */
interface Counts {
  readonly least: number
  readonly most: number
}

const alone: Counts = { least: 1e8, most: 1e8 }
const amongOthers: Counts = { least: 1e6, most: 1e8 }
/** A range lasts for so long, as fast as numbers were used since the last one: while the store is lost, jobs in memory take them. */
const lastsMs = 600_000
/**
 * So many of a range are given up at most, by the time that it was had. Numbers begin at the microseconds since 1970,
 * 1.7e15, and end at 2^53, 9e15: one server that gave up one each microsecond would be done in the year 2255, ten that are
 * busy all the time after 23 years.
 */
const givenUpPerMs = 1000
/** More are asked for when so much of it is used up. */
const usedShare = 0.25
/** Kept for what the server submits by itself, which nothing refuses. */
const ownNumbers = 1e4
/**
 * More than all servers set aside in a few seconds: what was set aside last a database may not know that takes the place
 * of a lost one.
 */
const lostNumbersMax = 1e9

/**
 * The numbers that the store has set aside for this server: those in the handles of its jobs, which lists go by. With a
 * store that others use as well, each has a range of its own; one that is below numbers that others have used is given up
 * for a new one, so that the numbers of all servers follow the time of submission: to about a second, and to some more
 * where a server takes thousands of jobs a second, and its ranges are larger.
 */
export class NumberRange {
  readonly #handles: Handles
  readonly #isShared: boolean
  readonly #counts: Counts
  readonly #clock: Clock
  /** The next number when some were set aside last, and the time. */
  #since = 0
  #sinceMs = 0
  /** So many were, from there on. */
  #count = 0
  #until = 0
  /** What is set aside from now on is not below. */
  #from = 0
  /** The highest one in the store of which is known. */
  #highest = 0
  /** In which more of them were asked for. */
  #asked: OpenBatch | undefined

  constructor(handles: Handles, clock: Clock, isShared: boolean) {
    this.#handles = handles
    this.#clock = clock
    this.#isShared = isShared
    this.#counts = isShared ? amongOthers : alone
  }

  /** The first ones, in a batch of their own, before `begin`. */
  reserveFirst(batch: OpenBatch, firstNumber: number): void {
    this.opened(firstNumber)
    batch.reserve = { from: this.#from, count: this.#counts.least }
  }

  /** A store is open, or open anew if others use it as well: as far as it knows, nobody has had that number or a higher one. */
  opened(firstNumber: number): void {
    this.#from = Math.max(this.#until, firstNumber) + (this.#isShared ? lostNumbersMax : 0)
  }

  /** Handles are given out from `first` on. */
  begin(first: number, engine: Engine): void {
    this.#handles.startAt(first)
    this.#until = first
    this.#add(first, this.#counts.least, engine)
  }

  /** There is a job with this number in the store. */
  heardOf(number: number): void {
    this.#highest = Math.max(this.#highest, number)
    this.#from = Math.max(this.#from, number + 1)
  }

  /** More of them, if there should be. */
  reserve(batch: OpenBatch, nextNumber: number): void {
    if (this.#asked !== undefined) return
    const next = this.#handles.total(nextNumber)
    const left = this.#until - next
    const isUsed = left < (1 - usedShare) * this.#count
    // What is above its own numbers is another's.
    if (!isUsed && this.#highest < next) return
    const elapsedMs = Math.max(1, this.#clock.now() - this.#sinceMs)
    if (!isUsed && left > givenUpPerMs * elapsedMs) return
    const { least, most } = this.#counts
    const lasting = Math.ceil(((next - this.#since) / elapsedMs) * lastsMs)
    const count = Math.min(most, Math.max(least, lasting))
    this.#asked = batch
    batch.reserve = { from: this.#from, count }
  }

  /** The least that a store can be asked to write. */
  reserveOne(batch: OpenBatch): void {
    batch.reserve ??= { from: this.#from, count: 1 }
  }

  /**
   * The store has set these aside for the batch, from `first` on. If they are not next to those before, the rest of those
   * is given up for a range, and a single one is left itself.
   */
  reserved(batch: OpenBatch, first: number, engine: Engine | undefined): void {
    const count = batch.reserve?.count ?? 0
    // It was asked for before the store was lost.
    if (first < this.#from || engine === undefined) return
    if (batch === this.#asked) this.#add(first, count, engine)
    else if (first === this.#until) this.#until += count
  }

  /** All that was to be done about the batch is done. */
  released(batch: OpenBatch): void {
    if (batch === this.#asked) this.#asked = undefined
  }

  #add(first: number, count: number, engine: Engine): void {
    const handles = this.#handles
    if (first !== this.#until) engine.skipTo(handles.numberOf(first))
    this.#since = handles.total(engine.nextNumber)
    this.#sinceMs = this.#clock.now()
    this.#count = count
    this.#until = first + count
    this.#from = Math.max(this.#from, this.#until)
    if (this.#isShared) engine.endNumbersAt(handles.numberOf(this.#until - ownNumbers))
  }
}
