import type { LiveChange } from '@geartrain/protocol'
import { isWatching, onChange, onReconnected } from '../live/live.ts'

/** After something has happened: more may follow. */
const soonMs = 300
/** From an answer to the next question, when something has happened meanwhile. */
const restMs = { min: 1000, max: 30_000 }
/** What takes long for the server is asked for that much more seldom. */
const restFactor = 10
/** An answer that takes longer does not come any more. */
const answerMsMax = 60_000

export type Load<Value> = (signal: AbortSignal, tell: (value: Value) => void) => Promise<Value>

interface Asked<Value> {
  readonly load: Load<Value>
  /** Undefined: it is not asked for again by itself. */
  readonly everyMs: number | undefined
  /** It may be another one after that. */
  readonly isChangedBy: (change: LiveChange) => boolean
  readonly onValue: (value: Value) => void
  readonly onError: (error: Error) => void
}

export interface Asking {
  /** Asks at once, or when what is under way has come. */
  readonly reload: () => void
  readonly stop: () => void
}

/**
 * Asks for something now, some time after each answer, soon after it has changed, and when the server is back. There is
 * one request at a time: on a slow line nothing would ever arrive otherwise.
 */
export function keepAsking<Value>(asked: Asked<Value>): Asking {
  const { load, everyMs, isChangedBy, onValue, onError } = asked
  const stop = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined
  let dueAt = Number.POSITIVE_INFINITY
  let restedAt = 0
  let isUnderWay = false
  /** To be asked once more, at once or after a rest, when what is under way has come. */
  let next: 'at once' | 'rested' | undefined
  let isAnswered = false

  const ask = () => {
    if (isUnderWay) {
      next = 'at once'
      return
    }
    isUnderWay = true
    next = undefined
    clearTimeout(timer)
    void askNow()
  }
  const askNow = async () => {
    const begunAt = performance.now()
    const isGood = await answer()
    const now = performance.now()
    isUnderWay = false
    if (stop.signal.aborted) return
    // One that fails may have failed at once, or after a long wait for nothing.
    const tookMs = isGood ? now - begunAt : 0
    const rest = Math.min(restMs.max, Math.max(restMs.min, restFactor * tookMs))
    restedAt = now + rest
    dueAt = Number.POSITIVE_INFINITY
    if (next === 'at once') ask()
    else if (next === 'rested') askAfter(rest)
    else if (everyMs !== undefined) askAfter(Math.max(everyMs, rest))
  }
  const answer = async () => {
    const tell = (value: Value) => {
      if (!stop.signal.aborted && !isAnswered) onValue(value)
    }
    try {
      const value = await load(AbortSignal.any([stop.signal, AbortSignal.timeout(answerMsMax)]), tell)
      isAnswered = true
      if (!stop.signal.aborted) onValue(value)
      return true
    } catch (error) {
      if (!stop.signal.aborted) onError(error instanceof Error ? error : new Error(String(error)))
      return false
    }
  }
  const askAfter = (ms: number) => {
    clearTimeout(timer)
    dueAt = performance.now() + ms
    timer = setTimeout(() => {
      if (isWatching.peek()) ask()
      else askAfter(ms)
    }, ms)
  }
  const offs = [
    onReconnected(ask),
    onChange((change) => {
      if (!isChangedBy(change)) return
      if (isUnderWay) next ??= 'rested'
      else {
        const now = performance.now()
        const at = Math.max(now + soonMs, restedAt)
        if (at < dueAt) askAfter(at - now)
      }
    }),
  ]
  ask()
  return {
    reload: ask,
    stop: () => {
      stop.abort()
      clearTimeout(timer)
      for (const off of offs) off()
    },
  }
}
