import type { Clock } from '../../../clock.ts'

/** How much of a lease is not counted on: until others can have taken it for over. */
const marginShare = 0.1

/** Knows by this machine's own clock, without asking anybody, when others may take this server's lease for over. */
export class LeaseWatch {
  readonly #clock: Pick<Clock, 'now' | 'after'>
  readonly #lastsMs: number
  readonly #onOver: () => void
  #renewedAt: number
  #isOver = false
  #stopTimer: (() => void) | undefined

  /** It was renewed or taken at some time after `since`. `onOver` is called once, and not at once. */
  constructor(clock: Pick<Clock, 'now' | 'after'>, leaseMs: number, onOver: () => void, since = clock.now()) {
    this.#clock = clock
    this.#lastsMs = leaseMs * (1 - marginShare)
    this.#onOver = onOver
    this.#renewedAt = since
    this.#stopTimer = clock.after(Math.max(0, Math.ceil(this.#leftMs)), () => this.#wait())
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** The database has renewed it, at some time after `since`. */
  renewed(since: number): void {
    this.#renewedAt = Math.max(this.#renewedAt, since)
  }

  /** For a process that stood still: it hears of what others say before its timers are looked at. */
  check(): void {
    if (this.#isOver || this.#stopTimer === undefined || this.#leftMs > 0) return
    this.stop()
    this.#end()
  }

  stop(): void {
    this.#stopTimer?.()
    this.#stopTimer = undefined
  }

  #wait(): void {
    const leftMs = this.#leftMs
    if (leftMs > 0) this.#stopTimer = this.#clock.after(Math.ceil(leftMs), () => this.#wait())
    else this.#end()
  }

  get #leftMs(): number {
    return this.#renewedAt + this.#lastsMs - this.#clock.now()
  }

  #end(): void {
    this.#isOver = true
    this.#onOver()
  }
}
