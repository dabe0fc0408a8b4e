import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { StoredFilter, StoredGroup, StoredRow } from '@geartrain/server'
import { sharedPostgres } from '../support/postgres/shared-postgres.ts'
import { anything, entriesMax, keyOf, Ledger } from './reads-parts.ts'

const postgres = sharedPostgres()
const { skip } = postgres

/** Two attempts, of which the last one says that. */
const notes = (error: string) => `'[{"at":1,"error":"old"},{"at":2,"error":' || to_json((${error})::text) || '}]'`

/** All rows that a filter lets through, and how often the store was asked. */
async function collect(ledger: Ledger, part: Partial<StoredFilter>, isDescending = false, jobsMax = 1e6) {
  const rows: StoredRow[] = []
  let steps = 0
  for (let from: number | undefined = isDescending ? Number.MAX_SAFE_INTEGER : -1; from !== undefined; steps++) {
    const filter = { ...anything, ...part }
    const { jobs, next }: { jobs: readonly StoredRow[]; next: number | undefined } = await ledger.ask(
      { kind: 'scan', filter, isDescending, from, jobsMax },
      'scan',
    )
    rows.push(...jobs)
    from = next
  }
  return { rows, numbers: rows.map(({ number }) => number), steps }
}

async function counted(ledger: Ledger, part: Partial<StoredFilter>): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (let from: number | undefined = -1; from !== undefined; ) {
    const asked = { kind: 'count', filter: { ...anything, ...part }, isDescending: false, from } as const
    const answer: { functions: readonly { name: string; count: number }[]; next: number | undefined } =
      await ledger.ask(asked, 'count')
    for (const { name, count } of answer.functions) counts[name] = (counts[name] ?? 0) + count
    from = answer.next
  }
  return counts
}

function numbers(from: number, until: number, step = 1): number[] {
  return Array.from({ length: Math.floor((until - from) / step) + 1 }, (_, i) => from + i * step)
}

