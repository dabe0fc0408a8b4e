import type { ClusterServer } from '../store/cluster.ts'

/** All servers that use the store, as it has told last. This one is among them once it is known. */
export class Members {
  #servers: readonly ClusterServer[] = []
  readonly #listeners: ((servers: readonly ClusterServer[]) => void)[] = []

  get all(): readonly ClusterServer[] {
    return this.#servers
  }

  get self(): ClusterServer | undefined {
    return this.#servers.find(({ isSelf }) => isSelf)
  }

  get others(): readonly ClusterServer[] {
    return this.#servers.filter(({ isSelf }) => !isSelf)
  }

  /** The one with this id, which a job's `claimedBy` is; undefined: it is not known, or no longer. */
  whoHas(serverId: number): ClusterServer | undefined {
    return this.#servers.find(({ id }) => id === serverId)
  }

  /** That server runs jobs of the function which are in the store, as far as it has said. */
  runs(serverId: number, functionName: string): boolean {
    const report = this.whoHas(serverId)?.report?.functions.find(({ name }) => name === functionName)
    return report !== undefined && report.runningStored.some((count) => count > 0)
  }

  /** Connections of workers at the other servers. */
  get workersElsewhere(): number {
    return this.others.reduce((sum, { report }) => sum + (report?.workers ?? 0), 0)
  }

  /** Told whenever something of them has changed. */
  listen(listener: (servers: readonly ClusterServer[]) => void): void {
    this.#listeners.push(listener)
  }

  set(servers: readonly ClusterServer[]): void {
    this.#servers = servers
    for (const listener of this.#listeners) listener(servers)
  }
}
