import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Store } from '@geartrain/server'
import { PostgresStore } from '../store/postgres-parts.ts'
import { PostgresPlace } from '../store/postgres-place.ts'
import { claimed, toBatch, type Wish } from '../store-suite/batch.ts'
import { eventually } from '../support/postgres/eventually.ts'
import { PostgresProcess } from '../support/postgres/postgres-process.ts'
import { sharedPostgres } from '../support/postgres/shared-postgres.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'

const postgres = sharedPostgres()
const claim = { kind: 'claim', function: 'f', priority: 1, jobsMax: 1000, bytesMax: 1e9 } as const

async function claimNumbers(store: Store, jobsMax = 1000): Promise<number[]> {
  const { answers } = await store.commit(toBatch({ requests: [{ ...claim, jobsMax }] }))
  return claimed(answers[0]).map(({ number }) => number)
}

async function perform(store: Store, wish: Wish): Promise<void> {
  const { failure } = await store.commit(toBatch(wish))
  assert.equal(failure, undefined)
}

async function inPlace(body: (place: PostgresPlace) => Promise<void>): Promise<void> {
  const place = await PostgresPlace.make(postgres)
  try {
    await body(place)
  } finally {
    await place.remove()
  }
}

suite('a store on PostgreSQL that several servers have', { skip: postgres.skip }, () => {
  test('what one has claimed is no other one’s, until it closes', () =>
    inPlace(async (place) => {
      const [one, other] = [place.makeStore(), place.makeStore()]
      await one.open(0)
      await other.open(0)
      await perform(one, { add: [{ number: 1 }, { number: 2 }, { number: 3 }, { number: 4, isClaimed: true }] })
      assert.deepEqual(await claimNumbers(one, 1), [1])
      assert.deepEqual(await claimNumbers(other, 1), [2])
      // What the other one has is left alone.
      await perform(one, { forget: [2, 3] })
      assert.deepEqual(await claimNumbers(other), [])
      await one.close()
      await other.open(0, Float64Array.of(2))
      assert.deepEqual(await claimNumbers(other), [1, 4])
    }))

  test('when it is opened anew, a server keeps what it holds and nobody else has taken', () =>
    inPlace(async (place) => {
      const [one, other] = [place.makeStore(), place.makeStore()]
      await one.open(0)
      await other.open(0)
      await perform(one, { add: [1, 2, 3, 4].map((number) => ({ number, isClaimed: true })) })
      // As the others do when a lease is over.
      await place.query(`UPDATE geartrain.servers SET ended = true WHERE name = 'server 1'`)
      await other.open(0)
      assert.deepEqual(await claimNumbers(other, 1), [1])
      await assert.rejects(one.commit(toBatch({ forget: [1, 2] })), { code: 'LEASE_LOST' })
      const { shared } = await one.open(0, Float64Array.of(1, 2, 3, 5))
      assert.deepEqual([...(shared?.lost ?? [])], [1, 2, 5])
      assert.deepEqual([...(shared?.resolved?.joined ?? [-1])], [])
      // 2 was its own when the batch was done once more, 1 another's; 4 is nobody's.
      assert.deepEqual(await claimNumbers(other), [4])
      await perform(one, { forget: [3] })
      assert.deepEqual(
        (await place.query<{ number: string }>('SELECT number FROM geartrain.jobs ORDER BY 1')).map(
          (row) => row.number,
        ),
        ['1', '4'],
      )
    }))

  test('a lease that is over before the store is open does not count as open', async () => {
    const place = await PostgresPlace.make(postgres)
    const one = place.makeStore()
    await one.open(1)
    await place.query(`
      CREATE FUNCTION public.too_late() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN NEW.ended = true; RETURN NEW; END $$;
      CREATE TRIGGER too_late BEFORE INSERT ON geartrain.servers FOR EACH ROW EXECUTE FUNCTION public.too_late()`)
    const two = place.makeStore()
    await assert.rejects(two.open(1), { code: 'LEASE_LOST' })
    await place.query('DROP TRIGGER too_late ON geartrain.servers')
    await two.open(1)
    await place.remove()
  })

  test('what another one has had since is not finished by one that has lost its lease, even if that other one is gone', () =>
    inPlace(async (place) => {
      const [one, other, third] = [place.makeStore(), place.makeStore(), place.makeStore()]
      await one.open(0)
      await other.open(0)
      await perform(one, { add: [1, 2, 3].map((number) => ({ number, isClaimed: true })) })
      await place.query(`UPDATE geartrain.servers SET ended = true WHERE name = 'server 1'`)
      await third.open(0)
      assert.deepEqual(await claimNumbers(third, 2), [1, 2])
      const failure = { at: 1, reason: 'failed', worker: '', error: '' } as const
      const changes = [{ kind: 'retry', number: 2, runAt: 0, attempts: 1, failure }] as const
      await assert.rejects(one.commit(toBatch({ forget: [1, 3], changes })), { code: 'LEASE_LOST' })
      await third.close()
      const { shared } = await one.open(0, Float64Array.of(1, 2))
      assert.deepEqual([...(shared?.lost ?? [])], [1, 2])
      assert.deepEqual(shared?.resolved?.changed, ['not found'])
      // By now it knows that they are anybody's.
      await other.open(0)
      assert.deepEqual(await claimNumbers(other), [1, 2])
    }))

  test('goes on at the standby that was promoted, and never at one that is in recovery', async () => {
    await using primary = await PostgresProcess.start()
    await using standby = await primary.addStandby({ name: 'second', synchronous: true })
    const url = `postgres://postgres@127.0.0.1:${primary.port},127.0.0.1:${standby.port}/postgres`
    const store = new PostgresStore(url, { serverName: 'a' })
    await store.open(0)
    await perform(store, { add: [{ number: 1, isClaimed: true }, { number: 2 }] })
    await primary.kill()
    await assert.rejects(store.commit(toBatch({ add: [{ number: 3 }] })))
    await assert.rejects(store.open(0), { code: 'POSTGRES_NOT_PRIMARY', message: /a standby, in recovery/ })
    await standby.promote()
    const { shared } = await store.open(0, Float64Array.of(1))
    assert.equal(shared?.resolved?.failure, undefined)
    assert.deepEqual([...(shared?.lost ?? [-1])], [])
    assert.deepEqual(await claimNumbers(store), [2, 3])
    await store.close()
  })

  test('a database that is gone without a word is given up when the patience is over, and not later', async () => {
    const shared = await postgres.process()
    const { name } = await postgres.createDatabase()
    await using proxy = await TcpProxy.to(shared.port)
    const store = new PostgresStore(shared.url(name, proxy.port), { leaseMs: 2000 })
    await store.open(0)
    await eventually('it is heard of on both of its connections', async () => {
      const sql = "SELECT FROM pg_stat_activity WHERE datname = $1 AND query LIKE '%geartrain.inbox%'"
      return (await shared.query(sql, [name])).length > 0 || undefined
    })
    proxy.cut()
    // What was on its way has come.
    await shared.query('SELECT 1')
    await assert.rejects(perform(store, { add: [{ number: 1 }] }), {
      code: 'POSTGRES_CONNECTION_LOST',
      message: /has not answered for 2000 ms/,
    })
    proxy.reset()
    await store.close()
  })

  test('however often it is opened anew, it leaves nothing behind', () =>
    inPlace(async (place) => {
      const store = place.makeStore({ leaseMs: 4000 })
      const count = async (rows: string) => (await place.query(`SELECT FROM ${rows}`)).length
      for (let number = 1; number <= 60; number++) {
        await store.open(0, Float64Array.of(number - 1))
        await perform(store, { add: [{ number, isClaimed: true }], forget: [number - 1] })
      }
      const connections =
        "pg_stat_activity WHERE datname = current_database() AND application_name = 'geartrain server 1'"
      await eventually('it has one connection, and one for heartbeats', async () => {
        return (await count(connections)) === 2 || undefined
      })
      assert.ok((await count('geartrain.servers')) > 50)
      const inUse = 'NOT ended OR NOT cleared OR lease_until > now() OR id IN (SELECT server_id FROM geartrain.counts)'
      await eventually('the others are over, and nothing refers to them', async () => {
        return (await count(`geartrain.servers WHERE ${inUse}`)) === 1 || undefined
      })
      await store.open(0)
      assert.equal(await count('geartrain.servers'), 2)
      assert.deepEqual(await claimNumbers(store), [60])
    }))

  test('says so when its connection is lost while nothing is asked of it', () =>
    inPlace(async (place) => {
      const store = place.makeStore()
      const broken = new Promise<string>((resolve) => {
        store.cluster.serve({
          onReady() {},
          onCounts() {},
          onNumber() {},
          onDocuments() {},
          onCancelled() {},
          onServers() {},
          onClock() {},
          onLead() {},
          onShares() {},
          onLeaseOver() {},
          onBroken: resolve,
        })
      })
      await store.open(0)
      await perform(store, { add: [{ number: 1 }] })
      await place.query(
        'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()',
      )
      assert.equal(await broken, 'POSTGRES_57P01')
      await store.open(0)
      assert.deepEqual(await claimNumbers(store), [1])
    }))

  test('a database that became read-only is a failure, and what is asked for is answered', () =>
    inPlace(async (place) => {
      const store = place.makeStore()
      await store.open(0)
      await perform(store, { add: [{ number: 1 }] })
      await place.query(`CREATE FUNCTION geartrain.refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION USING ERRCODE = '25006', MESSAGE = 'read-only'; END $$;
        CREATE TRIGGER refuse BEFORE INSERT ON geartrain.jobs EXECUTE FUNCTION geartrain.refuse()`)
      const { failure, answers } = await store.commit(
        toBatch({ add: [{ number: 2 }], requests: [{ kind: 'find', number: 1 }, claim] }),
      )
      assert.deepEqual([failure?.code, failure?.isBroken], ['POSTGRES_25006', true])
      const [find, taken] = answers
      assert.equal(find?.kind === 'find' && find.job?.number, 1)
      assert.deepEqual(
        claimed(taken).map(({ number }) => number),
        [1],
      )
    }))

  test('never says its password', async () => {
    const said: unknown[] = []
    const write = (...words: unknown[]) => said.push(...words)
    const log = { debug: write, info: write, warn: write, error: write }
    const { port } = await postgres.process()
    const urls = [
      `postgres://postgres:secret@127.0.0.1:${port}/nowhere`,
      'postgres://u:secret@127.0.0.1:1/x',
      'postgres://u:secret@127.0.0.1:1,127.0.0.1:2/x?password=secret',
      'postgres://u:secret@127.0.0.1:x/x',
      'postgres://u:secret/@127.0.0.1/x',
    ]
    for (const url of urls) {
      const store = new PostgresStore(url, { log })
      said.push(store.name)
      await assert.rejects(store.open(0), (error) => {
        assert.ok(error instanceof Error)
        return said.push(error.message, error.stack, error.cause) > 0
      })
      await assert.rejects(store.commit(toBatch({})), { code: 'STORE_NOT_OPEN' })
      await store.close()
    }
    for (const each of said)
      assert.doesNotMatch(each instanceof Error ? `${each.stack}` : JSON.stringify(each ?? ''), /secret/)
    assert.ok(said.length > 10)
  })
})
