import type { Priority } from '@geartrain/engine'
import type { HeardDocument, StoredFunction } from './store.ts'

/** What a store that several servers use does for a server beside keeping its jobs. */
export interface StoreCluster {
  /** Who is told of the others; before the store is opened. */
  serve(listener: ClusterListener): void
  /** What the others are to know of this server: the last one said is told with each heartbeat. */
  report(report: ServerReport): void
  /**
   * All limits that hold for this server and the others together, and what it could use of them; said every second or so,
   * and when it wants more. Answered by `onShares`, now and whenever its part changes. What it has of a limit that is not
   * named, and of which it runs nothing then, is kept a while if nobody else wants it, and given back.
   */
  demand(demands: readonly LimitDemand[]): void
  /**
   * Before anything else is done at some moment: if others may have what this server has claimed, `onLeaseOver` is
   * called now, and not by and by. A process that was stopped and goes on reads what workers have said meanwhile first.
   */
  checkLease(): void
  /** Resolves when the server that had this job, which was cancelled here, begins it no more: it says so, or its lease is over. */
  whenDropped(number: number): Promise<void>
}

/** Called whenever there is news, between two answers; never before the store is open, nor while it is lost. */
export interface ClusterListener {
  /** Others have put jobs there that are ready, or let them go. */
  onReady(lines: readonly StoredLine[]): void
  /** How many jobs there are in the store, told every second or so: those that were claimed, by whomever, among them. */
  onCounts(functions: readonly StoredFunction[], nextDueAt: number, nextExpiryAt: number): void
  /** There is a job with this number; told within a second or so when the highest one has risen, whoever has submitted it. */
  onNumber(highest: number): void
  /** Others have changed them; without a body it was removed. */
  onDocuments(documents: readonly HeardDocument[]): void
  /** Jobs that this server had and that somebody has ended: it is to take them from their workers. */
  onCancelled(numbers: readonly number[]): void
  /** All servers of the cluster, this one among them, when something of them has changed. */
  onServers(servers: readonly ClusterServer[]): void
  /** What the database's clock is ahead of this machine's, in milliseconds. */
  onClock(aheadMs: number): void
  /**
   * This server sees to what one server does for all: schedules, expiries, sweeping. What others have done of it by then
   * has been told: `onDocuments` comes first. False: another one does, or nobody knows.
   */
  onLead(isLeader: boolean): void
  /**
   * Its parts of all limits; of others it has none. They hold at once: what the next `demand` says to run was begun under
   * them, or before.
   */
  onShares(shares: readonly LimitShare[]): void
  /**
   * The store can't be reached, and by now others may have taken what this server has claimed: it is to begin none of
   * these jobs any more. The store says more when it is opened again.
   */
  onLeaseOver(): void
  /** The store has lost its connection between two batches, and is to be opened anew. */
  onBroken(code: string, message: string): void
}

/** Jobs of a function and a priority. */
export interface StoredLine {
  readonly function: string
  readonly priority: Priority
}

/** What a server says of itself. Plain JSON. */
export interface ServerReport {
  readonly version: string
  /** Milliseconds since 1970. */
  readonly startedAt: number
  /** Where other servers can reach it, `host:port`; undefined: they can't. */
  readonly link: string | undefined
  /** Connections of workers. */
  readonly workers?: number | undefined
  /** Those that it has workers or jobs of. */
  readonly functions: readonly FunctionReport[]
}

export interface FunctionReport {
  readonly name: string
  readonly workers: number
  readonly running: number
  /** Of those, the ones that are in the store, by priority. */
  readonly runningStored: readonly [number, number, number]
  /** Foreground jobs that wait there. */
  readonly waiting: number
  /** Jobs that it has claimed and that nobody has begun, by priority. */
  readonly claimed: readonly [number, number, number]
}

export interface ClusterServer {
  readonly id: number
  readonly name: string
  readonly isSelf: boolean
  readonly isLeader: boolean
  /** When it was heard of last, by the database's clock; milliseconds since 1970. */
  readonly seenAt: number
  /** Undefined: it has said nothing yet. */
  readonly report: ServerReport | undefined
}

/** A limit that holds for all servers together. */
export interface LimitDemand {
  readonly function: string
  /** Jobs that run at a time; Infinity: any number. */
  readonly concurrency: number
  /** Jobs that are begun in a second; Infinity: any number. */
  readonly rate: number
  /** Those that this server runs. It keeps as many of the places. */
  readonly running: number
  /** So many more it could begin if nothing limited it. */
  readonly wanted: number
}

/** The part of a limit that is this server's. */
export interface LimitShare {
  readonly function: string
  readonly concurrency: number
  readonly rate: number
}
