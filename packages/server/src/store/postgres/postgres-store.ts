import { hostname } from 'node:os'
import { systemClock } from '../../clock.ts'
import { type Log, silentLog } from '../../log.ts'
import type { ClusterListener, StoreCluster } from '../cluster.ts'
import {
  type Batch,
  type BatchResult,
  emptyBatch,
  nothingWritten,
  type Store,
  type StoreAnswer,
  StoreError,
  type StoreRequest,
  type StoreState,
} from '../store.ts'
import { parseAddress, withoutPassword } from './address.ts'
import { PostgresCluster } from './cluster/postgres-cluster.ts'
import type { Connection, ConnectionOptions } from './connection.ts'
import { toFailure, toStoreError } from './failure.ts'
import { FunctionIds } from './function-ids.ts'
import { Lease } from './lease.ts'
import { DatabaseError, type Statement } from './link.ts'
import { migrate } from './migrate.ts'
import { outcomeOf } from './outcome.ts'
import { connectToPrimary } from './primary.ts'
import { Requests } from './requests.ts'
import { readState } from './state.ts'
import type { Transaction } from './transaction.ts'
import { Writes } from './writes.ts'

const leaseMsDefault = 10_000
/** Of a batch, when other transactions were in its way. */
const attemptsMax = 5
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

/** From when the store is opened until it is lost. */
interface Session {
  readonly connection: Connection
  readonly lease: Lease
  readonly writes: Writes
  readonly requests: Requests
}

/** What was handed to the store and is not answered, and the lease and the number under which it was to be committed. */
interface UnderWay {
  readonly batch: Batch
  readonly leaseId: number
  readonly number: number
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
  /** Below 0: those that this server had before. What it has let go under them is its own, as what it lets go now. */
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
      return this.#perform(session, { ...batch, requests: batch.requests.map(withOwnWorkload) })
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
      isHeardOf: () => (this.#beside?.silentMs ?? Number.POSITIVE_INFINITY) < this.#patienceMs,
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
        this.#session = { connection, lease, writes: new Writes(new FunctionIds()), requests: new Requests() }
        return batches
      }),
    )
  }

  async #resume(atLeast: number, held: Float64Array, batches: ReadonlyMap<number, number>): Promise<StoreState> {
    const session = this.#session
    if (session === undefined) throw new StoreError('STORE_NOT_OPEN', `the store ${this.name} is not open`)
    const { connection, lease } = session
    this.#ended = await Lease.readEnded(connection)
    const former = this.#ids.filter((id) => id !== lease.id).map((id) => -id)
    this.#former = [...new Set([...former, ...this.#former])].slice(0, formerMax)
    const resolved = await this.#resolve(session, batches)
    const [lost, first, state] = await Promise.all([
      lease.lostOf(connection, held),
      connection.run<[number]>(readFirstNumber),
      readState(connection),
    ])
    this.#ids = [lease.id]
    this.#cluster.start(lease.id, { documents: state.documents, ended: this.#ended })
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
    const result = isCommitted ? await this.#lookUp(session, batch) : isLeft ? undefined : await this.#perform(session, batch)
    this.#underWay = undefined
    return result
  }

  async #lookUp(session: Session, batch: Batch): Promise<BatchResult> {
    const known = await outcomeOf(batch, session.connection, (request) => this.#answer(session, request))
    // These can be done once more, and their answers are needed.
    const { now, promoteUntil, reserve } = batch
    const rest = { ...emptyBatch, now, promoteUntil, reserve }
    const { promoted, nextDueAt, reserved } = hasWrites(rest) ? (await this.#write(session, rest, [])).written : nothingWritten
    const answers = await Promise.all(batch.requests.map((request) => this.#answer(session, request)))
    return { ...known, promoted, nextDueAt, reserved, answers }
  }

  async #perform(session: Session, batch: Batch): Promise<BatchResult> {
    const claims = batch.requests.filter((request) => request.kind === 'claim')
    const { written, claimed } = hasWrites(batch)
      ? await this.#writeOrFail(session, batch, claims)
      : { written: nothingWritten, claimed: await this.#claim(session, batch, claims) }
    const next = claimed.values()
    const answers = batch.requests.map((request) =>
      request.kind === 'claim' ? (next.next().value ?? nothingClaimed) : this.#answer(session, request),
    )
    return { ...written, answers: await Promise.all(answers) }
  }

  /** What it changes, and with it what it claims. Rejects if nobody knows whether that was done. */
  async #writeOrFail(session: Session, batch: Batch, claims: readonly Claim[]): Promise<Written> {
    this.#underWay = { batch, leaseId: session.lease.id, number: session.lease.batch + 1 }
    try {
      const written = await this.#write(session, batch, claims)
      this.#underWay = undefined
      return written
    } catch (error) {
      if (error instanceof StoreError || (error instanceof DatabaseError && error.isBroken)) throw error
      this.#underWay = undefined
      const written = { ...nothingWritten, failure: toFailure(error) }
      return { written, claimed: await this.#claim(session, batch, claims) }
    }
  }

  #write(session: Session, batch: Batch, claims: readonly Claim[]): Promise<Written> {
    return again(async () => {
      await session.writes.prepare(session.connection, batch)
      return this.#commitFenced(session, batch.now, async (tx) => {
        const written = await session.writes.perform(tx, batch)
        return { written, claimed: await claimAll(session, tx, claims) }
      })
    })
  }

  /** If it is not known what was claimed, all of it is free again when the store is opened anew. */
  async #claim(session: Session, batch: Batch, claims: readonly Claim[]): Promise<Written['claimed']> {
    if (claims.length === 0) return []
    try {
      await session.writes.prepare(session.connection, { ...emptyBatch, requests: claims })
      return await again(() => this.#commitFenced(session, batch.now, (tx) => claimAll(session, tx, claims)))
    } catch (error) {
      const failure = toFailure(error)
      return claims.map(() => ({ kind: 'failed', failure }))
    }
  }

  /** A transaction that is only committed under a lease that lasts, and once. */
  async #commitFenced<Result>(
    { connection, lease }: Session,
    now: number,
    body: (tx: Transaction) => Promise<Result>,
  ): Promise<Result> {
    const since = systemClock.now()
    let isLost = false
    const { tx, result } = await connection
      .transact(async (link) => {
        const tx: Transaction = {
          link,
          serverId: lease.id,
          ended: this.#endedIds,
          now,
          ready: new Map(),
          taken: new Map(),
          areDocumentsChanged: false,
        }
        const fenced = lease.fence(link).catch((error: unknown) => {
          isLost = error instanceof DatabaseError && Lease.isLost(error.code)
          throw error
        })
        const [result] = await Promise.all([body(tx), fenced])
        return { tx, result }
      })
      .catch((error: unknown) => {
        if (isLost) throw new StoreError('LEASE_LOST', leaseLost)
        throw error
      })
    lease.batch++
    this.#cluster.announce(tx, since)
    return result
  }

  async #answer({ connection, lease, requests }: Session, request: StoreRequest): Promise<StoreAnswer> {
    // Of a batch that is looked up.
    if (request.kind === 'claim') return nothingClaimed
    return requests.answer(connection, this.#endedIds, request, lease.id)
  }

  /** An id that is said to have ended has, for good. */
  get #endedIds(): readonly number[] {
    const { ended } = this.#cluster
    return [...(ended.length > 0 ? ended : this.#ended), ...this.#former]
  }

  /** Between two calls: else that one says so. */
  #onBroken(connection: Connection, error: DatabaseError): void {
    if (this.#calls > 0 || connection !== this.#connection) return
    const { code, message } = toFailure(error)
    this.#listener?.onBroken(code, message)
  }

  async #disconnect(): Promise<void> {
    const connection = this.#connection
    this.#session = undefined
    this.#connection = undefined
    this.#beside = undefined
    await this.#cluster.stop()
    await connection?.close()
  }
}

