import assert from 'node:assert/strict'
import type { StoreAnswer, StoredChange, StoredFilter, StoredGroup, StoredScan, StoreRequest } from '@geartrain/server'
import { toBatch, type Wish } from './batch.ts'
import type { Counter } from './counter.ts'
import type { It } from './it.ts'
import { NaiveJobs } from './naive-jobs.ts'
import { anyJob } from './parts.ts'

type Kind = 'scan' | 'count' | 'group dead'

/** Jobs of every kind, in two batches: what the second one does is done to those of the first. */
function someJobs(count: number): Wish[] {
  const numbers = Array.from({ length: count }, (_, i) => i + 1)
  return [
    {
      now: 1000,
      add: numbers.map((number) => ({
        number,
        function: number % 7 === 0 ? 'mail.a' : number % 5 === 0 ? 'mail.b' : number % 11 === 0 ? 'h\xe9' : 'f',
        priority: ([0, 1, 2] as const)[number % 3] ?? 1,
        runAt: number % 4 === 0 ? 9000 + number : 0,
        unique: number % 10 === 0 ? `u${number}` : '',
      })),
    },
    { changes: numbers.flatMap(changeOf) },
    {
      now: 2000,
      add: [
        { number: count + 1, function: 'f' },
        { number: count + 2, function: 'g', unique: '-', workload: 'x' },
      ],
    },
  ]
}

function changeOf(number: number): StoredChange[] {
  const error = `Timeout after ${number} ms\nat ${number}`
  const failure = { at: 5, reason: 'exception', worker: 'w', error } as const
  if (number % 6 === 1) {
    const isExpired = number % 12 === 7
    const why = isExpired ? ({ reason: 'expired', failure: undefined } as const) : { reason: failure.reason, failure }
    return [{ kind: 'bury', number, ...why, diedAt: number, attempts: 1, keepUntil: 1e9, deadMax: 1e6 }]
  }
  if (number % 6 === 2) {
    const end = { outcome: 'complete', data: Buffer.from('x'), numerator: 0, denominator: 0 } as const
    return [{ kind: 'keep', number, ...end, endedAt: number, keepUntil: 1e9, uniqueUntil: 0 }]
  }
  if (number % 6 === 3) return [{ kind: 'retry', number, runAt: number % 9 === 0 ? 9000 : 0, attempts: 1, failure }]
  return []
}

const anything: StoredFilter = { ...anyJob, state: 'live' }

const filters: readonly Partial<StoredFilter>[] = [
  {},
  ...(['ready', 'delayed', 'dead', 'complete', 'failed'] as const).flatMap((state) => [
    { state },
    { state, function: 'f' },
    { state, function: 'mail.*' },
    { state, function: 'h\xe9', priority: 1 as const },
    { state, priority: 0 as const, submittedUntil: 1500 },
  ]),
  { function: 'f' },
  { function: 'mail.b' },
  { function: 'nobody' },
  { function: '*', priority: 2 },
  { unique: 'u20' },
  { unique: 'u20', function: 'f' },
  { unique: '-' },
  { unique: 'u7', state: 'dead' },
  { state: 'dead', unique: 'u30' },
  { submittedFrom: 1001 },
  { submittedUntil: 999 },
  { error: 'TIMEOUT AFTER 9 ms' },
  { error: 'no such' },
  { message: 'Timeout after # ms' },
  { state: 'dead', message: 'Timeout after # ms', function: 'f' },
  { state: 'dead', message: '' },
  { state: 'dead', reason: 'expired' },
  { state: 'live', reason: 'expired' },
]

