const exactFormat = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' })
const clockFormat = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' })
const dayFormat = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' })
const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

/** How long: `320 ms`, `4.2 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`. */
export function duration(ms: number): string {
  if (ms < 1) return ms <= 0 ? '0 ms' : '<1 ms'
  if (ms < second) return `${Math.round(ms)} ms`
  if (ms < 10 * second) return `${(Math.floor(ms / 100) / 10).toLocaleString()} s`
  if (ms < minute) return `${Math.floor(ms / second)} s`
  if (ms < hour) return pair(ms, minute, 'min', second, 's')
  if (ms < day) return pair(ms, hour, 'h', minute, 'min')
  return pair(ms, day, 'd', hour, 'h')
}

function pair(ms: number, large: number, largeUnit: string, small: number, smallUnit: string): string {
  const rest = Math.floor((ms % large) / small)
  return `${Math.floor(ms / large)} ${largeUnit}${rest === 0 ? '' : ` ${rest} ${smallUnit}`}`
}

/** `4 s ago`, `in 3 min`, `now`. */
export function relative(time: number, now: number): string {
  const ms = now - time
  if (Math.abs(ms) < second) return 'now'
  return ms > 0 ? `${duration(coarse(ms))} ago` : `in ${duration(coarse(-ms))}`
}

/** Seconds of what is hours away are of no use. */
function coarse(ms: number): number {
  if (ms < minute) return Math.floor(ms / second) * second
  if (ms < hour) return ms < 10 * minute ? ms : Math.floor(ms / minute) * minute
  return ms
}

/** In the zone of whoever looks: day and time of day. */
export function exact(time: number): string {
  return exactFormat.format(time)
}

/** The time of day, and the day if it is another one than that of `now`. */
export function brief(time: number, now: number): string {
  return dayFormat.format(time) === dayFormat.format(now) ? clockFormat.format(time) : exact(time)
}
