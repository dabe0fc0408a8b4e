import type { Job } from '@geartrain/engine'
import type { Connections } from '../connections.ts'

/** Client id and address of the worker that has the job; empty: none has. */
export function workerText(connections: Connections, { owner }: Job): string {
  const connection = owner && connections.get(owner.id)
  return connection === undefined ? '' : `${connection.clientId} ${connection.address}`
}
