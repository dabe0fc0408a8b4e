import { type ReadonlySignal, signal } from '@preact/signals'
import { live } from '../live/live.ts'

const tick = signal(Date.now())
let skewMs = 0
setInterval(() => {
  if (live.isPaused.peek() || document.hidden) return
  tick.value = Date.now() + skewMs
}, 1000)
// The server's clock counts: ages are of its times.
live.at.subscribe((at) => {
  if (at === 0) return
  const isFirst = skewMs === 0
  skewMs = at - Date.now()
  if (isFirst) tick.value = at
})

/** The server's time, to the millisecond, as far as it is known here. */
export function exactNow(): number {
  return Date.now() + skewMs
}

/** The server's time, as of the last second. */
export const now: ReadonlySignal<number> = tick
