import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Store } from '@geartrain/server'
import { PostgresStore } from '../store/postgres-parts.ts'
import { PostgresPlace } from '../store/postgres-place.ts'
import { claimed, toBatch, type Wish } from '../store-suite/batch.ts'
import { eventually } from '../support/postgres/eventually.ts'
import { PostgresProcess } from '../support/postgres/postgres-process.ts'
import { sharedPostgres } from '../support/postgres/shared-postgres.ts'
import { CommitCutter } from './commit-cutter.ts'

const postgres = sharedPostgres()
const claim = { kind: 'claim', function: 'f', priority: 1, jobsMax: 1000, bytesMax: 1e9 } as const

/** A batch with something of everything. Job 1 is there before it, and has the unique u. */
const mixed: Wish = {
  add: [
    { number: 11 },
    { number: 12, unique: 'u' },
    { number: 13, unique: 'v', isClaimed: true },
    { number: 14, unique: 'v' },
    { number: 15, runAt: 5 },
  ],
  promoteUntil: 1,
  reserve: { from: 100, count: 10 },
  requests: [{ kind: 'find', number: 11 }, claim],
}

async function numbers(store: Store): Promise<number[]> {
  const { answers } = await store.commit(toBatch({ requests: [{ kind: 'list', after: 0, jobsMax: 1000 }] }))
  const [list] = answers
  return list?.kind === 'list' ? list.jobs.map(({ number }) => number) : []
}

async function claimNumbers(store: Store): Promise<number[]> {
  return claimed((await store.commit(toBatch({ requests: [claim] }))).answers[0]).map(({ number }) => number)
}

async function inPlace(body: (place: PostgresPlace) => Promise<void>): Promise<void> {
  const place = await PostgresPlace.make(postgres)
  try {
    await body(place)
  } finally {
    await place.remove()
  }
}

suite('a batch whose outcome nobody has heard', { skip: postgres.skip }, () => {
  for (const what of ['question', 'answer'] as const) {
    test(`is done once, and its result is told, when the ${what} of the commit was lost`, () =>
      inPlace(async (place) => {
        await using cutter = await CommitCutter.to((await postgres.process()).port)
        const store = place.makeStore({}, cutter.port)
        await store.open(0)
        await store.commit(toBatch({ add: [{ number: 1, unique: 'u' }] }))
        const cut = cutter.cut(what)
        await assert.rejects(store.commit(toBatch(mixed)), { code: /^POSTGRES_(CONNECTION_LOST|ECONNRESET)$/ })
        await cut
        const batches = await place.query<{ batch: string }>('SELECT batch FROM geartrain.servers ORDER BY id')
        assert.deepEqual(batches, [{ batch: what === 'answer' ? '2' : '1' }])

        const { shared, firstNumber, nextDueAt } = await store.open(0, Float64Array.of(13))
        const { resolved, lost } = shared ?? assert.fail()
        assert.deepEqual([...(resolved?.joined ?? [])].slice(0), [1, 1, 3, 13])
        assert.equal(resolved?.failure, undefined)
        assert.ok((resolved?.reserved ?? 0) >= 100)
        assert.ok(firstNumber >= (resolved?.reserved ?? 0) + 10)
        assert.equal(nextDueAt, 5)
        const [find, taken] = resolved?.answers ?? []
        assert.equal(find?.kind === 'find' && find.job?.number, 11)
        // What it claimed before is not its own any more, since nobody has heard of it; or it has claimed just now.
        assert.equal(taken?.kind === 'claim' && taken.count, what === 'answer' ? 0 : 2)
        assert.deepEqual([...lost], [])

        assert.deepEqual(await numbers(store), [1, 11, 13, 15])
        assert.deepEqual(await claimNumbers(store), what === 'answer' ? [1, 11] : [])
        assert.equal((await store.open(0)).shared?.resolved, undefined)
      }))
  }

  for (const what of ['question', 'answer'] as const) {
    test(`is found out once more if the store is lost again before it was told; the ${what} of the commit was lost`, () =>
      inPlace(async (place) => {
        await using cutter = await CommitCutter.to((await postgres.process()).port)
        const store = place.makeStore({}, cutter.port)
        await store.open(0)
        await store.commit(toBatch({ add: [{ number: 1, unique: 'u' }] }))
        const cut = cutter.cut(what)
        await assert.rejects(store.commit(toBatch(mixed)))
        await cut
        for (const statement of ['store first number', 'next sweep', 'lease insert']) {
          const cutAgain = cutter.cutAt(statement)
          await assert.rejects(store.open(0, Float64Array.of(13)), { code: /^POSTGRES_(CONNECTION_LOST|ECONNRESET)$/ })
          await cutAgain
        }
        const { shared } = await store.open(0, Float64Array.of(13))
        assert.deepEqual([...(shared?.resolved?.joined ?? [])], [1, 1, 3, 13])
        assert.deepEqual([...(shared?.lost ?? [-1])], [])
        assert.deepEqual(await numbers(store), [1, 11, 13, 15])
      }))
  }

  test('is not done later if it was for this server to do only as long as its lease lasts', () =>
    inPlace(async (place) => {
      await using cutter = await CommitCutter.to((await postgres.process()).port)
      const store = place.makeStore({}, cutter.port)
      await store.open(0)
      for (const [what, expected] of [
        ['question', []],
        ['answer', [1]],
      ] as const) {
        const cut = cutter.cut(what)
        await assert.rejects(store.commit({ ...toBatch({ add: [{ number: 1 }] }), isOfLease: true }))
        await cut
        const { shared } = await store.open(0)
        assert.equal(shared?.resolved !== undefined, what === 'answer')
        assert.deepEqual(await numbers(store), expected)
      }
    }))

  test('is not said to be kept when the commit no longer waits for a standby, but only when that has it', async () => {
    await using own = await PostgresProcess.start()
    const store = new PostgresStore(own.url(), { serverName: 'a' })
    await store.open(0)
    await store.commit(toBatch({ add: [{ number: 1 }] }))
    const wait = async (names: string) => {
      await own.query(`ALTER SYSTEM SET synchronous_standby_names = '${names}'`)
      await own.query('SELECT pg_reload_conf()')
    }
    await wait('nobody')
    await eventually('it waits for standbys', async () => {
      const [row] = await own.query<{ names: string }>(`SELECT current_setting('synchronous_standby_names') AS names`)
      return row?.names === 'nobody' || undefined
    })
    const commit = assert.rejects(store.commit(toBatch({ add: [{ number: 2 }] })), { code: 'POSTGRES_CONNECTION_LOST' })
    await eventually('a commit that waits is cancelled', async () => {
      const rows = await own.query(
        `SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND query = 'COMMIT'`,
      )
      return rows.length > 0 || undefined
    })
    await commit
    await wait('')
    const { shared } = await store.open(0)
    assert.equal(shared?.resolved?.failure, undefined)
    assert.notEqual(shared?.resolved, undefined)
    assert.deepEqual(await numbers(store), [1, 2])
    await store.close()
  })
})
