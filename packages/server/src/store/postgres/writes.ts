import type { Batch, BatchResult, StoreAnswer, StoreRequest } from '../store.ts'
import { Additions } from './additions.ts'
import { Changes } from './changes.ts'
import { Claims } from './claims.ts'
import { Documents } from './documents.ts'
import type { FunctionIds } from './function-ids.ts'
import { HistorySteps } from './history-steps.ts'
import type { Link } from './link.ts'
import { nextDueAt, promote } from './promotions.ts'
import { cancel, forget } from './removals.ts'
import type { Transaction } from './transaction.ts'
import { LineCounts, started, Writing } from './writing.ts'

const reserveNumbers = {
  name: 'numbers reserve',
  text: `
    UPDATE geartrain.numbers SET reserved_until = greatest(reserved_until, $1::bigint) + $2::bigint
    RETURNING reserved_until - $2::bigint`,
} as const

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

  /** Within a transaction: all that the batch says but for its requests. */
  async perform(tx: Transaction, batch: Batch): Promise<Omit<BatchResult, 'answers'>> {
    const writing = new Writing(tx)
    // Each sends all it has to say before it waits for an answer, so what follows comes after it.
    const forgotten = started(forget(writing, batch.forget))
    const cancelling = started(cancel(writing, batch.cancel))
    const changes = await this.#changes.perform(writing, batch.changes)
    if (batch.changes.some(({ kind }) => kind === 'release')) this.#claims.forgetFronts()
    const added = await this.#additions.add(writing, batch)
    const due = started(this.#promote(writing, batch, changes.promoted))
    const reserved = started(reserve(writing, batch.reserve))
    const [cancelled, { promoted, nextDueAt: dueAt }, first] = await Promise.all([cancelling, due, reserved, forgotten])
    await writing.counts.write(writing, tx.serverId)
    return { failure: undefined, ...changes, ...added, cancelled, promoted, nextDueAt: dueAt, reserved: first }
  }

  /** The same; after `perform`, and after the claims before it. */
  claim(tx: Transaction, request: Extract<StoreRequest, { kind: 'claim' }>): Promise<StoreAnswer> {
    return this.#claims.claim(tx, request)
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

async function reserve(link: Link, wanted: Batch['reserve']): Promise<number | undefined> {
  if (wanted === undefined) return undefined
  return (await link.run<[first: number]>(reserveNumbers, wanted.from, wanted.count)).rows[0]?.[0]
}
