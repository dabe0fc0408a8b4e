import type { ConnectionState, ControlOperations } from '@geartrain/protocol'
import { get } from '../../api/api.ts'

/** More of them are of no use on a page. */
export const connectionsMax = 10_000
const pageMax = 1000

export interface LoadedConnections {
  readonly connections: readonly ConnectionState[]
  /** False: there are more than are shown at most. */
  readonly isWhole: boolean
}

/** All pages of them. */
export async function loadConnections(show: 'workers' | 'all', signal: AbortSignal): Promise<LoadedConnections> {
  const connections: ConnectionState[] = []
  let after: string | undefined
  do {
    const query = { limit: pageMax, after }
    const page: ControlOperations['connections']['answer'] = await get(
      show === 'all' ? 'connections' : 'workers',
      query,
      signal,
    )
    connections.push(...page.connections)
    after = page.next
  } while (after !== undefined && connections.length < connectionsMax)
  return { connections, isWhole: after === undefined }
}
