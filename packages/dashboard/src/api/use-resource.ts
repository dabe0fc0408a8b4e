import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { isWatching, onReconnected } from '../live/live.ts'
import { isUnauthorized, noticeSignedOut } from '../session/session.ts'

/** An answer that takes longer does not come any more. */
const answerMsMax = 60_000

/** Something of the server's, as it was when it was asked for last. */
export interface Resource<Value> {
  /** Undefined until there is an answer. It stays while it is asked for again. */
  readonly value: Value | undefined
  /** Why the last request failed. */
  readonly error: Error | undefined
  readonly isLoading: boolean
  /** Asks again at once, or when what is on its way has come. */
  readonly reload: () => void
}

/**
 * What `load` gives, asked for again every `everyMs` while the page is live and seen, and when `key` changes, which says
 * what is asked for: what is shown of another key goes. Without a key nothing is asked for.
 */
export function useResource<Value>(
  key: string | undefined,
  load: (signal: AbortSignal) => Promise<Value>,
  everyMs?: number,
): Resource<Value> {
  const [state, setState] = useState<{ key: string | undefined; value?: Value; error?: Error; isLoading: boolean }>({
    key,
    isLoading: key !== undefined,
  })
  const latest = useRef(load)
  latest.current = load
  const ask = useRef(() => {})
  const reload = useCallback(() => ask.current(), [])

  useEffect(() => {
    if (key === undefined) return
    const stop = new AbortController()
    let isUnderWay = false
    let isDue = false
    ask.current = () => {
      // What is on its way comes first: on a slow line nothing would ever arrive otherwise.
      isDue = isUnderWay
      if (isUnderWay) return
      isUnderWay = true
      setState((before) => (before.key === key ? { ...before, isLoading: true } : { key, isLoading: true }))
      const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(answerMsMax)])
      void latest
        .current(signal)
        .then(
          (value) => {
            if (!stop.signal.aborted) setState({ key, value, isLoading: false })
          },
          (error: unknown) => {
            if (stop.signal.aborted || !(error instanceof Error)) return
            if (isUnauthorized(error)) noticeSignedOut()
            setState((before) => ({ ...(before.key === key ? before : { key }), error, isLoading: false }))
          },
        )
        .then(() => {
          isUnderWay = false
          if (isDue && !stop.signal.aborted) ask.current()
        })
    }
    ask.current()
    return () => {
      stop.abort()
      ask.current = () => {}
    }
  }, [key])

  useEffect(() => {
    if (key === undefined || everyMs === undefined) return
    const timer = setInterval(() => {
      if (isWatching.peek()) reload()
    }, everyMs)
    return () => clearInterval(timer)
  }, [key, everyMs, reload])

  useEffect(() => onReconnected(reload), [reload])

  const isCurrent = state.key === key
  return {
    value: isCurrent ? state.value : undefined,
    error: isCurrent ? state.error : undefined,
    isLoading: isCurrent ? state.isLoading : key !== undefined,
    reload,
  }
}
