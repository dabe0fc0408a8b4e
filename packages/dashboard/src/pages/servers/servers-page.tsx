import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import { ApiError } from '../../api/api.ts'
import { live } from '../../live/live.ts'
import { Failure, Loading } from '../../parts/notice.tsx'
import { Page } from '../../parts/page.tsx'
import { useQuery } from '../../parts/use-query.ts'
import { about } from '../../session/session.ts'
import { ClusterMembers } from './cluster-members.tsx'
import { FailingServers } from './failing-servers.tsx'
import type { Fleet } from './fleet.ts'
import { FleetBar, ServerChoice } from './fleet-bar.tsx'
import { FleetFigureStrip } from './fleet-figures.tsx'
import { chosenServers, figuresOf, type View } from './fleet-rows.ts'
import { FunctionTable, ServerTable, WorkerTable } from './fleet-tables.tsx'
import { NoServers, OtherServers } from './no-servers.tsx'
import { useFleet } from './use-fleet.ts'

/** Job servers side by side: this one, if it is one, and others that it was told to watch. */
export function ServersPage(): JSX.Element {
  const { value, error, reload } = useFleet()
  return (
    <Page title="Servers">
      {error !== undefined && value !== undefined ? <Unanswered error={error} /> : null}
      {error !== undefined && value === undefined ? <Failure error={error} onRetry={reload} /> : null}
      {value?.servers.length === 0 ? <NoServers /> : <FleetView fleet={value} isLoading={error === undefined} />}
    </Page>
  )
}

/** Of a server that does not answer at all, the frame tells already. */
function Unanswered({ error }: { readonly error: Error }): JSX.Element | null {
  const isMonitor = about.value?.kind === 'monitor'
  const isGone = error instanceof ApiError && error.status === 0
  if (!isMonitor && isGone && live.status.value === 'lost') return null
  return (
    <p class="banner tone-bad" role="alert">
      {isGone ? `The ${isMonitor ? 'monitor' : 'server'} does not answer.` : error.message} What is shown was so a while
      ago; it is tried again by itself.
    </p>
  )
}

const tables = { functions: FunctionTable, workers: WorkerTable, servers: ServerTable } as const

function FleetView({
  fleet,
  isLoading,
}: {
  readonly fleet: Fleet | undefined
  readonly isLoading: boolean
}): JSX.Element {
  const [asked] = useQuery('view')
  const [addresses] = useQuery('server')
  const view: View = asked === 'workers' || asked === 'servers' ? asked : 'functions'
  const chosen = useMemo(() => fleet && chosenServers(fleet.servers, addresses), [fleet, addresses])
  const figures = useMemo(() => chosen && figuresOf(chosen), [chosen])
  const ShownTable = tables[view]
  const [first, ...others] = fleet?.servers ?? []
  return (
    <>
      {fleet === undefined ? null : <FailingServers servers={fleet.servers} />}
      <FleetFigureStrip figures={figures} times={fleet?.times ?? []} />
      <FleetBar view={view} />
      {fleet === undefined || chosen === undefined ? (
        isLoading ? (
          <Loading />
        ) : null
      ) : (
        <ShownTable key={view} servers={chosen} choice={<ServerChoice servers={fleet.servers} chosen={chosen} />} />
      )}
      <ClusterMembers />
      {first?.server.isThis === true && others.length === 0 ? <OtherServers /> : null}
    </>
  )
}
