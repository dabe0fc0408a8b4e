import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Priority } from '@geartrain/engine'
import type { BatchResult, Store, StoreRequest, StoreState } from '@geartrain/server'
import fc from 'fast-check'
import { type Addition, claimed, toBatch, type Wish } from './batch.ts'
import type { Place } from './counter.ts'
import type { It } from './it.ts'
import { NaiveJobs } from './naive-jobs.ts'

/*
 * Any batches, in any order, to the store and to the naive one: both must answer the same to each of them. A failure
 * prints them with the seed and path that bring them back: put both into the fc.assert below.
 */

export function model(_it: It, makePlace: () => Promise<Place>): void {
  test('the store does what the naive one does', async () => {
    const property = fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 30, size: 'max' }), async (steps) => {
      const place = await makePlace()
      const pair = new Pair(place)
      try {
        await pair.open()
        for (const each of steps) await pair.perform(each)
        await pair.finish()
      } finally {
        await pair.close()
        await place.remove()
      }
    })
    await fc.assert(property, { numRuns: 30 })
  })
}

/** An addition, before it is known which numbers there are. */
interface AnyAddition extends Omit<Addition, 'number' | 'runAt' | 'isClaimed'> {
  readonly priority: Priority
  readonly function: string
  /** From now; 0 is ready. */
  readonly delayMs: number
  readonly isClaimed: boolean
  /** One that was added before comes again. */
  readonly again: number | undefined
}

type AnyRequest = Exclude<StoreRequest, { kind: 'find' | 'list' }> | { kind: 'find' | 'list'; which: number }

type Step =
  | { readonly kind: 'reopen' | 'openAgain' }
  | {
      readonly kind: 'batch'
      /** Numbers of jobs by the order in which they came, from the last one back. */
      readonly forget: readonly number[]
      readonly cancel: readonly number[]
      readonly add: readonly AnyAddition[]
      readonly promotes: boolean
      readonly requests: readonly AnyRequest[]
    }

const name = fc.constantFrom('f', 'f', 'f', 'g', 'h\xff')
const unique = fc.constantFrom('', '', '-', 'u', 'v', 'w', 'x', '\xe9', '\xc3\xa9')
const workload = fc.constantFrom('', 'a', 'b', 'x'.repeat(100), 'y'.repeat(5000))
const priority = fc.constantFrom<Priority>(0, 1, 1, 1, 2)
const which = fc.nat({ max: 200 })

const addition: fc.Arbitrary<AnyAddition> = fc.record({
  function: name,
  unique,
  workload,
  priority,
  reducer: fc.constantFrom('', 'r'),
  delayMs: fc.constantFrom(0, 0, 0, 1, 2, 5),
  isClaimed: fc.boolean(),
  again: fc.option(which, { nil: undefined, freq: 10 }),
})

const request: fc.Arbitrary<AnyRequest> = fc.oneof(
  fc.record({
    kind: fc.constant('claim' as const),
    function: name,
    priority,
    jobsMax: fc.nat({ max: 20 }),
    bytesMax: fc.constantFrom(0, 1, 100, 1e6),
  }),
  fc.record({ kind: fc.constantFrom('find' as const, 'list' as const), which }),
  fc.record({ kind: fc.constant('find unique' as const), unique }),
  fc.record({
    kind: fc.constant('find same' as const),
    function: name,
    unique,
    workload: workload.map((text) => Buffer.from(text)),
  }),
)

const batch: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant('batch' as const),
  forget: fc.array(which, { maxLength: 50, size: 'max' }),
  cancel: fc.array(which, { maxLength: 5 }),
  add: fc.array(addition, { maxLength: 100, size: 'max' }),
  promotes: fc.boolean(),
  requests: fc.array(request, { maxLength: 6, size: 'max' }),
})

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 10, arbitrary: batch },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('reopen' as const, 'openAgain' as const) }) },
)

/** The store and the naive one, side by side. */
class Pair {
  readonly #place: Place
  #store: Store
  readonly #naive = new NaiveJobs()
  /** All that were ever added. */
  readonly #added: Addition[] = []
  #now = 1000

  constructor(place: Place) {
    this.#place = place
    this.#store = place.makeStore()
  }

  async open(): Promise<void> {
    assert.deepEqual(sorted(await this.#store.open(this.#now)), sorted(this.#naive.open(this.#now)))
  }

  close(): Promise<void> {
    return this.#store.close()
  }

  async perform(each: Step): Promise<void> {
    switch (each.kind) {
      case 'reopen':
        await this.#store.close()
        this.#store = this.#place.makeStore()
        return this.open()
      case 'openAgain':
        return this.open()
      case 'batch':
        return this.#compare(this.#wish(each))
    }
  }

  /** What is left in the end is the same, and the counts agree with it. */
  async finish(): Promise<void> {
    await this.open()
    const claims = ['f', 'g', 'h\xff'].flatMap((each) =>
      ([0, 1, 2] as const).map(
        (of) => ({ kind: 'claim', function: each, priority: of, jobsMax: 1e5, bytesMax: 1e9 }) as const,
      ),
    )
    await this.#compare({ requests: [{ kind: 'list', after: 0, jobsMax: 1e5 }, ...claims] })
  }

  async #compare(wish: Wish): Promise<void> {
    const expected = this.#naive.write(toBatch(wish))
    const answers = (wish.requests ?? []).map((each) => this.#naive.answer(each))
    assert.deepEqual(decoded(await this.#store.commit(toBatch(wish))), decoded({ ...expected, answers }))
  }

  #wish({ forget, cancel, add, promotes, requests }: Extract<Step, { kind: 'batch' }>): Wish {
    this.#now++
    return {
      forget: forget.map((each) => this.#numberOf(each)),
      cancel: cancel.map((each) => this.#numberOf(each)),
      requests: requests.map((each) => this.#request(each)),
      add: this.#additions(add),
      ...(promotes ? { promoteUntil: this.#now } : {}),
    }
  }

  #additions(wanted: readonly AnyAddition[]): Addition[] {
    return wanted.map(({ again, delayMs, ...rest }) => {
      const before = again === undefined ? undefined : this.#added.at(-1 - again)
      if (before !== undefined) return before
      const runAt = delayMs === 0 ? 0 : this.#now + delayMs
      const added = { ...rest, number: this.#added.length + 1, runAt, isClaimed: rest.isClaimed && runAt === 0 }
      this.#added.push(added)
      return added
    })
  }

  #request(each: AnyRequest): StoreRequest {
    switch (each.kind) {
      case 'find':
        return { kind: 'find', number: this.#numberOf(each.which) }
      case 'list':
        return { kind: 'list', after: this.#numberOf(each.which), jobsMax: 10 }
      case 'claim':
      case 'find unique':
      case 'find same':
        return each
      default:
        throw new Error(`not drawn: ${each.kind}`)
    }
  }

  #numberOf(index: number): number {
    return this.#added.at(-1 - index)?.number ?? 0
  }
}

function decoded({ answers, promoted, ...rest }: BatchResult) {
  const lines = promoted.map((each) => `${each.count} of ${each.function}, ${each.priority}`).toSorted()
  return { ...rest, promoted: lines, answers: answers.map((each) => (each.kind === 'claim' ? claimed(each) : each)) }
}

function sorted({ functions, ...rest }: StoreState) {
  return { ...rest, functions: functions.toSorted((a, b) => (a.name < b.name ? -1 : 1)) }
}
