import type { ConnectionState } from '@geartrain/protocol'
import type { JSX } from 'preact'
import { path, send } from '../api/api.ts'
import { ActionButton } from '../parts/action-button.tsx'
import { confirm } from '../parts/confirm.tsx'
import { Icon } from '../parts/icon.tsx'
import { counted } from '../text/numbers.ts'
import { hostOf, nameOf } from './connections.ts'

export function DisconnectButton(props: {
  readonly connection: ConnectionState
  readonly onClosed: () => void
}): JSX.Element {
  const { connection, onClosed } = props
  const name = nameOf(connection)
  const disconnect = async () => {
    const isMeant = await confirm({
      title: 'Disconnect?',
      body: <Consequences {...connection} />,
      action: 'Disconnect',
      isDestructive: true,
    })
    if (!isMeant) return undefined
    await send('DELETE', path`connections/${connection.id}`)
    onClosed()
    return `${name} is disconnected.`
  }
  return (
    <ActionButton run={disconnect} title={`Disconnect ${name}`}>
      <Icon name="close" />
      <span class="visually-hidden">Disconnect {name}</span>
    </ActionButton>
  )
}

function Consequences(connection: ConnectionState): JSX.Element {
  const { jobs, waiting, kind } = connection
  return (
    <>
      <p>
        The connection of <strong class="worker-peer">{nameOf(connection)}</strong> at {hostOf(connection)} ({kind}) is
        ended.
      </p>
      <p>
        {jobs.length === 0
          ? 'It has no job now.'
          : `${jobs.length === 1 ? 'The job' : `The ${counted(jobs.length, 'job')}`} that it has ${jobs.length === 1 ? 'goes' : 'go'} to other workers.`}{' '}
        {waiting === 0 ? '' : `It waits for ${counted(waiting, 'job')}, and is not told what becomes of them. `}
        Nothing keeps it from connecting again.
      </p>
    </>
  )
}
