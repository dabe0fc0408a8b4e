import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { isWatching, onChange, onReconnected } from '../../live/live.ts'
import { isUnauthorized, noticeSignedOut } from '../../session/session.ts'

export interface Asked<Value> {
  /** Undefined until there is an answer. It stays while it is asked for again. */
  readonly value: Value | undefined
  /** Why the last request failed. */
  readonly error: Error | undefined
  /** Asks again at once; if it is being asked, once more after that. */
  readonly reload: () => void
}

/** After something has happened: more may follow. */
const soonMs = 300
/** What takes long for the server is asked for that much more seldom. */
const restFactor = 10

/**
 * What `load` gives, which can take a while: it is asked for again some time after the last answer has come, as long as
 * the page is live and seen, and soon after something has happened. `tell` shows what there is at first.
 */
export function useAsked<Value>(
  key: string | undefined,
  load: (signal: AbortSignal, tell: (value: Value) => void) => Promise<Value>,
  everyMs: number | undefined,
): Asked<Value> {
  const [state, setState] = useState<{ key: string | undefined; value?: Value; error?: Error }>({ key })
  const latest = useRef(load)
  latest.current = load
  const current = useRef<() => void>(() => {})

  useEffect(() => {
    if (key === undefined) return
    const stop = new AbortController()
    const { signal } = stop
    let timer: ReturnType<typeof setTimeout> | undefined
    let isAsking = false
    let isAgain = false
    let isAnswered = false
    let restMs = 0
    let dueAt = Number.POSITIVE_INFINITY

    const tell = (value: Value) => {
      if (!signal.aborted && !isAnswered) setState({ key, value })
    }
    const fail = (error: unknown) => {
      if (signal.aborted || !(error instanceof Error)) return
      if (isUnauthorized(error)) noticeSignedOut()
      setState((before) => ({ ...(before.key === key ? before : { key }), error }))
    }
    const ask = async () => {
      clearTimeout(timer)
      isAgain = isAsking
      if (isAsking) return
      isAsking = true
      const begunAt = performance.now()
      try {
        const value = await latest.current(signal, tell)
        isAnswered = true
        if (!signal.aborted) setState({ key, value })
      } catch (error) {
        fail(error)
      }
      isAsking = false
      restMs = restFactor * (performance.now() - begunAt)
      if (signal.aborted) return
      if (isAgain) void ask()
      else if (everyMs !== undefined) after(Math.max(everyMs, restMs))
    }
    const after = (ms: number) => {
      clearTimeout(timer)
      dueAt = performance.now() + ms
      timer = setTimeout(() => {
        if (isWatching.peek()) void ask()
        else after(ms)
      }, ms)
    }
    current.current = () => void ask()
    const offs = [
      () => stop.abort(),
      onReconnected(() => void ask()),
      onChange(() => {
        const ms = Math.max(soonMs, restMs)
        if (everyMs !== undefined && !isAsking && performance.now() + ms < dueAt) after(ms)
      }),
    ]
    void ask()
    return () => {
      clearTimeout(timer)
      for (const off of offs) off()
    }
  }, [key, everyMs])

  const reload = useCallback(() => current.current(), [])
  const isCurrent = state.key === key
  return { value: isCurrent ? state.value : undefined, error: isCurrent ? state.error : undefined, reload }
}
