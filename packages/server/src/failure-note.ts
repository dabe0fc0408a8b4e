import type { Failure, Job } from '@geartrain/engine'
import type { Connections } from './connections.ts'
import type { StoredFailureNote } from './store/store.ts'
import type { WallTime } from './wall-time.ts'

/** Of what a worker says of a failure, so much is kept. */
const errorBytesMax = 4096

/** An attempt as it is kept when it has ended: from when on who had the job, and what they said. */
export function failureNote(
  { startedAt }: Job,
  { reason, worker, error }: Failure,
  connections: Connections,
  wallTime: WallTime,
): StoredFailureNote {
  const connection = connections.get(worker)
  const who = connection === undefined ? '' : `${connection.clientId} ${connection.address}`
  const said = error === undefined ? '' : new TextDecoder().decode(error.subarray(0, errorBytesMax))
  return { startedAt: wallTime.dateOf(startedAt), at: wallTime.now, reason, worker: who, error: said }
}
