import type { WatchedServers } from '@geartrain/protocol'
import { useEffect, useRef } from 'preact/hooks'
import { get } from '../../api/api.ts'
import { type Resource, useResource } from '../../api/use-resource.ts'
import { noteAnswer } from '../../live/monitor-status.ts'
import { exactNow } from '../../text/use-now.ts'
import { type Fleet, nextFleet, noFleet } from './fleet.ts'

const everyMs = 2000
/** Who takes longer is taken to be gone. */
const answerMs = 15_000

/** The servers, asked for again and again while somebody watches. */
export function useFleet(): Resource<Fleet> {
  const latest = useRef(noFleet)
  const load = async (signal: AbortSignal) => {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(answerMs)])
    latest.current = nextFleet(latest.current, await get<WatchedServers>('servers', {}, limit), exactNow())
    return latest.current
  }
  const resource = useResource('servers', load, { everyMs })
  const { value, error } = resource
  useEffect(() => {
    if (value !== undefined || error !== undefined) noteAnswer(error === undefined)
  }, [value, error])
  return resource
}
