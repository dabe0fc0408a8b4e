/** Waits between attempts to reach a server again. */
export interface BackoffOptions {
  /** Before the first attempt. Each later one waits twice as long. */
  readonly minMs: number
  readonly maxMs: number
}

export const defaultBackoff: BackoffOptions = { minMs: 100, maxMs: 10_000 }

/**
 * How long to wait before this attempt, the first one being 0. Half of it is chance, so that a thousand workers that
 * lost the same server don't come back in the same moment.
 */
export function backoffMs({ minMs, maxMs }: BackoffOptions, attempt: number): number {
  const ms = Math.min(maxMs, minMs * 2 ** attempt)
  return ms / 2 + (ms / 2) * Math.random()
}
