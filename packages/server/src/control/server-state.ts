import { hostname } from 'node:os'
import type { ControlOperations, ServerState } from '@geartrain/protocol'
import type { Actor } from '../access/actor.ts'
import type { Members } from '../cluster/members.ts'
import type { Limits } from '../limits.ts'
import { version } from '../version.ts'
import { countJobs } from './job-counts.ts'
import type { JobsContext } from './jobs.ts'

/** What only the server knows of itself. */
export interface ServerFacts {
  /** The date. */
  readonly startedAt: number
  /** Its name as a person says it; batches that it has kept. */
  readonly store: { readonly name: string; readonly batches: number }
  readonly limits: Limits
  readonly isOpen: boolean
  readonly addresses: ServerState['addresses']
  /** Undefined: this server has its store alone. */
  readonly leaseMs: number | undefined
  /** Of those whose functions may be seen. */
  scheduleCount(maySee: (functionName: string) => boolean): number
}

/** What this server does beside what gearmand does: a program can ask for one before it uses it. */
const features = ['schedules', 'policies', 'dead-jobs', 'results', 'events', 'bulk', 'hide-payloads'] as const

/** What it counts of functions are those that the actor may see. */
export async function showServer(
  context: JobsContext,
  facts: ServerFacts,
  actor: Actor,
): Promise<ControlOperations['server show']['answer']> {
  const { engine, connections, journal, wallTime } = context
  const count = async (state: 'ready' | 'delayed' | 'running' | 'dead') =>
    (await countJobs(context, actor, { state })).count
  const maySee = (name: string) => actor.may('view', name)
  const { rss, heapUsed, heapTotal } = process.memoryUsage()
  const cluster = clusterState(context.members, facts.leaseMs)
  let workers = 0
  for (const { abilities } of engine.sessions()) {
    for (const ability of abilities) {
      if (!maySee(ability.function.name)) continue
      workers++
      break
    }
  }
  return {
    version,
    node: process.version,
    pid: process.pid,
    host: hostname(),
    startedAt: facts.startedAt,
    now: wallTime.now,
    addresses: facts.addresses,
    store: storeState(facts.store, journal),
    // JSON has no Infinity.
    limits: Object.fromEntries(
      Object.entries(facts.limits).map(([name, limit]) => [name, Number.isFinite(limit) ? Number(limit) : null]),
    ),
    memory: { rssBytes: rss, heapUsedBytes: heapUsed, heapTotalBytes: heapTotal },
    functions: [...engine.functions()].filter(({ name }) => maySee(name)).length,
    connections: connections.size,
    workers,
    jobs: {
      ready: await count('ready'),
      delayed: await count('delayed'),
      running: await count('running'),
      dead: await count('dead'),
    },
    schedules: facts.scheduleCount(maySee),
    isDraining: engine.isDraining,
    isOpen: facts.isOpen,
    features: cluster === undefined ? features : [...features, 'cluster'],
    ...(cluster === undefined ? {} : { cluster }),
  }
}

function clusterState(members: Members | undefined, leaseMs: number | undefined): ServerState['cluster'] {
  if (members === undefined || leaseMs === undefined) return undefined
  const servers = members.all.map(({ id, name, isSelf, isLeader, seenAt, report }) => ({
    id,
    name,
    isThis: isSelf,
    isLeader,
    seenAt,
    ...(report === undefined ? {} : { version: report.version, startedAt: report.startedAt }),
    ...(report?.link === undefined ? {} : { address: report.link }),
    running: report?.functions.reduce((sum, { running }) => sum + running, 0) ?? 0,
  }))
  return { leaseMs, servers }
}

function storeState(store: ServerFacts['store'], journal: JobsContext['journal']): ServerState['store'] {
  if (journal === undefined) return { ...store, failure: null, waiting: 0 }
  const { failure, failingSince: since, unkept } = journal
  return {
    ...store,
    failure: failure === undefined ? null : { since, code: failure.code, message: failure.message },
    waiting: unkept.additions,
  }
}
