import type { LiveChange } from '@geartrain/protocol'
import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { isUnauthorized, noticeSignedOut } from '../session/session.ts'
import { type Asking, keepAsking, type Load } from './keep-asking.ts'

/** Something of the server's, as it was when it was asked for last. */
export interface Resource<Value> {
  /** Undefined until there is an answer. It stays while it is asked for again. */
  readonly value: Value | undefined
  /** Why the last request failed. */
  readonly error: Error | undefined
  /** Asks again at once, or when what is on its way has come. */
  readonly reload: () => void
}

interface ResourceOptions {
  /** So long after an answer it is asked for again, while the page is live and seen; what takes long, later. */
  readonly everyMs?: number | undefined
  /** It may be another one after that, and is asked for again soon. */
  readonly isChangedBy?: (change: LiveChange) => boolean
}

interface State<Value> {
  readonly key: string | undefined
  readonly value?: Value
  readonly error?: Error
}

const byNothing = () => false

/**
 * What `load` gives; with `tell` it shows what there is at first. `key` says what is asked for: when it changes, what is
 * shown of another key goes. Without a key nothing is asked for.
 */
export function useResource<Value>(
  key: string | undefined,
  load: Load<Value>,
  { everyMs, isChangedBy = byNothing }: ResourceOptions = {},
): Resource<Value> {
  const [state, setState] = useState<State<Value>>({ key })
  const latest = useRef({ load, isChangedBy })
  latest.current = { load, isChangedBy }
  const asking = useRef<Asking>()
  const reload = useCallback(() => asking.current?.reload(), [])

  useEffect(() => {
    if (key === undefined) return
    const begun = keepAsking<Value>({
      load: (signal, tell) => latest.current.load(signal, tell),
      everyMs,
      isChangedBy: (change) => latest.current.isChangedBy(change),
      onValue: (value) => setState({ key, value }),
      onError: (error) => {
        if (isUnauthorized(error)) noticeSignedOut()
        setState((before) => ({ ...(before.key === key ? before : { key }), error }))
      },
    })
    asking.current = begun
    return () => {
      asking.current = undefined
      begun.stop()
    }
  }, [key, everyMs])

  const { value, error } = state.key === key ? state : {}
  return { value, error, reload }
}
