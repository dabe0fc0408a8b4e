import { RecordReader } from '../records.ts'
import type { Batch, BatchResult } from '../store.ts'
import { AdditionColumns } from './addition-columns.ts'
import { bigints } from './arrays.ts'
import type { FunctionIds } from './function-ids.ts'
import { DatabaseError, type Link } from './link.ts'
import { findRecent } from './results.ts'
import { isNamed, uniqueKey } from './unique-key.ts'
import type { Writing } from './writing.ts'

const known = {
  name: 'numbers known',
  text: `
    SELECT number FROM geartrain.jobs WHERE number = ANY($1::bigint[])
    UNION ALL SELECT number FROM geartrain.dead WHERE number = ANY($1::bigint[])
    UNION ALL SELECT number FROM geartrain.results WHERE number = ANY($1::bigint[])`,
} as const

const last = {
  name: 'numbers last',
  text: `
    SELECT greatest((SELECT reserved_until FROM geartrain.numbers), (SELECT max(number) FROM geartrain.jobs),
      (SELECT max(number) FROM geartrain.dead), (SELECT max(number) FROM geartrain.results))`,
} as const

/** A job whose unique others add and end at the same time is tried so often. */
const roundsMax = 10

/** What becomes of an addition; 0 while nobody knows. */
const isIn = 1
const isJoined = 2
const isThrottled = 3

/** What becomes of a batch's additions, by their places. */
class Fates {
  readonly of: Uint8Array
  /** Those that were joined. */
  readonly #numbers: Float64Array

  constructor(count: number) {
    this.of = new Uint8Array(count)
    this.#numbers = new Float64Array(count)
  }

  join(index: number, number: number, fate: typeof isJoined | typeof isThrottled): void {
    this.of[index] = fate
    this.#numbers[index] = number
  }

  pairs(fate: number): Float64Array {
    const pairs: number[] = []
    for (let index = this.of.indexOf(fate); index !== -1; index = this.of.indexOf(fate, index + 1)) {
      pairs.push(index, this.#numbers[index] ?? 0)
    }
    return Float64Array.from(pairs)
  }
}

/**
 * Puts jobs into the table, or finds those that they join. The unique index decides, whichever servers add at the same
 * time; only when it has refused some are these looked at.
 */
export class Additions {
  readonly #functions: FunctionIds
  /** No job of this server has a higher number: one below may be there already. Undefined: nobody has looked. */
  #numberMax: number | undefined

  constructor(functions: FunctionIds) {
    this.#functions = functions
  }

  /** Before the first transaction: numbers above what is set aside or used by then are new. */
  async prepare(link: Link): Promise<void> {
    this.#numberMax ??= (await link.run<[number: number]>(last)).rows[0]?.[0] ?? 0
  }

  async add(writing: Writing, batch: Batch): Promise<Pick<BatchResult, 'joined' | 'throttled'>> {
    const fates = new Fates(batch.additionCount)
    for (let round = 0; fates.of.includes(0); round++) {
      if (round === roundsMax) throw new DatabaseError('40001', 'others add and end jobs of the same uniques', false)
      const later = await this.#settleKnown(writing, batch, fates)
      await this.#insert(writing, batch, fates, later)
    }
    this.#tell(writing, batch, fates)
    return { joined: fates.pairs(isJoined), throttled: fates.pairs(isThrottled) }
  }

  /**
   * Those that are there already, or join one that has ended. When a store breaks down it may be that what a batch added
   * comes again. The answer are those to leave for the next round: others of their numbers are before them in this batch.
   */
  async #settleKnown(writing: Writing, batch: Batch, fates: Fates): Promise<ReadonlySet<number>> {
    const again: { index: number; number: number }[] = []
    const throttled: { index: number; key: Buffer; functionId: number }[] = []
    const later = new Set<number>()
    let firsts: ReadonlyMap<number, number> | undefined
    let numberMax = this.#numberMax ?? Number.POSITIVE_INFINITY
    const reader = new RecordReader(batch.additions)
    for (let index = 0; reader.next(); index++) {
      if (fates.of[index] !== 0) continue
      const { number } = reader
      if (number > numberMax) numberMax = number
      else {
        firsts ??= firstPlaces(batch, fates)
        if (firsts.get(number) === index) again.push({ index, number })
        else {
          later.add(index)
          continue
        }
      }
      if (!reader.isThrottled) continue
      const { unique } = reader
      const key = isNamed(unique) ? uniqueKey(unique, reader.workload) : null
      if (key !== null) throttled.push({ index, key, functionId: this.#idOf(batch, reader) })
    }
    if (numberMax < Number.POSITIVE_INFINITY) this.#numberMax = numberMax
    const [there, recent] = await Promise.all([
      again.length === 0 ? undefined : writing.run<[number: number]>(known, bigints(again.map(({ number }) => number))),
      throttled.length === 0 ? [] : findRecent(writing, throttled),
    ])
    const numbers = new Set(there?.rows.map(([number]) => number))
    for (const { index, number } of again) if (numbers.has(number)) fates.join(index, number, isJoined)
    for (const [i, { index }] of throttled.entries()) {
      const ended = recent[i] ?? null
      if (ended !== null && fates.of[index] === 0) fates.join(index, ended, isThrottled)
    }
    return later
  }

  async #insert(writing: Writing, batch: Batch, fates: Fates, later: ReadonlySet<number>): Promise<void> {
    const first = writing.positions.take(batch.additionCount)
    const columns = new AdditionColumns(writing)
    const reader = new RecordReader(batch.additions)
    for (let index = 0; reader.next(); index++) {
      if (fates.of[index] !== 0 || later.has(index)) continue
      // Nothing can be in the way of one that has no unique: no answer is waited for.
      if (!columns.add(reader, index, first + index, this.#idOf(batch, reader))) fates.of[index] = isIn
    }
    for (const { index, joins } of await columns.insert()) {
      if (joins === 'itself') fates.of[index] = isIn
      else if (joins !== undefined) fates.join(index, joins, isJoined)
    }
  }

  /** There are jobs that can be claimed. */
  #tell(writing: Writing, { additions, functions }: Batch, fates: Fates): void {
    const reader = new RecordReader(additions)
    for (let index = 0; reader.next(); index++) {
      const { priority, runAt, isClaimed } = reader
      const isAnybodys = fates.of[index] === isIn && runAt === 0 && !isClaimed
      if (isAnybodys) writing.isReady(functions[reader.function] ?? '', priority)
    }
  }

  #idOf({ functions }: Batch, reader: RecordReader): number {
    const id = this.#functions.get(functions[reader.function] ?? '')
    if (id === undefined) throw new Error('a function was not looked up before the transaction')
    return id
  }
}

/** Of each number the first place where it is, among those of which nothing is known. */
function firstPlaces({ additions }: Batch, fates: Fates): ReadonlyMap<number, number> {
  const places = new Map<number, number>()
  const reader = new RecordReader(additions)
  for (let index = 0; reader.next(); index++) {
    if (fates.of[index] === 0 && !places.has(reader.number)) places.set(reader.number, index)
  }
  return places
}
