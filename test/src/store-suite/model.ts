import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Priority } from '@geartrain/engine'
import type { BatchResult, Store, StoreAnswer, StoredChange, StoreRequest, StoreState } from '@geartrain/server'
import fc from 'fast-check'
import { type Addition, claimed, toBatch, type Wish } from './batch.ts'
import type { Place } from './counter.ts'
import type { It } from './it.ts'
import { NaiveJobs } from './naive-jobs.ts'
import { tiers } from './parts.ts'
import { readable, sample } from './samples.ts'

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
    // What fails is made smaller until then, and said.
    await fc.assert(property, { numRuns: 30, interruptAfterTimeLimit: 100_000 })
  })
}

/** An addition, before it is known which numbers there are. */
interface AnyAddition extends Omit<Addition, 'number' | 'runAt' | 'expireAt' | 'isClaimed'> {
  readonly priority: Priority
  readonly function: string
  /** From now; 0 is ready. */
  readonly delayMs: number
  /** The same; 0 is never. */
  readonly expiryMs: number
  readonly isClaimed: boolean
  /** One that was added before comes again. */
  readonly again: number | undefined
}

/** What is said of a job, or of the time, is known when it is said. */
type AnyRequest =
  | Exclude<StoreRequest, { kind: 'find' | 'list' | 'list function' | 'list expired' | 'describe' | Scan['kind'] }>
  | { readonly kind: 'find' | 'list' | 'describe'; readonly which: number }
  | (Omit<Extract<StoreRequest, { kind: 'list function' }>, 'after'> & { readonly which: number })
  | { readonly kind: 'list expired'; readonly which: number | undefined; readonly jobsMax: number }

/** How far one goes in a request is the store's to say: scans.ts has them. */
type Scan = Extract<StoreRequest, { filter: object }>

interface AnyChange {
  readonly kind: StoredChange['kind']
  readonly which: number
  /** From now, or 0. */
  readonly times: readonly [number, number]
  readonly attempts: number
  readonly count: number
  readonly priority: Priority
  readonly text: string | undefined
  readonly document: string
}

type Step =
  | { readonly kind: 'reopen' | 'openAgain' }
  | {
      readonly kind: 'batch'
      /** Numbers of jobs by the order in which they came, from the last one back. */
      readonly forget: readonly number[]
      readonly cancel: readonly number[]
      readonly changes: readonly AnyChange[]
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
  then: fc.constantFrom('', '', 'g', '\xe9'),
  options: fc.constantFrom('', '', '', '{"attempts":"3"}'),
  trace: fc.constantFrom('', '', '', '00-1-2-01', '\xff'),
  delayMs: fc.constantFrom(0, 0, 0, 1, 2, 5),
  expiryMs: fc.constantFrom(0, 0, 0, 1, 3, 9),
  attempts: fc.constantFrom(0, 0, 0, 2),
  isClaimed: fc.boolean(),
  isThrottled: fc.boolean(),
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
  fc.record({ kind: fc.constantFrom('find' as const, 'list' as const, 'describe' as const), which }),
  fc.record({
    kind: fc.constant('list function' as const),
    function: name,
    state: fc.constantFrom('ready' as const, 'delayed' as const),
    which,
    jobsMax: fc.constantFrom(1, 3, 50),
  }),
  fc.record({
    kind: fc.constant('list expired' as const),
    which: fc.option(which, { nil: undefined }),
    jobsMax: fc.constantFrom(1, 3, 50),
  }),
  fc.record({
    kind: fc.constant('describe unique' as const),
    unique,
    function: fc.option(name, { nil: undefined }),
  }),
  fc.constant({ kind: 'count dead' } as const),
  fc.record({
    kind: fc.constant('history' as const),
    stepMs: fc.constantFrom(...tiers.map(({ stepMs }) => stepMs)),
    from: fc.constantFrom(0, 500_000),
    functions: fc.constantFrom(undefined, [], ['a', 'Größe']),
  }),
  fc.record({ kind: fc.constant('find unique' as const), unique }),
  fc.record({
    kind: fc.constant('find same' as const),
    function: name,
    unique,
    workload: workload.map((text) => Buffer.from(text)),
  }),
)

const time = fc.constantFrom(0, 0, 1, 2, 3, 10)

const change: fc.Arbitrary<AnyChange> = fc.record({
  kind: fc.constantFrom<StoredChange['kind'][]>(
    ...(['retry', 'retry', 'retry', 'bury', 'bury', 'keep', 'keep', 'keep', 'revive', 'revive'] as const),
    ...([
      'delete dead',
      'delete result',
      'prioritize',
      'prioritize',
      'hasten',
      'hasten',
      'document',
      'sweep',
      'history',
    ] as const),
  ),
  which: fc.oneof(fc.nat({ max: 20 }), which),
  times: fc.tuple(time, time),
  attempts: fc.constantFrom(0, 1, 2, 3, 4),
  count: fc.constantFrom(0, 1, 2, 5, 1000, 1000, 1000),
  priority,
  text: fc.option(workload, { nil: undefined }),
  document: fc.constantFrom('a', 'b', 'h\xff', 'Größe'),
})

