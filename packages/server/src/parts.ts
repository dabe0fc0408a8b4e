import { Engine, type EngineOptions } from '@geartrain/engine'
import { readLatin1, type ServerState, wireErrors } from '@geartrain/protocol'
import { Access } from './access/access.ts'
import { itself } from './access/actor.ts'
import { auditTo } from './access/audit.ts'
import { Admin } from './admin.ts'
import type { Clock } from './clock.ts'
import { JobFollow } from './cluster/job-follow.ts'
import { BridgeNews } from './cluster/links/bridge-news.ts'
import { LinkTrust } from './cluster/links/link-trust.ts'
import { Links } from './cluster/links/links.ts'
import { Members } from './cluster/members.ts'
import { Membership } from './cluster/membership.ts'
import type { CommitterContext } from './committer.ts'
import type { ConnectionContext } from './connection.ts'
import { Connections } from './connections.ts'
import { Control } from './control/control.ts'
import type { ServerFacts } from './control/server-state.ts'
import { Dispatch } from './dispatch.ts'
import { clusterHandlePrefix, defaultHandlePrefix, Handles } from './handles.ts'
import { HistoryReader } from './history/history-reader.ts'
import { Sampler } from './history/sampler.ts'
import { JobLog } from './job-log.ts'
import { JobWatch } from './job-watch.ts'
import { Journal } from './journal.ts'
import { Bulletin } from './live/bulletin.ts'
import { MemoryArchive } from './memory-archive.ts'
import { DeadCounts } from './metrics/dead-counts.ts'
import type { Figures } from './metrics/figures.ts'
import { FunctionStats } from './metrics/function-stats.ts'
import { Health } from './metrics/health.ts'
import { OldestOnDisk } from './metrics/oldest-ready.ts'
import { StoreStats } from './metrics/store-stats.ts'
import { Observers } from './observers.ts'
import type { ServerOptions } from './options.ts'
import { PacketOutbox } from './packet-outbox.ts'
import { Peers } from './peers.ts'
import { Policies } from './policies/policies.ts'
import { checkScheduleOptions } from './schedules/config-schedules.ts'
import { Schedules } from './schedules/schedules.ts'
import { BusyStore } from './store/busy-store.ts'
import { makeStore } from './store/kinds.ts'
import type { SpanSink } from './traces/span.ts'
import { startTraces } from './traces/start.ts'
import { Turn } from './turn.ts'
import { Waits } from './waits.ts'
import { WallTime } from './wall-time.ts'
import { Fleet } from './watch/fleet.ts'
import { ownServer } from './watch/own-server.ts'

/** What a server is made of, each with what it needs of the others. None of it listens yet. */
export interface Parts {
  readonly options: ServerOptions
  readonly clock: Clock
  readonly engine: Engine
  readonly access: Access
  readonly connections: Connections
  readonly peers: Peers
  readonly turn: Turn
  /** Looked at after each turn. */
  readonly waits: Waits
  /** Undefined: no job outlives the server. */
  readonly store: BusyStore | undefined
  readonly journal: Journal | undefined
  readonly handles: Handles
  readonly policies: Policies
  readonly schedules: Schedules
  readonly control: Control
  /** Who wants to see what becomes of jobs adds itself. */
  readonly observers: Observers
  readonly figures: Figures
  /** Where it tells of what has changed. */
  readonly bulletin: Bulletin
  /** Takes samples of the figures for the history, from which charts are made. */
  readonly sampler: Sampler
  readonly history: HistoryReader
  /** Where spans of the jobs go; undefined: there are none. */
  readonly traces: SpanSink | undefined
  /** Where the server listens. */
  readonly addresses: ServerState['addresses'][number][]
  /** This server and those that it watches. */
  readonly fleet: Fleet
  /** The connections between this server and others of its cluster. */
  readonly links: Links
  /** Sees single jobs, also those of the other servers. */
  readonly jobFollow: JobFollow
  /** This server as one of several that use its store; undefined: it has it alone. */
  readonly membership: Membership | undefined
}

