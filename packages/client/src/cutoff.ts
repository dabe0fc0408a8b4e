import { setMaxListeners } from 'node:events'
import { AbortedError, type GeartrainError, InvalidArgumentError, TimeoutError } from './errors.ts'

/** How every call can be bounded by its caller. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined
  /** Default: as long as it takes. */
  readonly timeoutMs?: number | undefined
}

/** Node's timers fire at once beyond it. */
export const timerMsMax = 2 ** 31 - 1

const nothing = () => {}

export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new AbortedError(signal)
}

/**
 * Calls `cut` once, when the signal is aborted or the time is over, unless the function that comes back is called
 * first: then neither listener nor timer stays.
 */
export function startCutoff(
  { signal, timeoutMs }: CallOptions,
  what: string,
  cut: (error: GeartrainError) => void,
): () => void {
  if (signal === undefined && timeoutMs === undefined) return nothing
  const release = () => {
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
  }
  const onAbort = () => {
    release()
    // Only called by the signal, so there is one.
    if (signal !== undefined) cut(new AbortedError(signal))
  }
  const onTimeout = () => {
    release()
    cut(new TimeoutError(`${what} took longer than ${timeoutMs} ms`))
  }
  const timer = timeoutMs === undefined ? undefined : setTimeout(onTimeout, checkedTimeoutMs(timeoutMs))
  if (signal !== undefined) listen(signal, onAbort)
  return release
}

/** One signal may well bound thousands of calls, of which Node warns from eleven on. */
function listen(signal: AbortSignal, onAbort: () => void): void {
  setMaxListeners(0, signal)
  signal.addEventListener('abort', onAbort)
}

export function checkedTimeoutMs(timeoutMs: number): number {
  if (timeoutMs > 0 && timeoutMs <= timerMsMax) return timeoutMs
  throw new InvalidArgumentError(`timeoutMs is more than 0 and at most ${timerMsMax}, not ${timeoutMs}`)
}

/** 0 is at once, and a timer needs more. */
export function checkedCloseTimeoutMs(closeTimeoutMs: number): number {
  if (closeTimeoutMs >= 0 && closeTimeoutMs <= timerMsMax) return Math.max(closeTimeoutMs, 1)
  throw new InvalidArgumentError(`closeTimeoutMs is from 0 to ${timerMsMax}, not ${closeTimeoutMs}`)
}
