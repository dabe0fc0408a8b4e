import { useEffect, useState } from 'preact/hooks'
import { send } from '../../api/api.ts'
import type { Timing } from './schedule-form.ts'

export interface Preview {
  /** Undefined: nothing is asked yet, or it can't be so. */
  readonly next: readonly number[] | undefined
  /** Why not, as the server says it. */
  readonly problem: string | undefined
}

const nothing: Preview = { next: undefined, problem: undefined }
const quietMs = 250

/** The next times, as of when nobody has typed for a moment; undefined: there is nothing to ask for. */
export function usePreview(timing: Timing | undefined): Preview {
  const [preview, setPreview] = useState(nothing)
  const key = timing && JSON.stringify(timing)
  useEffect(() => {
    if (timing === undefined) {
      setPreview(nothing)
      return
    }
    let isStale = false
    const timer = setTimeout(() => {
      send<{ readonly next: readonly number[] }>('POST', 'schedules/preview', timing).then(
        ({ next }) => {
          if (!isStale) setPreview({ next, problem: undefined })
        },
        (error: unknown) => {
          if (!isStale) setPreview({ next: undefined, problem: error instanceof Error ? error.message : String(error) })
        },
      )
    }, quietMs)
    return () => {
      isStale = true
      clearTimeout(timer)
    }
  }, [key])
  return preview
}
