import type { LiveChange } from '@geartrain/protocol'
import { useEffect, useRef } from 'preact/hooks'
import { onChange } from '../live/live.ts'

/** Calls `reload` when something has changed that is meant: at once, but not again before `restMs` have passed. */
export function useChanges(isMeant: (change: LiveChange) => boolean, reload: () => void, restMs: number = 1000): void {
  const latest = useRef(isMeant)
  latest.current = isMeant
  useEffect(() => {
    let rest: ReturnType<typeof setTimeout> | undefined
    let isDue = false
    const go = () => {
      isDue = false
      rest = setTimeout(() => {
        rest = undefined
        if (isDue) go()
      }, restMs)
      reload()
    }
    const leave = onChange((change) => {
      if (!latest.current(change)) return
      if (rest === undefined) go()
      else isDue = true
    })
    return () => {
      leave()
      clearTimeout(rest)
    }
  }, [reload, restMs])
}
