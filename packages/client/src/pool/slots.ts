import { Deferred } from '../deferred.ts'
import { ClosedError, InvalidArgumentError } from '../errors.ts'

/** Work of which so much is done at once. The rest waits, first come first served. */
export class Slots {
  #free: number
  #running = 0
  readonly #waiting = new Set<Deferred<void>>()
  /** Set by `close()`, and resolved when nothing runs or waits any more. */
  #idle: Deferred<void> | undefined

  constructor(count: number, what: string) {
    if (!Number.isInteger(count) || count < 1) {
      throw new InvalidArgumentError(`${what} is a whole number from 1, not ${count}`)
    }
    this.#free = count
  }

  /** Rejects with the signal's reason if it is aborted while the work waits, and with ClosedError after `close()`. */
  async run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    if (this.#idle !== undefined) throw new ClosedError('the pool is closed')
    this.#running++
    try {
      await this.#enter(signal)
      try {
        return await work()
      } finally {
        this.#leave()
      }
    } finally {
      this.#running--
      this.#noteIdle()
    }
  }

  /** Takes no more work; resolves when what there is has been done. */
  close(): Promise<void> {
    this.#idle ??= new Deferred()
    this.#noteIdle()
    return this.#idle.promise
  }

  async #enter(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (this.#free > 0) {
      this.#free--
      return
    }
    const turn = new Deferred<void>()
    const giveUp = () => {
      this.#waiting.delete(turn)
      turn.reject(signal.reason)
    }
    this.#waiting.add(turn)
    signal.addEventListener('abort', giveUp)
    try {
      await turn.promise
    } finally {
      signal.removeEventListener('abort', giveUp)
    }
  }

  #noteIdle(): void {
    if (this.#running === 0) this.#idle?.resolve()
  }

  #leave(): void {
    const [next] = this.#waiting
    if (next === undefined) this.#free++
    else {
      this.#waiting.delete(next)
      next.resolve()
    }
  }
}
