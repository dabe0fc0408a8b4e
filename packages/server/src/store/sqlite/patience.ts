import type { Log } from '../../log.ts'
import type { Question } from './messages.ts'

const verbs = { open: 'opening', commit: 'writing', close: 'closing' } as const satisfies Record<
  Question['kind'],
  string
>

/** Says so each time the wait has lasted so long again, and once more when it ends. Gives what ends it. */
export function watch(name: string, doing: Question['kind'], patienceMs: number, log: Log): () => void {
  const startedAt = performance.now()
  let isSlow = false
  const timer = setInterval(() => {
    isSlow = true
    log.warn({ elapsedMs: elapsedMs() }, `the store ${name} is slow: ${verbs[doing]} has not ended yet`)
  }, patienceMs)
  const elapsedMs = () => Math.round(performance.now() - startedAt)
  return () => {
    clearInterval(timer)
    if (isSlow) log.warn({ elapsedMs: elapsedMs() }, `the store ${name} is back: ${verbs[doing]} has ended`)
  }
}
