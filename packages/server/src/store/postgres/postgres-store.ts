import { hostname } from 'node:os'
import { systemClock } from '../../clock.ts'
import { type Log, silentLog } from '../../log.ts'
import type { ClusterListener, StoreCluster } from '../cluster.ts'
import { type Batch, type BatchResult, type Store, StoreError, type StoreRequest, type StoreState } from '../store.ts'
import { parseAddress, withoutPassword } from './address.ts'
import { LeaseLost } from './cluster/lease-lost.ts'
import { PostgresCluster } from './cluster/postgres-cluster.ts'
import type { Connection, ConnectionOptions } from './connection.ts'
import { toFailure, toStoreError } from './failure.ts'
import { Lease } from './lease.ts'
import type { DatabaseError, Statement } from './link.ts'
import { migrate } from './migrate.ts'
import { connectToPrimary } from './primary.ts'
import { again, Session, type UnderWay } from './session.ts'
import { readState } from './state.ts'

const leaseMsDefault = 10_000
const formerMax = 100

export interface PostgresStoreOptions {
  readonly log?: Log | undefined
  /** What the others call this server. */
  readonly serverName?: string | undefined
  /** If the database does not hear from this server for so long, others take its jobs. */
  readonly leaseMs?: number | undefined
  /** If the database does not answer for so long, the connection is given up. */
  readonly patienceMs?: number | undefined
}

const readFirstNumber: Statement = {
  name: 'store first number',
  text: `SELECT greatest((SELECT reserved_until FROM geartrain.numbers), (SELECT max(number) + 1 FROM geartrain.jobs),
    (SELECT max(number) + 1 FROM geartrain.dead), (SELECT max(number) + 1 FROM geartrain.results))`,
}

/** Jobs in a PostgreSQL database, which any number of servers share. */
export class PostgresStore implements Store {
  readonly name: string
  readonly cluster: StoreCluster
  readonly #cluster: PostgresCluster
  readonly #url: string
  readonly #log: Log
  readonly #serverName: string
  readonly #leaseMs: number
  readonly #patienceMs: number
  #connection: Connection | undefined
  /** The one for heartbeats. */
  #beside: Connection | undefined
  #session: Session | undefined
  /** All that this server had since it was open the last time: what was done under them is its own. */
  #ids: number[] = []
  /** Ids that have ended, and that jobs may still bear. */
  #ended: readonly number[] = []
  /** Ids that this process had before. What it has had or let go under them is its own, if nobody has taken it since. */
  #former: readonly number[] = []
  #underWay: UnderWay | undefined
  #listener: ClusterListener | undefined
  /** Calls that are not answered. */
  #calls = 0

  /** What is wrong with the URL is said when it is opened. */
  constructor(url: string, options: PostgresStoreOptions = {}) {
    const { log = silentLog, serverName = hostname(), leaseMs = leaseMsDefault, patienceMs = leaseMs } = options
    this.name = withoutPassword(url)
    this.#url = url
    this.#log = log
    this.#serverName = serverName
    this.#leaseMs = leaseMs
    this.#patienceMs = patienceMs
    const connect = (own: BesideOptions): Promise<Connection> => this.#connectBeside(own)
    const cluster = new PostgresCluster({ connect, leaseMs, clock: systemClock, log })
    this.#cluster = cluster
    this.cluster = {
      serve: (listener) => {
        this.#listener = listener
        cluster.serve(listener)
      },
      report: (report) => cluster.report(report),
      demand: (demands) => cluster.demand(demands),
      checkLease: () => cluster.checkLease(),
      whenDropped: (number) => cluster.whenDropped(number),
    }
  }

