import { computed, type ReadonlySignal, signal } from '@preact/signals'
import { isWatching, type LiveStatus } from './live.ts'

/** Whether the last question was answered; undefined: there was none. */
const isAnswered = signal<boolean | undefined>(undefined)

export function noteAnswer(isGood: boolean): void {
  isAnswered.value = isGood
}

/** What LiveStatus is to a server, of a monitor: it is asked, and tells nothing by itself. */
export const monitorStatus: ReadonlySignal<LiveStatus> = computed(() => {
  if (!isWatching.value) return 'paused'
  if (isAnswered.value === undefined) return 'connecting'
  return isAnswered.value ? 'live' : 'lost'
})
