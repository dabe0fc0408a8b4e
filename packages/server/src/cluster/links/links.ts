import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { JobSummary } from '@geartrain/protocol'
import type { Connection } from '../../connection.ts'
import type { ClusterServer } from '../../store/cluster.ts'
import { formatLinkAddress, parseLinkAddress } from './link-address.ts'
import { LinkDesk } from './link-desk.ts'
import { isLinkMessage, type LinkedEvent } from './link-messages.ts'
import type { LinkQuestions, LinkWatch } from './link-questions.ts'
import type { LinksContext } from './links-context.ts'
import { ServerLink } from './server-link.ts'

/**
 * The connections between this server and the others of its cluster. Each dials all others: over the connection that it
 * has opened it is a worker of the other one, for foreground jobs that no worker there can begin.
 */
export class Links {
  readonly #context: LinksContext
  readonly #desk: LinkDesk
  readonly #introduction = { instance: randomUUID(), name: hostname() }
  /** By address. */
  readonly #links = new Map<string, ServerLink>()
  /** By the id of the server. */
  #addresses: ReadonlyMap<number, string> = new Map()
  readonly #watches = new Set<LinkWatch>()
  #isListening = false
  #hasSaidWhy = false
  #isStopped = false
  #isClosed = false

  constructor(context: LinksContext) {
    this.#context = context
    this.#desk = new LinkDesk(context, () => this.#introduction)
  }

  /** Those that this server has dialled and that have let it in, by address, and the names of those that have linked to it. */
  get open(): { readonly to: string[]; readonly from: string[] } {
    const to = [...this.#links].filter(([, link]) => link.isOpen).map(([address]) => address)
    return { to, from: this.#desk.names }
  }

  /** Jobs of other servers that are done here. */
  get jobCount(): number {
    let count = 0
    for (const link of this.#links.values()) count += link.jobCount
    return count
  }

  /** All servers of the cluster, this one among them. */
  setServers(servers: readonly ClusterServer[]): void {
    if (this.#isClosed) return
    const own = servers.find(({ isSelf }) => isSelf)
    if (own !== undefined) this.#introduction.name = own.name
    const addresses = new Map<number, string>()
    const names = new Map<string, string>()
    for (const { id, name, isSelf, report } of servers) {
      if (isSelf || report?.link === undefined) continue
      const address = parseLinkAddress(report.link)
      if (typeof address === 'string') {
        this.#context.log.debug({ server: name }, `no link to ${name}: its address is none (${address})`)
        continue
      }
      const text = formatLinkAddress(address)
      addresses.set(id, text)
      names.set(text, name)
      if (!this.#isRefused(name)) this.#keep(text, name)
    }
    this.#addresses = addresses
    for (const [text, link] of this.#links) {
      link.want(names.has(text))
      if (link.isClosed) this.#links.delete(text)
    }
  }

  /** How a job stands that another server has, by the digits of its handle; undefined: it has not said so in time. */
  async jobOf(serverId: number, number: number): Promise<JobSummary | undefined> {
    return await this.#questionsTo(serverId)?.jobOf(number)
  }

  /** The same; calls back once, within a turn. */
  askFor(serverId: number, number: number, onAnswer: (job: JobSummary | undefined) => void): void {
    void this.jobOf(serverId, number).then((job) => {
      this.#context.turn.begin()
      onAnswer(job)
    })
  }

  /**
   * What becomes of a job at any other server, those among them that are yet to be linked to; by the digits of its handle.
   * Of what happens while there is no link nothing is told. Gives the way to stop.
   */
  watch(number: number, onEvent: (event: LinkedEvent) => void): () => void {
    const watch = { number, onEvent }
    this.#watches.add(watch)
    for (const { questions } of this.#links.values()) questions?.watch(watch)
    return () => {
      this.#watches.delete(watch)
      for (const { questions } of this.#links.values()) questions?.unwatch(watch)
    }
  }

  /** Ends what waits of a function in another server's memory: how many there were, or why that is not known. */
  async purgeAt(serverId: number, functionName: string): Promise<number | string> {
    return (await this.#questionsTo(serverId)?.purge(functionName)) ?? 'there is no link to it'
  }

  #questionsTo(serverId: number): LinkQuestions | undefined {
    return this.#links.get(this.#addresses.get(serverId) ?? '')?.questions
  }

  /** The data of a CONTROL packet. False: it is not for links. */
  receive(connection: Connection, data: Uint8Array): boolean {
    if (!isLinkMessage(data)) return false
    this.#desk.receive(connection, data)
    return true
  }

  /** No more jobs are taken from other servers; those that are here are done. */
  stop(): void {
    this.#isStopped = true
    for (const link of this.#links.values()) link.stop()
  }

  close(): void {
    this.#isClosed = true
    for (const link of this.#links.values()) link.close()
    this.#links.clear()
    this.#desk.close()
  }

  /** Said once, when there is somebody to link to. */
  #isRefused(name: string): boolean {
    const { trust, log } = this.#context
    if (trust.problem === undefined) return false
    if (!this.#hasSaidWhy) {
      log.warn(
        `no links to other servers such as ${name}, so foreground jobs find only workers here: ${trust.problem}; ` +
          'give all servers of the cluster the same cluster-token or cluster-token-file (geartrain token makes one)',
      )
    }
    this.#hasSaidWhy = true
    return true
  }

  #keep(address: string, name: string): void {
    const parsed = parseLinkAddress(address)
    if (this.#links.get(address)?.isClosed === false || typeof parsed === 'string') return
    if (!this.#isListening) this.#context.listen()
    this.#isListening = true
    const link = new ServerLink(parsed, name, this.#introduction, this.#watches, this.#context)
    if (this.#isStopped) link.stop()
    this.#links.set(address, link)
  }
}
