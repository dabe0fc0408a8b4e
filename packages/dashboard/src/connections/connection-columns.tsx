import type { ConnectionState } from '@geartrain/protocol'
import type { JSX } from 'preact'
import { Link } from 'wouter-preact'
import { functionLink, jobLink } from '../links.ts'
import { Badge } from '../parts/badge.tsx'
import type { BadgeState } from '../parts/badge-state.ts'
import type { Column } from '../parts/table.tsx'
import { Ago, Since } from '../parts/time.tsx'
import { bytes, count, counted } from '../text/numbers.ts'
import { activityOf, type ConnectionActivity, nameOf } from './connections.ts'
import { DisconnectButton } from './disconnect-button.tsx'

/** `mayClose`: whoever looks may end connections. */
export function connectionColumns(mayClose: boolean, onClosed: () => void): readonly Column<ConnectionState>[] {
  const columns: Column<ConnectionState>[] = [
    { key: 'client', title: 'Client id', cell: (each) => <ClientId {...each} />, sortBy: nameOf },
    { key: 'state', title: 'State', cell: (each) => <Activity {...each} />, sortBy: (each) => order[activityOf(each)] },
    {
      key: 'jobs',
      title: 'Jobs in hand',
      cell: (each) => <JobsInHand {...each} />,
      sortBy: ({ jobs }) => jobs[0]?.startedAt,
    },
    {
      key: 'functions',
      title: 'Can do',
      cell: ({ functions }) => <Functions names={functions} />,
      sortBy: ({ functions }) => functions[0],
    },
    { key: 'actor', title: 'Who', cell: (each) => <Who {...each} />, sortBy: ({ actor }) => actor, isWideOnly: true },
    {
      key: 'bytes',
      title: 'Bytes',
      isNumber: true,
      cell: (each) => <Bytes {...each} />,
      sortBy: ({ bytesIn, bytesOut }) => bytesIn + bytesOut,
    },
    {
      key: 'opened',
      title: 'Connected',
      isNumber: true,
      cell: ({ openedAt }) => <Since at={openedAt} />,
      sortBy: ({ openedAt }) => -openedAt,
    },
    {
      key: 'heard',
      title: 'Last heard',
      isNumber: true,
      cell: ({ lastInputAt }) => <Ago at={lastInputAt} />,
      sortBy: ({ lastInputAt }) => -lastInputAt,
    },
  ]
  if (!mayClose) return columns
  const action = (each: ConnectionState) => <DisconnectButton connection={each} onClosed={onClosed} />
  return [...columns, { key: 'action', title: 'Action', cell: action }]
}

const order = { busy: 0, waiting: 1, idle: 2, sleeping: 3 } as const
const badges: Readonly<Record<ConnectionActivity, BadgeState>> = {
  busy: 'running',
  waiting: 'ready',
  sleeping: 'idle',
  idle: 'idle',
}
const meanings: Readonly<Record<ConnectionActivity, string>> = {
  busy: 'It does a job.',
  waiting: 'It waits for jobs that it has submitted.',
  sleeping: 'It waits to be woken when there is a job for it.',
  idle: 'It has no job, and does not wait for one.',
}

function ClientId(connection: ConnectionState): JSX.Element {
  const { clientId, id, number } = connection
  return (
    <div class="name worker-client" title={`${clientId} (connection ${id}, number ${number})`}>
      {clientId === '-' ? <span class="muted">{nameOf(connection)}</span> : clientId}
    </div>
  )
}

/** By the rules of access, and how it came. */
function Who({ actor, kind }: ConnectionState): JSX.Element {
  return (
    <div class="worker-lines">
      <div class="cut-off worker-actor" title={actor}>
        {actor}
      </div>
      <div class="muted">{kind}</div>
    </div>
  )
}

function Activity(connection: ConnectionState): JSX.Element {
  const activity = activityOf(connection)
  return (
    <span title={meanings[activity]}>
      <Badge state={badges[activity]}>{activity}</Badge>
    </span>
  )
}

const jobsShownMax = 3
const functionsShownMax = 3

function JobsInHand({ jobs, waiting }: ConnectionState): JSX.Element {
  if (jobs.length === 0) {
    return <span class="muted">{waiting === 0 ? '–' : `waits for ${counted(waiting, 'job')}`}</span>
  }
  return (
    <ul class="worker-jobs">
      <Some each={jobs.map((job) => <JobInHand key={job.handle} {...job} />)} max={jobsShownMax} />
      {waiting === 0 ? null : <li class="muted">waits for {counted(waiting, 'job')}</li>}
    </ul>
  )
}

function JobInHand({ handle, function: name, startedAt }: ConnectionState['jobs'][number]): JSX.Element {
  return (
    <li>
      <Link href={jobLink(handle)} class="cut-off" title={`Job ${handle} of ${name}`}>
        {name}
      </Link>{' '}
      <span class="muted">
        for <Since at={startedAt} />
      </span>
    </li>
  )
}

function Functions({ names }: { readonly names: readonly string[] }): JSX.Element {
  if (names.length === 0) return <span class="muted">–</span>
  const links = names.map((name) => (
    <li key={name}>
      <Link href={functionLink(name)} title={name}>
        {name}
      </Link>
    </li>
  ))
  return (
    <ul class="worker-functions">
      <Some each={links} max={functionsShownMax} />
    </ul>
  )
}

/** The first of some entries of a list; the others when they are asked for. */
function Some({ each, max }: { readonly each: readonly JSX.Element[]; readonly max: number }): JSX.Element {
  return (
    <>
      {each.slice(0, max)}
      {each.length <= max ? null : (
        <li>
          <details>
            <summary>and {count(each.length - max)} more</summary>
            <ul>{each.slice(max)}</ul>
          </details>
        </li>
      )}
    </>
  )
}

/** More than that is more than what is just on its way. */
const outputShownBytes = 64 * 1024

function Bytes({ bytesIn, bytesOut, outputBytes }: ConnectionState): JSX.Element {
  return (
    <div class="worker-lines" title={`${count(bytesIn)} bytes in, ${count(bytesOut)} bytes out`}>
      <div>{bytes(bytesIn)} in</div>
      <div>{bytes(bytesOut)} out</div>
      {outputBytes < outputShownBytes ? null : (
        <div title="It does not read as fast as it is sent to.">{bytes(outputBytes)} wait</div>
      )}
    </div>
  )
}
