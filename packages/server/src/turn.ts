import type { Engine } from '@geartrain/engine'
import type { Clock } from './clock.ts'

/** A date may come sooner than it seems, if the machine's is set meanwhile. */
const lookMs = 10_000

/**
 * The heart of the server. All input of one loop iteration is stepped through the engine as it is decoded; the first
 * of it schedules the turn's end, where every connection that got output sends it in one write. One timer calls the
 * engine when it has something to do by itself.
 */
export class Turn {
  readonly #engine: Engine
  readonly #clock: Clock
  readonly #flush: () => void
  readonly #look: () => void
  #isScheduled = false
  #isStopped = false
  #timerAt = Number.POSITIVE_INFINITY
  #stopTimer: () => void = () => {}

  /**
   * `flush` sends what the turn made. It is called once at the end of each. `look` sees whether the
   * date was set; it is called before each turn, and now and then while the engine waits for a time.
   */
  constructor(engine: Engine, clock: Clock, flush: () => void, look: () => void) {
    this.#engine = engine
    this.#clock = clock
    this.#flush = flush
    this.#look = look
  }

  /**
   * Before any command: the engine learns the time, which is given back, and the turn will end after this loop
   * iteration's input.
   */
  begin(): number {
    const now = this.#clock.now()
    this.#look()
    this.#engine.advance(now)
    if (!this.#isScheduled) {
      this.#isScheduled = true
      this.#clock.soon(() => this.#end())
    }
    return now
  }

  /** From now on the engine is not called by itself. */
  stop(): void {
    this.#isStopped = true
    this.#stopTimer()
    this.#timerAt = Number.POSITIVE_INFINITY
  }

  #end(): void {
    this.#isScheduled = false
    this.#engine.settle()
    this.#flush()
    this.#setTimer()
  }

  /** A deadline that moved away leaves the timer where it is: it will find nothing due and be set anew. */
  #setTimer(): void {
    const deadline = this.#engine.nextDeadline
    if (deadline >= this.#timerAt || this.#isStopped) return
    this.#stopTimer()
    const now = this.#clock.now()
    this.#timerAt = Math.min(deadline, now + lookMs)
    this.#stopTimer = this.#clock.after(Math.max(0, this.#timerAt - now), () => {
      this.#timerAt = Number.POSITIVE_INFINITY
      this.begin()
    })
  }
}
