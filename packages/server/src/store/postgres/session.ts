import { systemClock } from '../../clock.ts'
import {
  type Batch,
  type BatchResult,
  emptyBatch,
  hasWrites,
  nothingWritten,
  type StoreAnswer,
  StoreError,
  type StoreRequest,
} from '../store.ts'
import { LeaseLost } from './cluster/lease-lost.ts'
import type { Connection } from './connection.ts'
import { toFailure } from './failure.ts'
import { FunctionIds } from './function-ids.ts'
import { Lease } from './lease.ts'
import { DatabaseError } from './link.ts'
import { outcomeOf } from './outcome.ts'
import { Requests } from './requests.ts'
import type { Transaction } from './transaction.ts'
import { type Claim, Writes, type Written } from './writes.ts'

/** Of a batch, when other transactions were in its way. */
const attemptsMax = 5

/** What was handed to the store and is not answered, and the lease and the number under which it was to be committed. */
export interface UnderWay {
  readonly batch: Batch
  readonly leaseId: number
  readonly number: number
}

export interface SessionHost {
  /** Ids that have ended, and that jobs may still bear. */
  readonly endedIds: () => readonly number[]
  /** Those that this process had before. */
  readonly formerIds: readonly number[]
  /** `since`: when it was begun, by the clock that does not go back. */
  readonly onCommitted: (tx: Transaction, since: number) => void
}

/** From when the store is opened until it is lost: batches on one connection and under one lease. */
export class Session {
  readonly connection: Connection
  readonly lease: Lease
  /** The batch that may have been committed, or not. */
  underWay: UnderWay | undefined
  readonly #host: SessionHost
  readonly #writes = new Writes(new FunctionIds())
  readonly #requests = new Requests()

  constructor(connection: Connection, lease: Lease, host: SessionHost) {
    this.connection = connection
    this.lease = lease
    this.#host = host
  }

  /** Rejects if nobody knows whether the writes were done: `underWay` is the batch then. */
  async perform(batch: Batch): Promise<BatchResult> {
    const claims = batch.requests.filter((request) => request.kind === 'claim')
    const { written, claimed } = hasWrites(batch)
      ? await this.#writeOrFail(batch, claims)
      : { written: nothingWritten, claimed: await this.#claim(batch, claims) }
    const next = claimed.values()
    const answers = batch.requests.map((request) => {
      const taken = request.kind === 'claim' ? next.next().value : undefined
      return taken === undefined ? this.#answer(request) : Promise.resolve(taken)
    })
    return { ...written, answers: await Promise.all(answers) }
  }

  /** What has become of a batch that was committed, and whose answers were lost. */
  async lookUp(batch: Batch): Promise<BatchResult> {
    const known = await outcomeOf(batch, this.connection, (request) => this.#answer(request))
    // These can be done once more, and their answers are needed.
    const { now, promoteUntil, reserve } = batch
    const rest = { ...emptyBatch, now, promoteUntil, reserve }
    const { promoted, nextDueAt, reserved } = hasWrites(rest) ? (await this.#write(rest, [])).written : nothingWritten
    const answers = await Promise.all(batch.requests.map((request) => this.#answer(request)))
    return { ...known, promoted, nextDueAt, reserved, answers }
  }

  /** What it changes, and with it what it claims. Rejects if nobody knows whether that was done. */
  async #writeOrFail(batch: Batch, claims: readonly Claim[]): Promise<Written> {
    this.underWay = { batch, leaseId: this.lease.id, number: this.lease.batch + 1 }
    try {
      const written = await this.#write(batch, claims)
      this.underWay = undefined
      return written
    } catch (error) {
      if (error instanceof StoreError || (error instanceof DatabaseError && error.isBroken)) throw error
      this.underWay = undefined
      const written = { ...nothingWritten, failure: toFailure(error) }
      return { written, claimed: await this.#claim(batch, claims) }
    }
  }

  #write(batch: Batch, claims: readonly Claim[]): Promise<Written> {
    return again(async () => {
      await this.#writes.prepare(this.connection, batch)
      return this.#commitFenced(batch.now, (tx) => this.#writes.perform(tx, batch, claims))
    })
  }

  /** If it is not known what was claimed, all of it is free again when the store is opened anew. */
  async #claim(batch: Batch, claims: readonly Claim[]): Promise<Written['claimed']> {
    if (claims.length === 0) return []
    try {
      await this.#writes.prepare(this.connection, { ...emptyBatch, requests: claims })
      return await again(() => this.#commitFenced(batch.now, (tx) => this.#writes.claim(tx, claims)))
    } catch (error) {
      const failure = toFailure(error)
      return claims.map(() => ({ kind: 'failed', failure }))
    }
  }

  /** A transaction that is only committed under a lease that lasts, and once. */
  async #commitFenced<Result>(now: number, body: (tx: Transaction) => Promise<Result>): Promise<Result> {
    const since = systemClock.now()
    let isLost = false
    const { connection, lease } = this
    const { tx, result } = await connection
      .transact(async (link, commit) => {
        const tx: Transaction = {
          link,
          commit,
          serverId: lease.id,
          ended: this.#host.endedIds(),
          former: this.#host.formerIds,
          now,
          ready: new Map(),
          areOthersCancelled: false,
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
        if (isLost) throw new LeaseLost()
        throw error
      })
    lease.batch++
    this.#host.onCommitted(tx, since)
    return result
  }

  async #answer(request: StoreRequest): Promise<StoreAnswer> {
    // Of a batch that is looked up.
    if (request.kind === 'claim') return nothingClaimed
    return this.#requests.answer(this.connection, this.#host.endedIds(), request, this.lease.id)
  }
}

const nothingClaimed: StoreAnswer = { kind: 'claim', count: 0, jobs: new Uint8Array(0) }

/** Done once more if other transactions were in the way. */
export async function again<Result>(attempt: () => Promise<Result>): Promise<Result> {
  for (let attempts = 1; ; attempts++) {
    try {
      return await attempt()
    } catch (error) {
      const isInTheWay = error instanceof DatabaseError && (error.code === '40001' || error.code === '40P01')
      if (!isInTheWay || attempts === attemptsMax) throw error
    }
  }
}
