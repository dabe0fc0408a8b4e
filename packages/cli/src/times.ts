const unitsMs = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
] as const

/** `3m ago`, `in 2h`, `now`: in the largest unit of which there are two at least. */
export function relativeTime(atMs: number, nowMs: number): string {
  const distanceMs = Math.abs(atMs - nowMs)
  const [unit, unitMs] = unitsMs.find(([, ms]) => distanceMs >= 2 * ms) ?? unitsMs[3]
  const number = Math.floor(distanceMs / unitMs)
  if (number === 0) return 'now'
  return atMs < nowMs ? `${number}${unit} ago` : `in ${number}${unit}`
}

/** `2030-01-31T09:00:00.250Z (in 3d)`. */
export function fullTime(atMs: number, nowMs: number): string {
  const date = new Date(atMs)
  return Number.isNaN(date.getTime()) ? `${atMs} ms` : `${date.toISOString()} (${relativeTime(atMs, nowMs)})`
}

/** `2030-01-31 09:00:00`, as the clocks of the time zone show it. */
export function zonedTime(atMs: number, timeZone: string): string {
  // Sweden writes dates as ISO does.
  return new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' }).format(atMs)
}
