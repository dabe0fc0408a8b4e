import type {
  ClusterListener,
  ClusterServer,
  HeardDocument,
  LimitShare,
  StoredDocument,
  StoredFunction,
  StoredLine,
} from '@geartrain/server'
import type pg from 'pg'
import { systemClock } from '../../../packages/server/dist/clock.js'
// Parts of the server that it does not export, from where the build puts them: the path is the same from src and dist.
import { parseAddress } from '../../../packages/server/dist/store/postgres/address.js'
import { PostgresCluster } from '../../../packages/server/dist/store/postgres/cluster/postgres-cluster.js'
import { migrate } from '../../../packages/server/dist/store/postgres/migrate.js'
import { connectToPrimary } from '../../../packages/server/dist/store/postgres/primary.js'
import { eventually } from '../support/postgres/eventually.ts'
import type { PostgresProcess } from '../support/postgres/postgres-process.ts'

export { ChangedDocuments } from '../../../packages/server/dist/store/postgres/cluster/changed-documents.js'
export { Clearing } from '../../../packages/server/dist/store/postgres/cluster/clearing.js'
export { DatabaseClock } from '../../../packages/server/dist/store/postgres/cluster/database-clock.js'
export { fairParts, nextPart } from '../../../packages/server/dist/store/postgres/cluster/division.js'
export { Due } from '../../../packages/server/dist/store/postgres/cluster/due.js'
export { emptyInbox } from '../../../packages/server/dist/store/postgres/cluster/inbox.js'
export { LeaseWatch } from '../../../packages/server/dist/store/postgres/cluster/lease-watch.js'
export { News, readMessage } from '../../../packages/server/dist/store/postgres/cluster/messages.js'
export { Shares } from '../../../packages/server/dist/store/postgres/cluster/shares.js'
export { uniqueKey } from '../../../packages/server/dist/store/postgres/unique-key.js'

export type Connection = Awaited<ReturnType<typeof connectToPrimary>>

const leaseMs = 2000

/** A database with the tables, and servers that use it. */
export class Crowd implements AsyncDisposable {
  readonly session: pg.Client
  readonly #url: string
  readonly #members: TestMember[] = []
  readonly #connections: Connection[] = []

  private constructor(url: string, session: pg.Client) {
    this.#url = url
    this.session = session
  }

  static async make(process: PostgresProcess): Promise<Crowd> {
    const { name, url } = await process.createDatabase()
    const crowd = new Crowd(url, await process.connect(name))
    await migrate(await crowd.connection())
    return crowd
  }

  async connection(
    url = this.#url,
    options: Partial<Parameters<typeof connectToPrimary>[1]> = {},
  ): Promise<Connection> {
    const usual = { applicationName: 'test', idleMsMax: 60_000, patienceMs: 30_000, onBroken() {} }
    const connection = await connectToPrimary(parseAddress(url), { ...usual, ...options })
    this.#connections.push(connection)
    return connection
  }

  /** The id of a new lease. */
  async lease(name: string, forMs = leaseMs): Promise<number> {
    const [row] = await this.rows<[number]>(
      `INSERT INTO geartrain.servers (name, lease_until) VALUES ($1, clock_timestamp() + $2 * interval '1 ms') RETURNING id`,
      [name, forMs],
    )
    if (row === undefined) throw new Error('no id was given')
    return row[0]
  }

