import type { JSX } from 'preact'
import { brief } from '../../text/times.ts'
import { now } from '../../text/use-now.ts'
import type { ServerRow } from './fleet.ts'

/** Why servers can't be asked now. The times are fixed ones: what is said aloud is not said again each second. */
export function FailingServers({ servers }: { readonly servers: readonly ServerRow[] }): JSX.Element | null {
  const failing = servers.filter(({ server }) => server.failure !== undefined)
  if (failing.length === 0) return null
  return (
    <div class="banner tone-bad failing-servers" role="alert">
      <ul>
        {failing.map(({ key, server: { address, failure, failingSince, lookedAt } }) => (
          <li key={key}>
            <strong>{address}</strong> can not be asked{failingSince === undefined ? '' : ` since ${at(failingSince)}`}:{' '}
            {failure}.{' '}
            {lookedAt === undefined ? 'Nothing is known of it.' : `What is shown of it was so at ${at(lookedAt)}.`}
          </li>
        ))}
      </ul>
    </div>
  )
}

function at(time: number): string {
  return brief(time, now.peek())
}
