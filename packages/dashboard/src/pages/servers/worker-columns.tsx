import type { JSX } from 'preact'
import type { Column } from '../../parts/table.tsx'
import { count } from '../../text/numbers.ts'
import type { WorkerRow } from './fleet.ts'
import { ServerCell } from './function-columns.tsx'
import { FunctionName } from './function-name.tsx'

export const workerColumns: readonly Column<WorkerRow>[] = [
  {
    key: 'client',
    title: 'Client id',
    cell: ({ clientId }) => <ClientId clientId={clientId} />,
    sortBy: ({ clientId }) => (clientId === '-' ? undefined : clientId),
  },
  { key: 'address', title: 'Address', cell: ({ address }) => address, sortBy: ({ address }) => address },
  {
    key: 'server',
    title: 'Server',
    cell: ({ server, isThis }) => <ServerCell server={server} isThis={isThis} />,
    sortBy: ({ server }) => server,
  },
  {
    key: 'functions',
    title: 'Can do',
    cell: ({ functions, isThis }) => <Abilities names={functions} isThis={isThis} />,
    sortBy: ({ functions }) => functions.length,
  },
  {
    key: 'number',
    title: 'Number',
    isNumber: true,
    isWideOnly: true,
    cell: ({ number }) => <span title="Its file descriptor at the server, or what stands for it">{number}</span>,
    sortBy: ({ number }) => number,
  },
]

function ClientId({ clientId }: { readonly clientId: string }): JSX.Element {
  return (
    <div class="fleet-cell">
      {clientId === '-' ? (
        <span class="muted" title="It has not said who it is">
          –
        </span>
      ) : (
        <span class="fleet-name" title={clientId}>
          {clientId}
        </span>
      )}
    </div>
  )
}

const shownMax = 4

function Abilities({ names, isThis }: { readonly names: readonly string[]; readonly isThis: boolean }): JSX.Element {
  const more = names.slice(shownMax)
  return (
    <ul class="fleet-abilities">
      {names.slice(0, shownMax).map((name) => (
        <li key={name}>
          <FunctionName name={name} isThis={isThis} />
        </li>
      ))}
      {more.length === 0 ? null : (
        <li class="muted" title={more.join(', ')}>
          and {count(more.length)} more
        </li>
      )}
    </ul>
  )
}
