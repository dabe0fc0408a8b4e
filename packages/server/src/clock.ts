/** The server's time, so that a simulation can have its own. Milliseconds everywhere. */
export interface Clock {
  /** Never goes back, whatever is done to the machine's date. Whole milliseconds. */
  now(): number
  /** Since 1970, as the machine has it. */
  wallNow(): number
  /** Calls back once, not before `delayMs`; gives the way to call it off. */
  after(delayMs: number, callback: () => void): () => void
  /** Calls back after all input of this loop iteration. */
  soon(callback: () => void): void
}

/** Node fires at once what is set further ahead than this. */
export const delayMsMax = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => Math.trunc(performance.now()),
  wallNow: () => Date.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, Math.min(delayMs, delayMsMax))
    return () => clearTimeout(timer)
  },
  soon: (callback) => {
    setImmediate(callback)
  },
}
