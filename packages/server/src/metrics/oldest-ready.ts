import type { JobFunction } from '@geartrain/engine'

/**
 * Since when, in the engine's time, the job of a function that waits longest for a worker could have been begun. Undefined:
 * none is in memory; where nobody does them, they are on disk alone.
 */
export function oldestReadyAt({ ready }: JobFunction): number | undefined {
  let oldest = Number.POSITIVE_INFINITY
  for (const { first } of ready) if (first !== undefined) oldest = Math.min(oldest, first.readyAt)
  return Number.isFinite(oldest) ? oldest : undefined
}
