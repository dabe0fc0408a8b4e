import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { Store, StoreFailure } from './store.ts'

/** What has not failed for so long is said to work again: a disk that is full takes a small job and not the next one. */
const soundMs = 10_000

/** What is wrong with a store, and since when in the engine's time. */
export interface StoreTrouble {
  readonly failure: StoreFailure
  readonly since: number
}

/** Tells the log, and whoever else wants to know, that a store fails, and that it works again: once, however often it is tried in between. */
export class StoreNews {
  readonly #store: Store
  readonly #clock: Clock
  readonly #log: Log
  readonly #onTold: (isFailing: boolean) => void
  /** What was told last, until it was told that it is over. */
  #told: StoreTrouble | undefined
  #stopTelling: (() => void) | undefined
  /** When it was last told that it is over. */
  #overAt = Number.NEGATIVE_INFINITY

  constructor(store: Store, clock: Clock, log: Log, onTold: (isFailing: boolean) => void) {
    this.#store = store
    this.#clock = clock
    this.#log = log
    this.#onTold = onTold
  }

  /** Unlike the failure of the last commit it does not go with each small write that succeeds. */
  get trouble(): StoreTrouble | undefined {
    return this.#told
  }

  failed(failure: StoreFailure): void {
    this.stop()
    const { code, message } = failure
    if (this.#told?.failure.code === code) return
    this.#told = { failure, since: this.#told?.since ?? this.#clock.now() }
    this.#log.error({ code }, `the store ${this.#store.name} fails, background jobs are refused: ${message}`)
    this.#onTold(true)
  }

  /** After a failure. */
  succeeded(): void {
    if (this.#isBelieved) this.#tellOver()
    else {
      this.#stopTelling ??= this.#clock.after(soundMs, () => {
        this.#stopTelling = undefined
        this.#tellOver()
      })
    }
  }

  /** A database that was lost and is found again works, unless that was said of it just before. */
  get #isBelieved(): boolean {
    const told = this.#told
    const wasLost = this.#store.cluster !== undefined && told?.failure.isBroken === true
    return wasLost && told.since - this.#overAt >= soundMs
  }

  #tellOver(): void {
    this.#told = undefined
    this.#overAt = this.#clock.now()
    this.#log.info(`the store ${this.#store.name} works again: background jobs are taken`)
    this.#onTold(false)
  }

  /** Nothing more is to be told by itself. */
  stop(): void {
    this.#stopTelling?.()
    this.#stopTelling = undefined
  }
}
