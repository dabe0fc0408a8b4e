import type { Batch, BatchResult, StoreAnswer, StoreRequest } from '../store.ts'
import { Additions } from './additions.ts'
import { Changes } from './changes.ts'
import { Claims } from './claims.ts'
import { Documents } from './documents.ts'
import type { FunctionIds } from './function-ids.ts'
import { HistorySteps } from './history-steps.ts'
import { type Link, started } from './link.ts'
import { nextDueAt, promote } from './promotions.ts'
import { cancel, forget } from './removals.ts'
import type { Transaction } from './transaction.ts'
import { LineCounts, Writing } from './writing.ts'

const reserveNumbers = {
  name: 'numbers reserve',
  text: `
    UPDATE geartrain.numbers SET reserved_until = greatest(reserved_until, $1::bigint) + $2::bigint
    RETURNING reserved_until - $2::bigint`,
} as const

export type Claim = Extract<StoreRequest, { kind: 'claim' }>

export interface Written {
  readonly written: Omit<BatchResult, 'answers'>
  /** One for each claim. */
  readonly claimed: readonly StoreAnswer[]
}

/** Does the writes of batches, and claims jobs. What a transaction that is rolled back has done does no harm here. */
export class Writes {
  readonly #functions: FunctionIds
  readonly #changes = new Changes(new Documents(), new HistorySteps())
  readonly #additions: Additions
  readonly #claims: Claims

  constructor(functions: FunctionIds) {
    this.#functions = functions
    this.#additions = new Additions(functions)
    this.#claims = new Claims(functions)
  }

  /** What is to be known before the transaction of a batch begins, outside of any other. */
  async prepare(link: Link, { functions, additionCount, requests }: Batch): Promise<void> {
    const asked = requests.flatMap((request) => (request.kind === 'claim' ? [request.function] : []))
    // Also before nothing is added: no number that is set aside from now on has been used.
    await this.#additions.prepare(link)
    if (additionCount > 0) await this.#functions.findOrAdd(link, functions)
    await this.#functions.find(link, asked)
  }

  /**
   * A transaction, from its first statement behind the fence until it is committed: all that the batch says but for its
   * requests, and then these claims. Each part sends all that it has to say before it waits for an answer, so what follows
   * comes after it; what only adds new jobs without uniques, forgets some and claims others waits for none until it is
   * committed.
   */
  async perform(tx: Transaction, batch: Batch, claims: readonly Claim[]): Promise<Written> {
    const writing = new Writing(tx)
    forget(writing, batch.forget)
    const cancelling = started(cancel(writing, batch.cancel))
    const { nextSweepAt: sweepAt, ...changes } = await this.#changes.perform(writing, batch.changes)
    if (batch.changes.some(({ kind }) => kind === 'release')) this.#claims.forgetFronts()
    const added = await this.#additions.add(writing, batch)
    const reserving = reserve(writing, batch.reserve)
    const [cancelled, due] = await Promise.all([cancelling, this.#promote(writing, batch, changes.promoted)])
    void started(writing.counts.write(writing, tx.serverId))
    const claimed = await this.claim(tx, claims)
    const [nextSweepAt, reserved] = await Promise.all([sweepAt, reserving])
    return { written: { failure: undefined, ...changes, ...added, ...due, cancelled, nextSweepAt, reserved }, claimed }
  }

  /** Claims, and the end of the transaction. */
  claim(tx: Transaction, claims: readonly Claim[]): Promise<StoreAnswer[]> {
    const claiming = claims.map((claim) => this.#claims.claim(tx, claim))
    tx.commit()
    return Promise.all(claiming)
  }

  async #promote(
    writing: Writing,
    { promoteUntil }: Batch,
    hastened: BatchResult['promoted'],
  ): Promise<Pick<BatchResult, 'promoted' | 'nextDueAt'>> {
    if (promoteUntil === undefined) return { promoted: hastened, nextDueAt: undefined }
    const counts = new LineCounts()
    const [, dueAt] = await Promise.all([promote(writing, promoteUntil, counts), nextDueAt(writing)])
    return { promoted: [...hastened, ...counts.all], nextDueAt: dueAt }
  }
}

function reserve(link: Link, wanted: Batch['reserve']): Promise<number | undefined> {
  if (wanted === undefined) return Promise.resolve(undefined)
  return started(link.run<[first: number]>(reserveNumbers, wanted.from, wanted.count).then(({ rows }) => rows[0]?.[0]))
}