  open(atLeast: number, held: Float64Array = new Float64Array(0)): Promise<StoreState> {
    return this.#call(async () => {
      await this.#disconnect()
      const connection = await this.#connect()
      const batches = await this.#begin(connection, held)
      return this.#resume(atLeast, held, batches)
    })
  }

  commit(batch: Batch): Promise<BatchResult> {
    return this.#call(async () => {
      const session = this.#session
      if (session === undefined) throw new StoreError('STORE_NOT_OPEN', 'it is not open')
      return session.perform({ ...batch, requests: batch.requests.map(withOwnWorkload) })
    })
  }

  async close(): Promise<void> {
    this.#calls++
    const connection = this.#connection
    await this.#cluster.close()
    try {
      if (connection !== undefined) await Lease.end(connection, this.#ids)
    } catch (error) {
      // It ends by itself then.
      const { code, message } = toFailure(error)
      this.#log.warn({ code }, `the store ${this.name} can't be told that this server ends: ${message}`)
    }
    await this.#disconnect()
    this.#calls--
  }

  /** What goes wrong is what the call rejects with, and the store must be opened anew. */
  async #call<Result>(body: () => Promise<Result>): Promise<Result> {
    this.#calls++
    try {
      return await body()
    } catch (error) {
      await this.#disconnect()
      throw toStoreError(this.name, error)
    } finally {
      this.#calls--
    }
  }

  async #connect(): Promise<Connection> {
    const connection = await connectToPrimary(parseAddress(this.#url), {
      ...this.#connectionOptions,
      isHeardOf: () => this.#isHeardOf,
      onBroken: (error) => this.#onBroken(connection, error),
    })
    this.#connection = connection
    await migrate(connection)
    return connection
  }

  /** To the same server. */
  async #connectBeside(own: BesideOptions): Promise<Connection> {
    const host = this.#connection?.host
    if (host === undefined) throw new StoreError('STORE_NOT_OPEN', `the store ${this.name} is not open`)
    const beside = await connectToPrimary(
      { ...parseAddress(this.#url), hosts: [host] },
      { ...this.#connectionOptions, ...own },
    )
    this.#beside = beside
    return beside
  }

  /** On the connection beside, unless that was given up. */
  get #isHeardOf(): boolean {
    const beside = this.#beside
    return beside !== undefined && !beside.isBroken && beside.silentMs < this.#patienceMs
  }

  get #connectionOptions(): Pick<ConnectionOptions, 'applicationName' | 'idleMsMax' | 'patienceMs'> {
    return {
      applicationName: `geartrain ${this.#serverName}`,
      idleMsMax: Math.ceil(this.#leaseMs / 2),
      patienceMs: this.#patienceMs,
    }
  }

  /** Under a new id. The last batch of each id that this server had before. */
  async #begin(connection: Connection, held: Float64Array): Promise<ReadonlyMap<number, number>> {
    const before = [...this.#ids]
    return again(() =>
      connection.transact(async (link) => {
        const batches = await Lease.end(link, before)
        const lease = await Lease.take(link, this.#serverName, this.#leaseMs)
        this.#ids.push(lease.id)
        await lease.retake(link, before, held)
        this.#former = [...new Set([...before.toReversed(), ...this.#former])].slice(0, formerMax)
        this.#session = this.#makeSession(connection, lease)
        return batches
      }),
    )
  }

  async #resume(atLeast: number, held: Float64Array, batches: ReadonlyMap<number, number>): Promise<StoreState> {
    const session = this.#session
    if (session === undefined) throw new StoreError('STORE_NOT_OPEN', `the store ${this.name} is not open`)
    const { connection, lease } = session
    this.#ended = await Lease.readEnded(connection)
    const resolved = await this.#resolve(session, batches)
    await Lease.remove(connection, this.#former)
    const [lost, first, state] = await Promise.all([
      lease.lostOf(connection, held),
      connection.run<[number]>(readFirstNumber),
      readState(connection),
    ])
    const renewedAt = systemClock.now()
    // If it is, nobody had a chance to take what is held.
    if (!(await Lease.renew(connection, lease.id, lease.leaseMs))) throw new LeaseLost()
    // Only now: if one of these was not answered, all of it is asked once more.
    this.#underWay = undefined
    this.#ids = [lease.id]
    this.#cluster.start(lease.id, { documents: state.documents, ended: this.#ended, renewedAt })
    return { ...state, firstNumber: Math.max(atLeast, first.rows[0]?.[0] ?? 0), shared: { lost, resolved } }
  }

  /** What has become of the batch that was under way. If it was not committed, that is done now. */
  async #resolve(session: Session, batches: ReadonlyMap<number, number>): Promise<BatchResult | undefined> {
    const underWay = this.#underWay
    if (underWay === undefined) return undefined
    const { batch, leaseId, number } = underWay
    const isCommitted = (batches.get(leaseId) ?? 0) >= number
    // Another server may do by now what this one was to do for all.
    const isLeft = !isCommitted && batch.isOfLease === true
    if (isLeft) return undefined
    if (isCommitted) return session.lookUp(batch)
    const result = await session.perform(batch)
    const { id, batch: committed } = session.lease
    if (result.failure === undefined) this.#underWay = { batch, leaseId: id, number: committed }
    return result
  }

  #makeSession(connection: Connection, lease: Lease): Session {
    return new Session(connection, lease, {
      endedIds: () => this.#endedIds,
      formerIds: this.#former,
      onCommitted: (tx, since) => this.#cluster.announce(tx, since),
    })
  }

  /** An id that is said to have ended has, for good. */
  get #endedIds(): readonly number[] {
    const { ended } = this.#cluster
    return ended.length > 0 ? ended : this.#ended
  }

  /** Between two calls: else that one says so. */
  #onBroken(connection: Connection, error: DatabaseError): void {
    if (this.#calls > 0 || connection !== this.#connection) return
    const { code, message } = toFailure(error)
    this.#listener?.onBroken(code, message)
  }

  async #disconnect(): Promise<void> {
    const connection = this.#connection
    this.#underWay = this.#session?.underWay ?? this.#underWay
    this.#session = undefined
    this.#connection = undefined
    this.#beside = undefined
    await this.#cluster.stop()
    await connection?.close()
  }
}

type BesideOptions = Pick<ConnectionOptions, 'onBroken' | 'onNotification'>

/** It may lie in a buffer for the next input. */
function withOwnWorkload(request: StoreRequest): StoreRequest {
  if (request.kind !== 'find same') return request
  return { ...request, workload: new Uint8Array(request.unique === '-' ? request.workload : []) }
}