  /** Where it is, by another port. */
  url(port: number): string {
    const url = new URL(this.#url)
    url.port = String(port)
    return url.href
  }

  /** A server that has opened the store. `isDeaf`: as behind PgBouncer, no notification comes through. */
  async join(name: string, { url = this.#url, isDeaf = false } = {}): Promise<TestMember> {
    const member = new TestMember(this, name, url, isDeaf)
    this.#members.push(member)
    await member.open()
    return member
  }

  /** Numbers of 64 bits are numbers. */
  async rows<Row extends readonly unknown[]>(text: string, values: unknown[] = []): Promise<Row[]> {
    const types = { getTypeParser: (oid: number) => ([20, 21, 23].includes(oid) ? Number : (value: string) => value) }
    const { rows } = await this.session.query<Row[]>({
      text,
      values,
      rowMode: 'array',
      types: { ...types } as pg.CustomTypesConfig,
    })
    // Arrays, as was asked for.
    return rows as unknown as Row[]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const member of this.#members) await member.cluster.stop()
    for (const connection of this.#connections) await connection.close()
    await this.session.end()
  }
}

export class TestMember {
  readonly name: string
  readonly cluster: PostgresCluster
  readonly warnings: string[] = []
  readonly ready: StoredLine[] = []
  readonly cancelled: number[] = []
  readonly documents: HeardDocument[] = []
  /** In the order in which they were told. */
  readonly told: string[] = []
  counts: readonly StoredFunction[] = []
  nextDueAt = 0
  /** Numbers of jobs, as they were told. */
  readonly highest: number[] = []
  servers: readonly ClusterServer[] = []
  aheadMs: number | undefined
  leads: boolean | undefined
  shares: readonly LimitShare[] = []
  onShares: ((shares: readonly LimitShare[]) => void) | undefined
  id = 0
  readonly #crowd: Crowd

  constructor(crowd: Crowd, name: string, url: string, isDeaf: boolean) {
    this.#crowd = crowd
    this.name = name
    const note = (...said: unknown[]): void => void this.warnings.push(String(said.at(-1)))
    this.cluster = new PostgresCluster({
      connect: ({ onNotification, ...options }) =>
        crowd.connection(url, { ...options, onNotification: isDeaf ? undefined : onNotification }),
      leaseMs,
      clock: systemClock,
      log: { info() {}, warn: note },
    })
    this.cluster.serve(this.#listener())
  }

  async open(documents: readonly StoredDocument[] = []): Promise<void> {
    this.id = await this.#crowd.lease(this.name)
    this.cluster.start(this.id, { documents })
  }

  until(what: string, isSo: (member: this) => boolean): Promise<true> {
    return eventually(`${this.name}: ${what}`, () => isSo(this) || undefined)
  }

  /** Others see it. */
  untilSeen(count: number): Promise<true> {
    return this.until(`it sees ${count} servers`, () => this.servers.length === count)
  }

  /** As after a batch. */
  announce(news: { ready?: readonly StoredLine[]; areOthersCancelled?: boolean; areDocumentsChanged?: boolean }): void {
    const { ready = [], areOthersCancelled = false, areDocumentsChanged = false } = news
    this.cluster.announce({
      link: { run: () => Promise.reject(new Error('the batch is over')) },
      commit: () => {},
      serverId: this.id,
      ended: [],
      former: [],
      now: 0,
      ready: new Map(ready.map((line) => [`${line.priority}${line.function}`, line])),
      areOthersCancelled,
      areDocumentsChanged,
    })
  }

  #listener(): ClusterListener {
    return {
      onReady: (lines) => void this.ready.push(...lines),
      onCounts: (functions, nextDueAt) => {
        this.counts = functions
        this.nextDueAt = nextDueAt
      },
      onNumber: (highest) => void this.highest.push(highest),
      onDocuments: (documents) => {
        this.told.push('documents')
        this.documents.push(...documents)
      },
      onCancelled: (numbers) => void this.cancelled.push(...numbers),
      onServers: (servers) => {
        this.servers = servers
      },
      onClock: (aheadMs) => {
        this.aheadMs = aheadMs
      },
      onLead: (isLeader) => {
        this.told.push(isLeader ? 'leads' : 'does not lead')
        this.leads = isLeader
      },
      onShares: (shares) => {
        this.shares = shares
        this.onShares?.(shares)
      },
      onLeaseOver: () => void this.told.push('lease over'),
      onBroken: (code) => void this.told.push(code),
    }
  }
}
