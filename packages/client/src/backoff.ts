import { timerMsMax } from './cutoff.ts'
import { InvalidArgumentError } from './errors.ts'

/** Waits between attempts to reach a server again. */
export interface BackoffOptions {
  /** Before the first attempt. Each later one waits twice as long. */
  readonly minMs: number
  readonly maxMs: number
}

const defaultBackoff: BackoffOptions = { minMs: 100, maxMs: 10_000 }

/** A connection that ends sooner is as good as an attempt that failed. */
const lastingMs = 1000

export function isShort(openedAtMs: number): boolean {
  return performance.now() - openedAtMs < lastingMs
}

/** With what the user has left out. */
export function checkedBackoff(options: Partial<BackoffOptions> = {}): BackoffOptions {
  const { minMs = defaultBackoff.minMs, maxMs = Math.max(minMs, defaultBackoff.maxMs) } = options
  if (minMs > 0 && maxMs >= minMs && maxMs <= timerMsMax) return { minMs, maxMs }
  throw new InvalidArgumentError(`reconnect: minMs is more than 0, maxMs not less, not ${minMs} and ${maxMs}`)
}

/**
 * How long to wait before this attempt, the first one being 0. Half of it is chance, so that a thousand workers that
 * lost the same server don't come back in the same moment.
 */
export function backoffMs({ minMs, maxMs }: BackoffOptions, attempt: number): number {
  const ms = Math.min(maxMs, minMs * 2 ** attempt)
  return ms / 2 + (ms / 2) * Math.random()
}