const batch: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant('batch' as const),
  forget: fc.array(which, { maxLength: 50, size: 'max' }),
  cancel: fc.array(which, { maxLength: 5 }),
  changes: fc.array(change, { maxLength: 60, size: 'max' }),
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
        if (this.#place.isShared === true) return this.open()
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
    const numbers = this.#added.map(({ number }) => ({ kind: 'describe', number }) as const)
    await this.#compare({ requests: [{ kind: 'list', after: 0, jobsMax: 1e5 }, ...claims, ...numbers] })
  }

  async #compare(wish: Wish): Promise<void> {
    const expected = this.#naive.write(toBatch(wish))
    const answers = (wish.requests ?? []).map((each) => this.#naive.answer(each))
    assert.deepEqual(decoded(await this.#store.commit(toBatch(wish))), decoded({ ...expected, answers }))
  }

  #wish({ forget, cancel, changes, add, promotes, requests }: Extract<Step, { kind: 'batch' }>): Wish {
    this.#now++
    return {
      now: this.#now,
      forget: forget.map((each) => this.#numberOf(each)),
      cancel: cancel.map((each) => this.#numberOf(each)),
      changes: changes.map((each) => this.#change(each)),
      requests: requests.map((each) => this.#request(each)),
      add: this.#additions(add),
      ...(promotes ? { promoteUntil: this.#now } : {}),
    }
  }

  #additions(wanted: readonly AnyAddition[]): Addition[] {
    return wanted.map(({ again, delayMs, expiryMs, ...rest }) => {
      const before = again === undefined ? undefined : this.#added.at(-1 - again)
      if (before !== undefined) return before
      const number = this.#added.length + 1
      const [runAt, expireAt] = [this.#date(delayMs), this.#date(expiryMs)]
      const added = { ...rest, number, runAt, expireAt, isClaimed: rest.isClaimed && runAt === 0 }
      this.#added.push(added)
      return added
    })
  }

  #change({ kind, which: index, times, attempts, count, priority: to, text, document }: AnyChange): StoredChange {
    const number = this.#numberOf(index)
    const [first, second] = [this.#date(times[0]), this.#date(times[1])]
    const reason = index % 2 === 0 ? 'failed' : 'timeout'
    const failure = { at: this.#now, reason, worker: 'w', error: text ?? '' } as const
    const bytes = text === undefined ? undefined : new Uint8Array(Buffer.from(text))
    switch (kind) {
      case 'retry':
        return { kind, number, runAt: first, attempts, failure }
      case 'bury':
        return {
          kind,
          number,
          attempts,
          diedAt: this.#now - times[1],
          deadMax: count,
          keepUntil: this.#now + times[0],
          failure: text === undefined ? undefined : failure,
          reason: text === undefined ? 'expired' : reason,
        }
      case 'keep':
        return {
          kind,
          number,
          outcome: 'complete',
          data: bytes ?? new Uint8Array(0),
          endedAt: this.#now,
          numerator: attempts,
          denominator: count,
          keepUntil: first,
          uniqueUntil: second,
        }
      case 'revive':
        return { kind, number, workload: bytes }
      case 'delete dead':
      case 'delete result':
      case 'hasten':
      case 'discard':
        return { kind, number }
      case 'prioritize':
        return { kind, number, priority: to }
      case 'document':
        return { kind, document: { kind: `kind ${count}`, name: document, body: text } }
      case 'release':
        return { kind, numbers: Float64Array.of(number) }
      case 'sweep':
        return { kind, now: this.#now }
      case 'history': {
        const row = { done: attempts, failed: count, ready: index, waitMs: [attempts * 100, 3] }
        const at = 100_000 + index * 10_000
        return { kind, samples: [sample(at, row, { [document]: row })], functionsMax: 3 }
      }
    }
  }

  #request(each: AnyRequest): StoreRequest {
    switch (each.kind) {
      case 'find':
      case 'describe':
        return { kind: each.kind, number: this.#numberOf(each.which) }
      case 'list':
        return { kind: 'list', after: this.#numberOf(each.which), jobsMax: 10 }
      case 'list function': {
        const { which: index, ...rest } = each
        return { ...rest, after: this.#numberOf(index) }
      }
      case 'list expired': {
        const { kind, which: index, jobsMax } = each
        const after = index === undefined ? undefined : { expireAt: this.#now - 1, number: this.#numberOf(index) }
        return { kind, until: this.#now, after, jobsMax }
      }
      case 'claim':
      case 'oldest ready':
      case 'find unique':
      case 'find same':
      case 'describe unique':
      case 'count dead':
      case 'history':
        return each
    }
  }

  /** From now; 0 is none. */
  #date(ms: number): number {
    return ms === 0 ? 0 : this.#now + ms
  }

  #numberOf(index: number): number {
    return this.#added.at(-1 - index)?.number ?? 0
  }
}

function decoded({ answers, promoted, revived, ...rest }: BatchResult) {
  return { ...rest, promoted: toLines(promoted), revived: toLines(revived), answers: answers.map(toComparable) }
}

function toLines(counts: BatchResult['promoted']): string[] {
  return counts.map((each) => `${each.count} of ${each.function}, ${each.priority}`).toSorted()
}

function toComparable(answer: StoreAnswer) {
  if (answer.kind === 'claim') return claimed(answer)
  if (answer.kind === 'history') return answer.slices.map(readable)
  if (answer.kind !== 'count dead') return answer
  return answer.functions.toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

function sorted(state: StoreState) {
  const { functions, ...rest } = withoutShared(state)
  return { ...rest, functions: functions.toSorted((a, b) => (a.name < b.name ? -1 : 1)) }
}

/** What only a store says that others use as well is left out. */
function withoutShared({ firstNumber, functions, nextDueAt, nextExpiryAt, nextSweepAt, documents }: StoreState) {
  return { firstNumber, functions, nextDueAt, nextExpiryAt, nextSweepAt, documents }
}
