import type { ClusterListener, LimitDemand, ServerReport, StoreCluster } from '../../cluster.ts'
import type { Transaction } from '../transaction.ts'
import { type ClusterContext, Membership } from './membership.ts'
import type { KnownAtStart } from './rounds.ts'

/** What servers that share a database do with one another through it. */
export class PostgresCluster implements StoreCluster {
  readonly #context: ClusterContext
  #listener: ClusterListener | undefined
  #report: ServerReport | undefined
  #demands: readonly LimitDemand[] = []
  #membership: Membership | undefined
  /** The id that this server had last. */
  #lastId: number | undefined

  constructor(context: ClusterContext) {
    this.#context = context
  }

  serve(listener: ClusterListener): void {
    this.#listener = listener
  }

  report(report: ServerReport): void {
    this.#report = report
    this.#membership?.rounds.report(report)
  }

  demand(demands: readonly LimitDemand[]): void {
    this.#demands = demands
    this.#membership?.rounds.demand(demands)
  }

  checkLease(): void {
    this.#membership?.checkLease()
  }

  async whenDropped(number: number): Promise<void> {
    await this.#membership?.rounds.whenDropped(number)
  }

  /** The store was opened, and this server has that id. */
  start(serverId: number, known: KnownAtStart = {}): void {
    void this.#membership?.stop(false)
    const membership = new Membership(this.#context, serverId, this.#listener ?? nobody, {
      before: this.#lastId,
      ...known,
    })
    this.#membership = membership
    this.#lastId = serverId
    if (this.#report !== undefined) membership.rounds.report(this.#report)
    membership.rounds.demand(this.#demands)
    membership.start()
  }

  /** Ids of servers whose leases have ended, and whose jobs may still bear them. */
  get ended(): readonly number[] {
    return this.#membership?.rounds.ended ?? []
  }

  /** A batch was committed, which was begun at `since` by the clock that does not go back: it has renewed the lease. */
  announce(tx: Transaction, since?: number): void {
    const membership = this.#membership
    if (membership === undefined) return
    if (since !== undefined) membership.renewed(since)
    const { news } = membership.rounds
    for (const line of tx.ready.values()) news.addReady(line)
    if (tx.areOthersCancelled) news.addFlag('cancels')
    if (tx.areDocumentsChanged) news.addFlag('documents')
    if (!news.isEmpty) membership.rounds.tell()
  }

  /** The store is lost: the listener hears nothing more until `start`. */
  async stop(): Promise<void> {
    const membership = this.#membership
    this.#membership = undefined
    await membership?.stop(false)
  }

  /** This server leaves: its parts of limits are free at once. */
  async close(): Promise<void> {
    const membership = this.#membership
    this.#membership = undefined
    this.#lastId = undefined
    await membership?.stop(true)
  }
}

/** Of a store that is used without a server, as by a command. */
const nobody: ClusterListener = {
  onReady() {},
  onCounts() {},
  onNumber() {},
  onDocuments() {},
  onCancelled() {},
  onServers() {},
  onClock() {},
  onLead() {},
  onShares() {},
  onLeaseOver() {},
  onBroken() {},
}
