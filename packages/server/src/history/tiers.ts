import type { HistoryRange } from '@geartrain/protocol'

/** A sample is taken so often, by the machine's date: at 12:00:10, 12:00:20 and so on. */
export const sampleMs = 10_000

/** Steps of one length. When there are more of them, those that were begun first go. */
export interface Tier {
  readonly stepMs: number
  readonly stepsMax: number
}

/**
 * The history is kept in steps of four lengths, the longer ones for longer. Every sample is added to its step of each. A
 * range is a little shorter than what is kept: it does not begin where a step does.
 */
export const tiers: readonly Tier[] = [
  { stepMs: sampleMs, stepsMax: 362 },
  { stepMs: 60_000, stepsMax: 362 },
  { stepMs: 300_000, stepsMax: 290 },
  { stepMs: 1_800_000, stepsMax: 338 },
]

/** What a chart of each range is made of: so many steps of a tier. */
export const ranges: Readonly<Record<HistoryRange, { readonly stepMs: number; readonly steps: number }>> = {
  '15m': { stepMs: sampleMs, steps: 90 },
  '1h': { stepMs: sampleMs, steps: 360 },
  '6h': { stepMs: 60_000, steps: 360 },
  '24h': { stepMs: 300_000, steps: 288 },
  '7d': { stepMs: 1_800_000, steps: 336 },
}

/** When the step begins that a date lies in. */
export function stepAt(date: number, stepMs: number): number {
  return Math.floor(date / stepMs) * stepMs
}
