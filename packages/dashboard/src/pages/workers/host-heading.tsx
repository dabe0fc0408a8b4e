import type { ConnectionState } from '@geartrain/protocol'
import type { JSX } from 'preact'
import { clientIdsOf, countsOf } from '../../connections/connections.ts'
import { count, counted } from '../../text/numbers.ts'

const idsShownMax = 4

/** A host, how many connections it has, how many of them are busy, and what they call themselves. */
export function HostHeading(props: {
  readonly host: string
  readonly connections: readonly ConnectionState[]
}): JSX.Element {
  const { host, connections } = props
  const { busy } = countsOf(connections)
  const ids = clientIdsOf(connections)
  const more = ids.slice(idsShownMax)
  return (
    <>
      <span class="worker-host">{host}</span>
      <span>{counted(connections.length, 'connection')}</span>
      <span>{count(busy)} busy</span>
      <span class="worker-ids muted" title={ids.map(([id]) => id).join(', ')}>
        {ids
          .slice(0, idsShownMax)
          .map(([id, times]) => `${id.slice(0, 60)}${times === 1 ? '' : ` ×${count(times)}`}`)
          .join(', ')}
        {more.length === 0 ? '' : ` and ${count(more.length)} more`}
      </span>
    </>
  )
}
