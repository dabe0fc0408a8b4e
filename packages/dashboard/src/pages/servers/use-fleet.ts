import type { WatchedServers } from '@geartrain/protocol'
import { useEffect, useMemo, useRef } from 'preact/hooks'
import { get } from '../../api/api.ts'
import { type Resource, useResource } from '../../api/use-resource.ts'
import { isWatching } from '../../live/live.ts'
import { exactNow } from '../../text/use-now.ts'
import { type Fleet, nextFleet, noFleet } from './fleet.ts'
import { noteAnswer } from './monitor-status.ts'

/** From an answer to the next question: a long answer over a slow network is waited for, and not asked for twice. */
const everyMs = 2000
/** Who takes longer is taken to be gone. */
const answerMs = 15_000

/** The servers, asked for again and again while somebody watches. */
export function useFleet(): Resource<Fleet> {
  const latest = useRef(noFleet)
  const resource = useResource('servers', async (signal) => {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(answerMs)])
    latest.current = nextFleet(latest.current, await get<WatchedServers>('servers', {}, limit), exactNow())
    return latest.current
  })
  const { value, error, reload } = resource
  const isWatched = isWatching.value
  const endedAt = useMemo(() => performance.now(), [value, error])
  useEffect(() => {
    if (value === undefined && error === undefined) return
    noteAnswer(error === undefined)
    if (!isWatched) return
    const timer = setTimeout(reload, Math.max(0, endedAt + everyMs - performance.now()))
    return () => clearTimeout(timer)
  }, [value, error, reload, isWatched, endedAt])
  return resource
}
