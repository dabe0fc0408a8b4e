/** The upper bounds of the buckets that times are counted in, in milliseconds; what took longer has one more. */
export const boundsMs: readonly number[] = [
  1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000, 1_800_000, 7_200_000,
]
export const bucketCount: number = boundsMs.length + 1

/** The place in its row of the bucket that a time belongs to. */
export function bucketOf(ms: number): number {
  let bucket = 0
  while (bucket < boundsMs.length && ms > (boundsMs[bucket] ?? 0)) bucket++
  return bucket
}

/**
 * The time that so much of what was counted did not exceed, as far as buckets can tell; undefined: nothing was counted.
 * What took longer than the last bound counts as that.
 */
export function quantile(counts: Float64Array, share: number): number | undefined {
  let total = 0
  for (const count of counts) total += count
  if (total === 0) return undefined
  const rank = share * total
  let below = 0
  let lower = 0
  for (const [bucket, upper] of boundsMs.entries()) {
    const count = counts[bucket] ?? 0
    if (count > 0 && below + count >= rank) return lower + ((upper - lower) * (rank - below)) / count
    below += count
    lower = upper
  }
  return lower
}