export function makeParts(options: ServerOptions, clock: Clock): Parts {
  const { limits, log } = options
  checkScheduleOptions(options.schedules, limits)
  const access = new Access(options.access)
  const wallTime = new WallTime(clock)
  const connections = new Connections()
  const observers = new Observers()
  const bulletin = new Bulletin()
  const waits = new Waits(clock)
  const addresses: Parts['addresses'] = []

  const storeStats = new StoreStats(clock)
  const { serverName, leaseMs } = options
  const made = makeStore(options.store, log, { serverName, leaseMs })
  const store = made && new BusyStore(made, storeStats)
  const handles = new Handles(handlePrefix(options, store), clock.wallNow())
  const onStoreNews = (failing: boolean) => bulletin.tell({ kind: 'store', failing })
  const onOpenedAnew: CommitterContext['onOpenedAnew'] = (documents) => membership?.openedAnew(documents)
  const journal = store && new Journal({ store, clock, connections, handles, wallTime, log, onStoreNews, onOpenedAnew })
  handles.isAnyPrefix = journal?.isShared === true
  const memory = new MemoryArchive({ connections, handles, wallTime })
  const archive = journal ?? memory

  const policies = new Policies(options.functions)
  policies.onChanged = (name) => bulletin.tell({ kind: 'policy', name })
  const outbox = new PacketOutbox(connections, handles, journal)
  const isShared = journal?.isShared === true
  const members = isShared ? new Members() : undefined
  const engine = new Engine(outbox, { ...engineOptions(options, policies), isShared }, journal, memory, observers)
  memory.serve(engine)

  const functions = new FunctionStats({
    now: () => engine.now,
    isKnown: (name) => engine.findFunction(name) !== undefined,
    functionsMax: limits.functionsMax,
    seriesMax: limits.metricsFunctionsMax,
  })
  observers.add(functions)
  const figures: Figures = {
    engine,
    connections,
    functions,
    dead: new DeadCounts(archive, clock),
    oldest: new OldestOnDisk(engine, archive, clock, wallTime),
    health: new Health(engine, () => journal?.trouble !== undefined),
    store: store && journal && { name: store.name, stats: storeStats, journal },
    clock,
    wallTime,
    startedAt: clock.wallNow(),
    members,
  }
  const sampler = new Sampler({ figures, archive, functionsMax: limits.historyFunctionsMax })
  const history = new HistoryReader({ archive, sampler, clock })
  if (log.isLevelEnabled?.('debug') === true) observers.add(new JobLog(log, handles))
  const { traces: given, tracesSample: sample } = options
  const traces =
    given === undefined ? undefined : startTraces(observers, { traces: given, sample, clock, log, handles, wallTime })

  const turn = new Turn(
    engine,
    clock,
    () => {
      membership?.look()
      journal?.commit()
      connections.flush()
      waits.look()
    },
    () => {
      store?.cluster?.checkLease()
      const jumpMs = wallTime.takeJump()
      if (jumpMs !== 0) engine.moveDates(jumpMs)
    },
  )
  const tellOfSchedule = (name: string) =>
    bulletin.tell({ kind: 'schedule', name, function: schedules.functionOf(name) })
  const schedules: Schedules = new Schedules({
    clock,
    wallTime,
    handles,
    limits,
    log,
    begin: () => turn.begin(),
    submit(submission, onJoined) {
      if (policies.policyOf(submission.function).draining) {
        return { outcome: 'refused', why: wireErrors.FUNCTION_DRAINING.text }
      }
      const { nextNumber } = engine
      const number = engine.submitOwn(submission)
      // Numbers that other servers gave may be higher.
      if (engine.nextNumber === nextNumber) return { outcome: 'joined', number }
      journal?.whenJoined(number, onJoined)
      return { outcome: 'kept', number }
    },
    isStoreFailing: () => journal?.failure !== undefined,
    takeNumber: () => engine.takeNumber(),
    keepDocument(kind, name, body) {
      journal?.keepDocument(kind, name, body)
      tellOfSchedule(name)
    },
    shared:
      journal?.isShared === true ? { asLeader: (act) => journal.asLeader(act), onHeard: tellOfSchedule } : undefined,
  })
  const cluster = store?.cluster
  const membership: Membership | undefined =
    cluster && journal && members
      ? new Membership({
          cluster,
          members,
          clock,
          engine,
          connections,
          journal,
          handles,
          policies,
          schedules,
          wallTime,
          turn,
          log,
          startedAt: figures.startedAt,
        })
      : undefined
  const facts = (): ServerFacts => ({
    startedAt: figures.startedAt,
    store: { name: store?.name ?? 'memory', batches: storeStats.commits },
    limits,
    leaseMs: isShared ? options.leaseMs : undefined,
    isOpen: access.isOpen,
    addresses,
    scheduleCount: (maySee) => schedules.countOf(maySee),
  })
  const shared = { engine, connections, handles, wallTime, journal, schedules, turn }
  const news = new BridgeNews()
  const jobWatch = new JobWatch(observers, handles)
  const links: Links = new Links({
    ...shared,
    clock,
    limits,
    log,
    waits,
    news,
    jobWatch,
    trust: new LinkTrust(options, access.isOpen),
    tlsFiles: {
      ca: options.clusterTlsCa === '' ? (options.tls?.ca ?? '') : options.clusterTlsCa,
      cert: options.tls?.cert ?? '',
      key: options.tls?.key ?? '',
    },
    listen: () => observers.add(news),
    connect: (link) => peers.letIn(link, itself),
    purgeHere: (name) => control.purgeHere(name),
  })
  members?.listen((servers) => links.setServers(servers))
  const control: Control = new Control({ ...shared, members, links, clock, log, archive, policies, facts })
  const dispatch = new Dispatch(engine, { ...shared, limits, control, links, members, access, log })
  const admin = new Admin({ ...shared, jobFunctions: control.jobFunctions, audit: auditTo(log) }, options)
  const fleet = new Fleet(options.watch, {
    clock,
    limits,
    own: (actor) => ownServer({ engine, connections, clock, addresses }, actor),
  })
  const commands = commandsFrom(engine, connections, dispatch, admin)
  const peers: Peers = new Peers(engine, access, { clock, connections, limits, log, turn, ...commands })

  return {
    options,
    clock,
    engine,
    access,
    connections,
    peers,
    turn,
    waits,
    store,
    journal,
    handles,
    policies,
    schedules,
    control,
    observers,
    figures,
    bulletin,
    sampler,
    history,
    traces,
    addresses,
    fleet,
    links,
    jobFollow: new JobFollow({ clock, engine, handles, journal, links, jobWatch }),
    membership,
  }
}