type BesideOptions = Pick<ConnectionOptions, 'onBroken' | 'onNotification'>

interface Written {
  readonly written: Omit<BatchResult, 'answers'>
  /** One for each claim. */
  readonly claimed: readonly StoreAnswer[]
}

const nothingClaimed: StoreAnswer = { kind: 'claim', count: 0, jobs: new Uint8Array(0) }

type Claim = Extract<StoreRequest, { kind: 'claim' }>

const leaseLost =
  'the database has not heard of this server for longer than its lease, and other servers may have taken its jobs; it goes on under a new lease'

/** Done once more if other transactions were in the way. */
async function again<Result>(attempt: () => Promise<Result>): Promise<Result> {
  for (let attempts = 1; ; attempts++) {
    try {
      return await attempt()
    } catch (error) {
      const isInTheWay = error instanceof DatabaseError && (error.code === '40001' || error.code === '40P01')
      if (!isInTheWay || attempts === attemptsMax) throw error
    }
  }
}

/** One after the other: those of one line know how far the one before has come. */
async function claimAll({ writes }: Session, tx: Transaction, claims: readonly Claim[]): Promise<StoreAnswer[]> {
  const claimed: StoreAnswer[] = []
  for (const claim of claims) claimed.push(await writes.claim(tx, claim))
  return claimed
}

function hasWrites({ forget, cancel, changes, additionCount, promoteUntil, reserve }: Batch): boolean {
  return (
    forget.length > 0 ||
    cancel.length > 0 ||
    changes.length > 0 ||
    additionCount > 0 ||
    promoteUntil !== undefined ||
    reserve !== undefined
  )
}

/** It may lie in a buffer for the next input. */
function withOwnWorkload(request: StoreRequest): StoreRequest {
  if (request.kind !== 'find same') return request
  return { ...request, workload: new Uint8Array(request.unique === '-' ? request.workload : []) }
}