export function scans(it: It): void {
  it('find what a filter lets through, either way, however many at a time', async (store) => {
    const naive = await fill(store, 120)
    for (const part of filters) {
      const filter = { ...anything, ...part }
      for (const isDescending of [false, true]) {
        const from = isDescending ? Number.MAX_SAFE_INTEGER : -1
        const scan = { filter, isDescending, from }
        const expected = naive.answer({ kind: 'scan', ...scan, jobsMax: 1e6 })
        for (const jobsMax of [1, 7, 1e6]) {
          const found = await collect(store, 'scan', { ...scan, jobsMax })
          const rows = found.flatMap((answer) => answer.jobs)
          assert.deepEqual(rows, expected.kind === 'scan' ? expected.jobs : [], JSON.stringify([part, isDescending]))
        }
      }
    }
  })

  it('begin behind a number', async (store) => {
    await fill(store, 60)
    const numbers = async (scan: StoredScan) =>
      (await collect(store, 'scan', { ...scan, jobsMax: 5 })).flatMap(({ jobs }) => jobs).map(({ number }) => number)
    const filter = { ...anything, state: 'dead' } as const
    assert.deepEqual(await numbers({ filter, isDescending: false, from: 43 }), [49, 55])
    assert.deepEqual(await numbers({ filter, isDescending: true, from: 13 }), [7, 1])
  })

  it('count by function', async (store) => {
    const naive = await fill(store, 120)
    for (const part of filters) {
      const scan = { filter: { ...anything, ...part }, isDescending: false, from: -1 }
      const counts = new Map<string, number>()
      for (const { functions } of await collect(store, 'count', scan)) {
        for (const { name, count } of functions) counts.set(name, (counts.get(name) ?? 0) + count)
      }
      const expected = naive.answer({ kind: 'count', ...scan })
      const wanted = expected.kind === 'count' ? expected.functions : []
      assert.deepEqual(counts, new Map(wanted.map(({ name, count }) => [name, count])), JSON.stringify(part))
    }
  })

  it('group dead jobs by function, reason and message', async (store) => {
    const naive = await fill(store, 120)
    const scan = { filter: { ...anything, state: 'dead' as const }, isDescending: true, from: Number.MAX_SAFE_INTEGER }
    const sort = (groups: readonly { function: string; reason: string }[]) =>
      groups.toSorted((a, b) => (`${a.function} ${a.reason}` < `${b.function} ${b.reason}` ? -1 : 1))
    const groups = mergeGroups(await collect(store, 'group dead', { ...scan, groupsMax: 100 }))
    const expected = naive.answer({ kind: 'group dead', ...scan, groupsMax: 100 })
    assert.deepEqual(sort(groups), sort(expected.kind === 'group dead' ? expected.groups : []))
    assert.deepEqual(
      groups.find((group) => group.function === 'f' && group.reason === 'exception'),
      {
        function: 'f',
        reason: 'exception',
        message: 'Timeout after # ms',
        count: 7,
        firstAt: 1,
        lastAt: 109,
        number: 109,
      },
    )
  })

  it('tell since when the first in line could have been begun', async (store) => {
    await store.do({
      now: 50,
      add: [
        { number: 1, runAt: 60 },
        { number: 2, isClaimed: true },
        { number: 9, function: 'g' },
      ],
    })
    await store.do({ now: 70, promoteUntil: 65, add: [{ number: 3, priority: 0 }] })
    const oldest = async (...functions: string[]) => {
      const [answer] = (await store.do({ requests: [{ kind: 'oldest ready', functions }] })).answers
      return answer?.kind === 'oldest ready' ? answer.readyAt : []
    }
    assert.deepEqual(await oldest('f', 'nobody', 'g'), [60, 0, 50])
    await store.claim()
    assert.deepEqual(await oldest('f'), [70])
    await store.claim({ priority: 0 })
    assert.deepEqual(await oldest('f'), [0])
  })

  it('a result is deleted; a unique that is joined stays so', async (store) => {
    const end = { outcome: 'complete', data: Buffer.from('x'), numerator: 0, denominator: 0, endedAt: 7 } as const
    await store.add({ number: 1, unique: 'u' }, { number: 2 }, { number: 3 })
    await store.do({
      changes: [
        { kind: 'keep', number: 1, ...end, keepUntil: 1e15, uniqueUntil: 1e15 },
        { kind: 'keep', number: 2, ...end, keepUntil: 1e15, uniqueUntil: 0 },
      ],
    })
    const changes = [1, 2, 2, 3, 4].map((number) => ({ kind: 'delete result', number }) as const)
    assert.deepEqual((await store.do({ changes })).changed, ['done', 'done', 'not found', 'not found', 'not found'])
    assert.equal((await store.describe(1))?.result, undefined)
    assert.equal(await store.describe(2), undefined)
    const { throttled } = await store.do({ add: [{ number: 9, unique: 'u', isThrottled: true }] })
    assert.deepEqual([...throttled], [0, 1])
  })
}

/** A store may stop anywhere, and go on with the same groups. */
function mergeGroups(answers: readonly Extract<StoreAnswer, { kind: 'group dead' }>[]): StoredGroup[] {
  const groups = new Map<string, StoredGroup>()
  for (const group of answers.flatMap((answer) => answer.groups)) {
    const key = JSON.stringify([group.function, group.reason, group.message])
    const { count = 0, firstAt = group.firstAt, lastAt = group.lastAt, number = 0 } = groups.get(key) ?? {}
    groups.set(key, {
      ...group,
      count: count + group.count,
      firstAt: Math.min(firstAt, group.firstAt),
      lastAt: Math.max(lastAt, group.lastAt),
      number: Math.max(number, group.number),
    })
  }
  return [...groups.values()]
}

async function fill(store: Counter, count: number): Promise<NaiveJobs> {
  const naive = new NaiveJobs()
  for (const wish of someJobs(count)) {
    await store.do(wish)
    naive.write(toBatch(wish))
  }
  return naive
}

/** All answers, to the end. */
async function collect<Asked extends Kind>(
  store: Counter,
  kind: Asked,
  request: Omit<Extract<StoreRequest, { kind: Asked }>, 'kind'>,
): Promise<Extract<StoreAnswer, { kind: Asked }>[]> {
  const answers: Extract<StoreAnswer, { kind: Asked }>[] = []
  for (let from: number | undefined = request.from; from !== undefined; ) {
    // It is a request of that kind.
    const asked = { ...request, kind, from } as StoreRequest
    const [answer]: StoreAnswer[] = [...(await store.do({ requests: [asked] })).answers]
    assert.equal(answer?.kind, kind)
    assert.ok(answer !== undefined && 'next' in answer)
    from = answer.next
    answers.push(answer as Extract<StoreAnswer, { kind: Asked }>)
  }
  return answers
}
