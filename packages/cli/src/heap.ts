import { constants, PerformanceObserver } from 'node:perf_hooks'
import { getHeapStatistics, setFlagsFromString } from 'node:v8'

const smallBytes = 64 * 1024 * 1024
/** Four times what is in use: the most that V8 itself ever decides on. */
const roomPercent = 300

/**
 * V8 lets a small heap grow by little until it marks all of it again. A server on PostgreSQL has a small heap and fills
 * it quickly: that is ten times a second, in threads that take the processors from it and from the database. So as long
 * as the heap is small it may grow by more; when it is not, V8 decides. The flag is read at the end of each marking.
 */
export function giveHeapRoom(): void {
  let isSmall = true
  setFlagsFromString(`--heap-growing-percent=${roomPercent}`)
  new PerformanceObserver((list) => {
    if (!list.getEntries().some(isMajor)) return
    const isStillSmall = getHeapStatistics().used_heap_size < smallBytes
    if (isStillSmall === isSmall) return
    isSmall = isStillSmall
    setFlagsFromString(`--heap-growing-percent=${isSmall ? roomPercent : 0}`)
  }).observe({ entryTypes: ['gc'] })
}

function isMajor(entry: object): boolean {
  const detail = 'detail' in entry ? entry.detail : undefined
  const kind = typeof detail === 'object' && detail !== null && 'kind' in detail ? detail.kind : undefined
  return kind === constants.NODE_PERFORMANCE_GC_MAJOR
}
