import assert from 'node:assert/strict'
import type { Batch, BatchResult } from '@geartrain/server'
import { emptyBatch } from '@geartrain/server'
import { parseAddress } from '../../../packages/server/dist/store/postgres/address.js'
import { Connection } from '../../../packages/server/dist/store/postgres/connection.js'
import { FunctionIds } from '../../../packages/server/dist/store/postgres/function-ids.js'
import { DatabaseError, type Value } from '../../../packages/server/dist/store/postgres/link.js'
import { migrate } from '../../../packages/server/dist/store/postgres/migrate.js'
import { takePlaces } from '../../../packages/server/dist/store/postgres/positions.js'
import type { Transaction } from '../../../packages/server/dist/store/postgres/transaction.js'
import { Writes } from '../../../packages/server/dist/store/postgres/writes.js'
import { type Claimed, claimed, toBatch, type Wish } from '../store-suite/batch.ts'

const patienceMs = 60_000

/** A connection with an id in the table of servers, on which batches are done as a store does them. */
export class Member implements AsyncDisposable {
  readonly id: number
  readonly #connection: Connection
  readonly #writes = new Writes(new FunctionIds())
  /** Ids that have ended, as far as it knows. */
  ended: readonly number[] = []
  /** Ids that it had before. */
  former: readonly number[] = []
  /** What the last batch has left for the others. */
  lines: string[] = []
  areOthersCancelled = false
  /** Times that another transaction was in the way. */
  retries = 0

  private constructor(connection: Connection, id: number) {
    this.#connection = connection
    this.id = id
  }

  static async open(url: string): Promise<Member> {
    const address = parseAddress(url)
    const [host] = address.hosts
    assert(host !== undefined)
    const connection = await Connection.open(address, host, {
      applicationName: 'test',
      idleMsMax: patienceMs,
      patienceMs,
      onBroken: () => {},
    })
    await migrate(connection)
    const text = "INSERT INTO geartrain.servers (name, lease_until) VALUES ('member', now()) RETURNING id"
    const { rows } = await connection.run<[id: number]>({ name: 'member', text })
    return new Member(connection, rows[0]?.[0] ?? 0)
  }

  /** What must not fail. */
  async do(wish: Wish): Promise<BatchResult> {
    const batch: Batch = { ...emptyBatch, ...toBatch(wish) }
    for (;;) {
      try {
        return await this.#commit(batch)
      } catch (error) {
        const mayRepeat = error instanceof DatabaseError && (error.code === '40P01' || error.code === '40001')
        if (!mayRepeat) throw error
        this.retries++
      }
    }
  }

  /** Numbers of jobs of function `f`, of which there is one claim more in the batch. */
  async claim(jobsMax: number, wish: Wish = {}): Promise<Claimed[]> {
    const request = { kind: 'claim', function: 'f', priority: 1, jobsMax, bytesMax: 1e9 } as const
    const { answers } = await this.do({ ...wish, requests: [request] })
    return claimed(answers[0])
  }

  async claimNumbers(jobsMax: number, wish: Wish = {}): Promise<number[]> {
    return (await this.claim(jobsMax, wish)).map(({ number }) => number)
  }

  /** Its id ends for good, and the others are told. */
  end(...others: readonly Member[]): void {
    for (const other of others) other.ended = [...other.ended, this.id]
  }

  /** The rows of a statement, whose name is its text. */
  async rows(text: string, ...values: readonly Value[]): Promise<readonly unknown[][]> {
    return (await this.#connection.run<unknown[]>({ name: '', text }, ...values)).rows as unknown[][]
  }

  /** Within a transaction that is rolled back after `body`. */
  async plan(text: string): Promise<string> {
    return (await this.rows(`EXPLAIN ${text}`)).flat().join('\n')
  }

  /** Nothing, or what the counts say differently from the tables. */
  async wrongCounts(): Promise<readonly unknown[][]> {
    return this.rows(`
      WITH real AS (
        SELECT function_id, priority, (position > 0)::int AS ready, (position = 0)::int AS delayed, 0 AS dead, 0 AS kept
        FROM geartrain.jobs
        UNION ALL SELECT function_id, priority, 0, 0, 1, 0 FROM geartrain.dead
        UNION ALL SELECT function_id, priority, 0, 0, 0, 1 FROM geartrain.results
        UNION ALL SELECT function_id, priority, -ready, -delayed, -dead, -kept FROM geartrain.counts
      )
      SELECT function_id, priority, sum(ready), sum(delayed), sum(dead), sum(kept) FROM real
      GROUP BY function_id, priority
      HAVING sum(ready) <> 0 OR sum(delayed) <> 0 OR sum(dead) <> 0 OR sum(kept) <> 0`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection.close()
  }

  async #commit(batch: Batch): Promise<BatchResult> {
    await this.#writes.prepare(this.#connection, batch)
    return this.#connection.transact(async (link, commit) => {
      const { now } = batch
      // As the fence does.
      const placed = link.run({ name: '', text: `SELECT ${takePlaces}` })
      const tx: Transaction = {
        link,
        commit,
        serverId: this.id,
        ended: this.ended,
        former: this.former,
        now,
        ready: new Map(),
        areOthersCancelled: false,
        areDocumentsChanged: false,
      }
      const claims = batch.requests.map((request) => {
        assert(request.kind === 'claim')
        return request
      })
      const performed = this.#writes.perform(tx, batch, claims)
      const [{ written, claimed: answers }] = await Promise.all([performed, placed])
      this.lines = [...tx.ready.values()].map((line) => `${line.function} ${line.priority}`).sort()
      this.areOthersCancelled = tx.areOthersCancelled
      return { ...written, answers }
    })
  }
}
