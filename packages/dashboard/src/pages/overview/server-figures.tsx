import type { LiveServer } from '@geartrain/protocol'
import type { JSX } from 'preact'
import { pages } from '../../links.ts'
import { Figure, unknown } from '../../parts/figure.tsx'
import { Since } from '../../parts/time.tsx'
import { bytes, count, counted, shortCount } from '../../text/numbers.ts'
import { duration } from '../../text/times.ts'

/** How the server itself does; undefined: it has not said yet. */
export function ServerFigures({ server }: { readonly server: LiveServer | undefined }): JSX.Element {
  const { connections } = server ?? {}
  return (
    <>
      <Figure label="Connections" to={pages.workers} note={connections && counted(connections.clients, 'client')}>
        {connections === undefined ? unknown : count(connections.workers + connections.clients)}
      </Figure>
      <Figure label="Store commit, p95" to={pages.servers} {...storeFigure(server)} />
      <Figure
        label="Memory"
        to={pages.servers}
        note={server && `${shortCount(server.jobsInMemory)} ${server.jobsInMemory === 1 ? 'job' : 'jobs'} in it`}
      >
        {server === undefined ? unknown : bytes(server.memoryBytes)}
      </Figure>
      <Figure label="Event loop delay" to={pages.servers} note={server && 'longest in 1 s'}>
        {server === undefined ? unknown : duration(Math.max(0, server.eventLoopDelayMs))}
      </Figure>
      <Figure label="Up" to={pages.servers} note={server && `version ${server.version}`}>
        {server === undefined ? unknown : <Since at={server.startedAt} />}
      </Figure>
    </>
  )
}

function storeFigure(server: LiveServer | undefined): {
  readonly children: string
  readonly note?: string
  readonly tone?: 'bad'
} {
  if (server === undefined) return { children: unknown }
  if (server.store === undefined) return { children: 'none', note: 'jobs in memory only' }
  const { kind, failing, commitP95Ms, unkeptJobs } = server.store
  if (failing) return { children: 'failing', note: `${kind}, ${counted(unkeptJobs, 'job')} not kept`, tone: 'bad' }
  return { children: commitP95Ms === undefined ? 'idle' : duration(commitP95Ms), note: kind }
}