suite('scans of the ledger', { skip }, () => {
  test('go on page after page, either way', async () => {
    await using ledger = await Ledger.make(postgres)
    await ledger.put('jobs', 1, 7001, { function: "'f' || i % 2" })
    const all = numbers(1, 7001)
    assert.deepEqual((await collect(ledger, {})).numbers, all)
    assert.deepEqual((await collect(ledger, {}, true)).numbers, all.toReversed())
    assert.deepEqual((await collect(ledger, {}, true, 1999)).numbers, all.toReversed())
    assert.deepEqual((await collect(ledger, { submittedFrom: 1 }, false, 2000)).numbers, all)
    assert.deepEqual(await counted(ledger, {}), { f0: 3500, f1: 3501 })
    assert.deepEqual(await counted(ledger, { reason: 'failed' }), {})
  })

  test('a page that is full to the last row is followed by an empty one', async () => {
    await using ledger = await Ledger.make(postgres)
    await ledger.put('jobs', 1, 4000)
    assert.deepEqual((await collect(ledger, {})).numbers, numbers(1, 4000))
    assert.deepEqual(await counted(ledger, {}), { f: 4000 })
  })

  test('few jobs of a function are found without a look at all others', async () => {
    await using ledger = await Ledger.make(postgres)
    await ledger.put('jobs', 1, 30_000)
    const few = { function: "'few'", priority: 'i % 3', position: '(40000 - i) * (i % 2)', run_at: '(i + 1) % 2 * i' }
    await ledger.put('jobs', 30_001, 33_000, few)
    await ledger.count()
    for (const isDescending of [false, true]) {
      const sorted = (list: number[]) => (isDescending ? list.toReversed() : list)
      const found = async (state: StoredFilter['state'], name: string | undefined) =>
        (await collect(ledger, { state, function: name }, isDescending, 700)).numbers
      assert.deepEqual(await found('live', 'few'), sorted(numbers(30_001, 33_000)))
      assert.deepEqual(await found('ready', 'fe*'), sorted(numbers(30_001, 33_000, 2)))
      assert.deepEqual(await found('delayed', 'few'), sorted(numbers(30_002, 33_000, 2)))
      assert.deepEqual(await found('delayed', undefined), sorted(numbers(30_002, 33_000, 2)))
      assert.deepEqual(await found('delayed', 'f'), [])
    }
    const asked = { kind: 'list function', function: 'few', state: 'ready', after: 30_001, jobsMax: 1000 } as const
    const { jobs } = await ledger.ask(asked, 'list')
    assert.deepEqual(
      jobs.map(({ number }) => number),
      numbers(30_003, 32_001, 2),
    )
  })

  test('a listing of one function has all that were asked for, however far apart; its name is no pattern', async () => {
    await using ledger = await Ledger.make(postgres)
    await ledger.put('jobs', 1, 60_000, { function: "CASE WHEN i % 5 = 0 THEN 'fa' ELSE 'f*' END" })
    await ledger.count()
    const asked = { kind: 'list function', function: 'f*', state: 'ready', after: 2, jobsMax: 47_000 } as const
    const wanted = numbers(3, 60_000).filter((number) => number % 5 > 0)
    const { jobs } = await ledger.ask(asked, 'list')
    assert.deepEqual(
      jobs.map(({ number }) => number),
      wanted.slice(0, 47_000),
    )
    assert.deepEqual(Object.keys(jobs[0] ?? {}), ['number', 'function', 'unique', 'priority', 'runAt', 'attempts'])
    assert.equal((await ledger.ask({ ...asked, jobsMax: 48_000 }, 'list')).jobs.length, wanted.length)
  })

  test('where counts are wrong, or a unique has too many, all is looked at by number', async () => {
    await using ledger = await Ledger.make(postgres)
    const count = entriesMax + 5
    await ledger.put('jobs', 1, count)
    await ledger.put('jobs', count + 1, count + 2, { function: "'g'" })
    await ledger.count()
    await ledger.execute('UPDATE geartrain.counts SET ready = 1')
    assert.deepEqual((await collect(ledger, { function: 'f' })).numbers, numbers(1, count))
    assert.deepEqual((await collect(ledger, { function: 'g' })).numbers, [count + 1, count + 2])
    const names = { unique_name: "'u'", unique_key: keyOf('u') }
    await ledger.put('dead', 20_001, 20_000 + count, names)
    await ledger.put('dead', 40_001, 40_010, names)
    await ledger.put('dead', 50_001, 50_010)
    const wanted = [...numbers(20_001, 20_000 + count), ...numbers(40_001, 40_010)]
    assert.deepEqual((await collect(ledger, { state: 'dead', unique: 'u' })).numbers, wanted)
    assert.deepEqual((await collect(ledger, { state: 'dead', unique: 'u' }, true)).numbers, wanted.toReversed())
  })

  test('a unique is found in all functions, by index in each table', async () => {
    await using ledger = await Ledger.make(postgres)
    const names = { unique_name: "'\\xff'", unique_key: keyOf('\xff'), function: "'f' || i" }
    await ledger.put('jobs', 1, 3, names)
    await ledger.put('dead', 11, 13, names)
    await ledger.put('results', 21, 23, { ...names, keep_until: '23 - i' })
    const find = async (part: Partial<StoredFilter>) => (await collect(ledger, { unique: '\xff', ...part })).numbers
    assert.deepEqual(await find({}), [1, 2, 3])
    assert.deepEqual(await find({ state: 'dead' }), [11, 12, 13])
    assert.deepEqual(await find({ state: 'dead', function: 'f12' }), [12])
    assert.deepEqual(await find({ state: 'complete' }), [21, 22])
    assert.deepEqual(await find({ unique: 'other' }), [])
  })

  test('dead jobs of one function are not looked for among those of others', async () => {
    await using ledger = await Ledger.make(postgres)
    await ledger.put('dead', 1, 9000, { function: "'f' || i % 3" })
    const wanted = numbers(1, 9000, 3)
    assert.deepEqual((await collect(ledger, { state: 'dead', function: 'f1' }, false, 999)).numbers, wanted)
    assert.deepEqual((await collect(ledger, { state: 'dead', function: 'f1' }, true)).numbers, wanted.toReversed())
    assert.deepEqual(await counted(ledger, { state: 'dead', function: 'f1' }), { f1: 3000 })
    assert.deepEqual(await counted(ledger, { state: 'dead', function: 'f?' }), {})
  })

  test('a pattern stands for its `*` alone', async () => {
    await using ledger = await Ledger.make(postgres)
    const names = ['a%b', 'a_b', 'axb', 'a\\b', 'a', '\xe9b']
    for (const [index, name] of names.entries()) {
      await ledger.put('dead', index + 1, index + 1, { function: `'${name.replace('\xe9', '\u00e9')}'` })
    }
    const of = async (name: string) => (await collect(ledger, { state: 'dead', function: name })).numbers
    assert.deepEqual(await of('a*b'), [1, 2, 3, 4])
    assert.deepEqual(await of('a%*'), [1])
    assert.deepEqual(await of('a_*'), [2])
    assert.deepEqual(await of('a\\*'), [4])
    assert.deepEqual(await of('*'), [1, 2, 3, 4, 5, 6])
    assert.deepEqual(await of('\xe9*'), [6])
  })

  test('errors are those of the last attempt, in whatever letters', async () => {
    await using ledger = await Ledger.make(postgres)
    const failures = `CASE WHEN i % 3 = 0 THEN NULL WHEN i % 3 = 1 THEN ${notes("'Größe ' || i || E' ms\\nat'")} ELSE ${notes("'disk'")} END`
    await ledger.put('dead', 1, 1800, { failures, reason: "CASE WHEN i % 2 = 0 THEN 'failed' ELSE 'lost' END" })
    await ledger.execute(
      String.raw`UPDATE geartrain.dead SET failures = '[{"error":"\u0000 \ud800 \"error\":"}]' WHERE number = 2`,
    )
    const first = (await collect(ledger, { state: 'dead' })).rows.slice(0, 4)
    assert.deepEqual(
      first.map(({ error }) => error),
      ['Größe 1 ms\nat', '\0 \ud800 "error":', '', 'Größe 4 ms\nat'],
    )
    const found = async (part: Partial<StoredFilter>) =>
      (await collect(ledger, { state: 'dead', ...part }, true, 7)).numbers
    assert.deepEqual(await found({ error: 'GRÖSSE' }), [])
    assert.deepEqual(await found({ error: 'GRÖßE 1 ' }), [1])
    assert.deepEqual(await found({ error: 'old' }), [])
    assert.deepEqual(await found({ message: 'Größe # ms' }), numbers(1, 1800, 3).toReversed())
    assert.deepEqual(await found({ message: '' }), numbers(3, 1800, 3).toReversed())
    assert.deepEqual(await counted(ledger, { state: 'dead', message: 'disk' }), { f: 599 })
    const groups: StoredGroup[] = []
    for (let from: number | undefined = -1; from !== undefined; ) {
      const filter = { ...anything, state: 'dead' } as const
      const asked = { kind: 'group dead', filter, isDescending: false, from, groupsMax: 100 } as const
      const answer: { groups: readonly StoredGroup[]; next: number | undefined } = await ledger.ask(asked, 'group dead')
      groups.push(...answer.groups)
      from = answer.next
    }
    const sizes = new Map<string, number>()
    for (const { reason, message, count } of groups) {
      sizes.set(`${reason} ${message}`, (sizes.get(`${reason} ${message}`) ?? 0) + count)
    }
    assert.deepEqual(
      sizes,
      new Map([
        ['lost Größe # ms', 300],
        ['failed \0 \ud800 "error":', 1],
        ['lost ', 300],
        ['failed Größe # ms', 300],
        ['lost disk', 300],
        ['failed ', 300],
        ['failed disk', 299],
      ]),
    )
  })

  test('who has a job is told of those that wait', async () => {
    await using ledger = await Ledger.make(postgres)
    await ledger.put('jobs', 1, 2, { owner: 'i' })
    const { rows } = await collect(ledger, {})
    assert.deepEqual(
      rows.map(({ claimedBy }) => claimedBy),
      [1, 2],
    )
  })
})
