import { type Engine, nothingElsewhere } from '@geartrain/engine'
import type { Clock } from '../clock.ts'
import type { Connections } from '../connections.ts'
import type { Handles } from '../handles.ts'
import type { Journal } from '../journal.ts'
import type { Log } from '../log.ts'
import { countConnections } from '../metrics/server-families.ts'
import { type Policies, policyDocument } from '../policies/policies.ts'
import type { Schedules } from '../schedules/schedules.ts'
import type {
  ClusterListener,
  ClusterServer,
  FunctionReport,
  LimitShare,
  StoreCluster,
  StoredLine,
} from '../store/cluster.ts'
import type { HeardDocument, StoredDocument, StoredFunction } from '../store/store.ts'
import { version } from '../version.ts'
import type { WallTime } from '../wall-time.ts'
import { functionReports, sumElsewhere, unclaimed } from './census.ts'
import { LimitDemands } from './limit-demands.ts'
import type { Members } from './members.ts'

/** What this server has is told so often. */
const reportMs = 1000
/** Who waits for a limit's room is noticed after so long: each look costs as much as there are limits. */
const lookMs = 20

export interface MembershipContext {
  readonly cluster: StoreCluster
  readonly members: Members
  readonly clock: Clock
  readonly engine: Engine
  readonly connections: Connections
  readonly journal: Journal
  readonly handles: Handles
  readonly policies: Policies
  readonly schedules: Schedules
  readonly wallTime: WallTime
  readonly turn: { begin(): void }
  readonly log: Log
  /** Since 1970. */
  readonly startedAt: number
}

/**
 * This server as one of several that use the same store: tells the others what it has, and turns what the store tells of
 * them into what engine, policies and schedules do, each time within a turn.
 */
export class Membership implements ClusterListener {
  /** Where other servers can reach this one, `host:port`; undefined: they can't. */
  linkAddress: string | undefined
  readonly #context: MembershipContext
  readonly #demands: LimitDemands
  /** Functions that others had something of when it was told last. */
  #elsewhere: ReadonlySet<string> = new Set()
  /** What came before the server was ready for it; undefined: it is. */
  #early: (() => void)[] | undefined = []
  #stopTimer: (() => void) | undefined
  /** While a look is to come. */
  #stopLook: (() => void) | undefined

  constructor(context: MembershipContext) {
    this.#context = context
    this.#demands = new LimitDemands(context.engine, context.policies)
    context.policies.share()
    context.cluster.serve(this)
  }

  /** When the store is open, and what it had has been taken in. */
  start(): void {
    const early = this.#early ?? []
    this.#early = undefined
    for (const act of early) act()
    this.#tell()
  }

  stop(): void {
    this.#early = []
    this.#stopTimer?.()
    this.#stopLook?.()
  }

  /** The end of a turn: who waits for a limit's room is not to wait for the next report. */
  look(): void {
    if (this.#early !== undefined || this.#stopLook !== undefined || !this.#demands.areAny) return
    const { clock, cluster } = this.#context
    this.#stopLook = clock.after(lookMs, () => {
      this.#stopLook = undefined
      if (this.#demands.areMore) cluster.demand(this.#demands.take())
    })
  }

  /** The store was opened anew. Another server may be the leader by now, and others may have changed these. */
  openedAnew(documents: readonly StoredDocument[]): void {
    const { policies, schedules, engine, log } = this.#context
    this.#lead(false)
    policies.load(documents, log)
    engine.applyPolicies()
    schedules.reload(documents)
  }

  // What the store tells

  onReady(lines: readonly StoredLine[]): void {
    const { engine } = this.#context
    this.#act(() => {
      for (const { function: name, priority } of lines) engine.durable?.readyElsewhere(name, priority)
    })
  }

  onCounts(functions: readonly StoredFunction[], nextDueAt: number, nextExpiryAt: number): void {
    const { engine, wallTime } = this.#context
    this.#act(() => {
      const reports = this.#context.members.others.map(
        ({ report }): readonly FunctionReport[] => report?.functions ?? [],
      )
      const free = unclaimed(functions, [functionReports(engine), ...reports])
      const { offsetMs } = wallTime
      engine.durable?.recount(free, nextDueAt - offsetMs, nextExpiryAt - offsetMs)
    })
  }

  onNumber(highest: number): void {
    this.#act(() => this.#context.journal.heardOf(highest))
  }

  onDocuments(documents: readonly HeardDocument[]): void {
    const { policies, schedules, engine, log } = this.#context
    this.#act(() => {
      if (documents.some(({ kind }) => kind === policyDocument)) {
        policies.hear(documents, log)
        engine.applyPolicies()
      }
      schedules.hear(documents)
    })
  }

  onCancelled(totals: readonly number[]): void {
    const { engine, handles } = this.#context
    this.#act(() => {
      for (const total of totals) engine.durable?.lost(handles.numberOf(total), 'cancelled')
    })
  }

  onServers(servers: readonly ClusterServer[]): void {
    const { engine } = this.#context
    this.#act(() => {
      this.#context.members.set(servers)
      const sums = sumElsewhere(this.#context.members.others)
      for (const name of this.#elsewhere) if (!sums.has(name)) engine.durable?.setElsewhere(name, nothingElsewhere)
      for (const [name, sum] of sums) engine.durable?.setElsewhere(name, sum)
      this.#elsewhere = new Set(sums.keys())
    })
  }

  onClock(aheadMs: number): void {
    const { wallTime, turn } = this.#context
    wallTime.setAhead(aheadMs)
    // It is looked at whether that is a jump.
    if (this.#early === undefined) turn.begin()
  }

  onLead(isLeader: boolean): void {
    this.#act(() => this.#lead(isLeader))
  }

  onShares(shares: readonly LimitShare[]): void {
    const { policies, engine } = this.#context
    this.#act(() => {
      if (policies.setShares(shares)) engine.applyPolicies()
    })
  }

  onLeaseOver(): void {
    const { engine, policies, journal } = this.#context
    // Before the engine learns the time, and does what is due.
    engine.durable?.letGo()
    this.#act(() => {
      // Its parts of limits are anybody's, too.
      if (policies.setShares([])) engine.applyPolicies()
      journal.break('LEASE_OVER', 'the store can not be reached, and other servers may have what was here')
    })
  }

  onBroken(code: string, message: string): void {
    this.#act(() => this.#context.journal.break(code, message))
  }

  #act(act: () => void): void {
    if (this.#early !== undefined) return void this.#early.push(act)
    this.#context.turn.begin()
    act()
  }

  #lead(isLeader: boolean): void {
    this.#context.journal.lead(isLeader)
    this.#context.schedules.lead(isLeader)
  }

  // What it tells

  #tell(): void {
    const { cluster, clock, engine, connections, startedAt } = this.#context
    const { workers } = countConnections(connections)
    cluster.report({ version, startedAt, link: this.linkAddress, workers, functions: functionReports(engine) })
    cluster.demand(this.#demands.take())
    this.#stopTimer = clock.after(reportMs, () => this.#tell())
  }
}