function engineOptions(options: ServerOptions, policies: Policies): Partial<EngineOptions> {
  const { limits, attemptsMax, wakeCount, exceptions } = options
  return {
    policyOf: (name, jobOptions) => policies.policyOf(name, jobOptions),
    attemptsMax,
    wakeCount,
    exceptions,
    functionsMax: limits.functionsMax,
    jobsPerFunctionMax: limits.jobsPerFunctionMax,
    jobsMax: limits.jobsMax,
    workloadBytesMax: limits.workloadBytesMax,
    waitsPerSessionMax: limits.waitsPerConnectionMax,
  }
}

/** What connections say, to the engine. A connection's last grab is answered before anything else that it has said. */
function commandsFrom(
  engine: Engine,
  connections: Connections,
  dispatch: Dispatch,
  admin: Admin,
): Pick<ConnectionContext, 'onPacket' | 'onLine' | 'onResultTooLarge' | 'onGone'> {
  return {
    onPacket(connection) {
      engine.settleGrab(connection.session)
      if (connections.to(connection.id) !== undefined) dispatch.packet(connection)
    },
    onLine(connection) {
      engine.settleGrab(connection.session)
      if (connections.to(connection.id) === undefined) return
      const { bytes, start, end } = connection.decoder
      admin.line(connection, readLatin1(bytes, start, end))
    },
    onResultTooLarge(connection, error) {
      engine.settleGrab(connection.session)
      engine.failRunning(connection.session, Buffer.from(error))
    },
    onGone(connection) {
      engine.settleGrab(connection.session)
      engine.disconnect(connection.session)
    },
  }
}

/** Servers that share a store call a job by one handle, whichever of them is asked. */
function handlePrefix({ handlePrefix: asked }: ServerOptions, store: BusyStore | undefined): string {
  return store?.cluster !== undefined && asked === defaultHandlePrefix() ? clusterHandlePrefix : asked
}
