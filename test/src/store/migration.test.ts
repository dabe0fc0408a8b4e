import assert from 'node:assert/strict'
import { suite } from 'node:test'
import { SqliteStore, StoreSnapshot } from '@geartrain/server'
import { Counter } from '../store-suite/counter.ts'
import { readable, sample } from '../store-suite/samples.ts'
import { applicationId, migrations, openSqlite, schemaVersion, uniqueKey } from './parts.ts'
import { inPlace } from './place.ts'

const noBytes = new Uint8Array(0)

/** A file as version 1 has left it: three jobs that are ready, two that are delayed, most with a unique. */
function writeVersion1(path: string): void {
  const database = openSqlite(path)
  database.pragma('journal_mode = WAL')
  database.exec(migrations[0] ?? '')
  database.pragma(`application_id = ${applicationId}`)
  database.pragma('user_version = 1')
  database.exec(`INSERT INTO functions VALUES (1, 'f'), (2, x'ff')`)
  const insert = database.prepare('INSERT INTO jobs VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, ?)')
  insert.run(10, 1, 1, 1, 0, 'u', uniqueKey('u', noBytes), '', Buffer.from('first'))
  insert.run(11, 1, 1, 2, 0, '', null, 'sum', Buffer.alloc(10_000, 'x'))
  insert.run(12, 2, 0, 3, 0, '-', uniqueKey('-', Buffer.from('w')), '', Buffer.from('w'))
  insert.run(13, 1, 1, 0, 500, 'v', uniqueKey('v', noBytes), '', Buffer.from('later'))
  insert.run(14, 1, 2, 0, 400, '', null, '', Buffer.from('sooner'))
  database.exec(
    'INSERT INTO counts VALUES (1, 1, 2, 1), (1, 2, 0, 1), (2, 0, 1, 0); UPDATE numbers SET reserved_until = 99',
  )
  database.close()
}

/** The same of version 2: one that is ready, one that is delayed, one that is dead and one that is kept. */
function writeVersion2(path: string): void {
  const database = openSqlite(path)
  database.pragma('journal_mode = WAL')
  for (const step of migrations.slice(0, 2)) database.exec(step)
  database.pragma(`application_id = ${applicationId}`)
  database.pragma('user_version = 2')
  database.exec(`
    INSERT INTO functions VALUES (1, 'f');
    INSERT INTO jobs VALUES (10, 1, 1, 1, 0, '', NULL, 0, 'sum', x'77', 1000, 2000, 2, '[]', 'g');
    INSERT INTO jobs VALUES (11, 1, 1, 0, 500, '', NULL, 0, '', x'', 400, NULL, 0, NULL, '');
    INSERT INTO dead VALUES (8, 1, 1, '', NULL, '', 'g', 300, 350, 'failed', 3, 9000, NULL, x'78');
    INSERT INTO results VALUES (7, 1, 1, '', NULL, '', '', 200, 250, 'complete', 0, 1, 2, 9000, 0, 9000, NULL, x'79');
    INSERT INTO counts VALUES (1, 1, 1, 1, 1, 1);
    UPDATE numbers SET reserved_until = 99`)
  database.close()
}

/** The same of version 3: one that is ready, with a policy of its own, and a document. */
function writeVersion3(path: string): void {
  const database = openSqlite(path)
  database.pragma('journal_mode = WAL')
  for (const step of migrations.slice(0, 3)) database.exec(step)
  database.pragma(`application_id = ${applicationId}`)
  database.pragma('user_version = 3')
  database.exec(`
    INSERT INTO functions VALUES (1, 'f');
    INSERT INTO jobs VALUES
      (10, 1, 1, 1, 0, '', NULL, 0, '', x'77', 1000, NULL, 0, NULL, '', '{"attempts":"3"}', 'tr', 1500);
    INSERT INTO documents VALUES ('policy', 'f', '{}');
    INSERT INTO counts VALUES (1, 1, 1, 0, 0, 0);
    UPDATE numbers SET reserved_until = 99`)
  database.close()
}

suite('a store of version 3', () => {
  inPlace('has all that was in it when it was brought up to date, and a history from then on', async (place) => {
    writeVersion3(place.path)
    const store = await Counter.open(place)
    assert.deepEqual(store.state.functions, [{ name: 'f', ready: [0, 1, 0], delayed: 0, dead: 0 }])
    assert.deepEqual(store.state.documents, [{ kind: 'policy', name: 'f', body: '{}' }])
    const request = { kind: 'history', stepMs: 10_000, from: 0, functions: undefined } as const
    const slices = async () => {
      const [answer] = (await store.do({ requests: [request] })).answers
      return answer?.kind === 'history' ? answer.slices.map(readable) : undefined
    }
    assert.deepEqual(await slices(), [])
    const samples = [sample(20_000, { done: 1 })]
    await store.do({ changes: [{ kind: 'history', samples, functionsMax: 9 }] })
    await store.reopen()
    assert.deepEqual(await slices(), [{ at: 20_000, all: { done: 1 }, functions: {} }])
    const [job] = await store.claim()
    const { number, options, trace, readyAt } = job ?? {}
    assert.deepEqual(
      { number, options, trace, readyAt },
      { number: 10, options: '{"attempts":"3"}', trace: 'tr', readyAt: 1500 },
    )
  })
})

suite('a store of version 2', () => {
  inPlace('has all its jobs when it was brought up to date', async (place) => {
    writeVersion2(place.path)
    const store = await Counter.open(place)
    assert.deepEqual(store.state.functions, [{ name: 'f', ready: [0, 1, 0], delayed: 1, dead: 1 }])
    const revive = { kind: 'revive', number: 8, workload: undefined } as const
    await store.do({ now: 700, changes: [revive], promoteUntil: 600 })
    const names = { unique: '', options: '', trace: '' }
    const jobs = (await store.claim()).map(({ workload, ...job }) => ({ ...job, workload: String(workload) }))
    const rest = { priority: 1, runAt: 0 }
    assert.deepEqual(jobs, [
      {
        ...names,
        ...rest,
        number: 10,
        reducer: 'sum',
        then: 'g',
        expireAt: 2000,
        attempts: 2,
        readyAt: 1000,
        workload: 'w',
      },
      { ...names, ...rest, number: 8, reducer: '', then: 'g', expireAt: 0, attempts: 0, readyAt: 700, workload: 'x' },
      { ...names, ...rest, number: 11, reducer: '', then: '', expireAt: 0, attempts: 0, readyAt: 500, workload: '' },
    ])
    assert.deepEqual((await store.describe(7))?.result, new Uint8Array(Buffer.from('y')))
    const own = { options: '{"attempts":"3"}', trace: 'tr' }
    await store.add({ number: 100, ...own })
    await store.reopen()
    const { options, trace } = (await store.describe(100)) ?? {}
    assert.deepEqual({ options, trace }, own)
  })
})

suite('a store of version 1', () => {
  inPlace('has all its jobs when it was brought up to date', async (place) => {
    writeVersion1(place.path)
    const store = await Counter.open(place)
    const { firstNumber, functions, nextDueAt, nextExpiryAt, nextSweepAt, documents } = store.state
    assert.deepEqual(
      { firstNumber, functions, nextDueAt, nextExpiryAt, nextSweepAt, documents },
      {
        firstNumber: 99,
        functions: [
          { name: 'f', ready: [0, 2, 0], delayed: 2, dead: 0 },
          { name: '\xff', ready: [1, 0, 0], delayed: 0, dead: 0 },
        ],
        nextDueAt: 400,
        nextExpiryAt: Number.POSITIVE_INFINITY,
        nextSweepAt: Number.POSITIVE_INFINITY,
        documents: [],
      },
    )
    assert.deepEqual(
      await store.add(
        { number: 101, unique: 'u' },
        { number: 102, unique: 'v' },
        { number: 103, unique: '-', workload: 'w', function: '\xff' },
        { number: 104 },
      ),
      [
        [101, 10],
        [102, 13],
        [103, 12],
      ],
    )
    const seen = (await store.claim()).map(({ number, unique, reducer, then, workload, expireAt, attempts }) => {
      return [number, unique, reducer, then, workload.length, expireAt, attempts]
    })
    assert.deepEqual(seen, [
      [10, 'u', '', '', 5, 0, 0],
      [11, '', 'sum', '', 10_000, 0, 0],
      [104, '', '', '', 0, 0, 0],
    ])
    assert.equal((await store.describe(10))?.submittedAt, 0)
    const failure = { at: 1, reason: 'failed', worker: 'w', error: 'e' } as const
    const rest = { reason: 'failed', diedAt: 5, attempts: 1, failure, keepUntil: 9, deadMax: 9 } as const
    await store.do({
      changes: [
        { kind: 'retry', number: 10, runAt: 0, attempts: 1, failure },
        { kind: 'bury', number: 11, ...rest },
        { kind: 'prioritize', number: 14, priority: 1 },
      ],
      promoteUntil: 500,
    })
    assert.deepEqual(await store.claimNumbers(), [14, 13])
    assert.deepEqual((await store.describe(10))?.failures, [failure])
    await store.reopen()
    assert.deepEqual(await store.deadNumbers(), [11])
    assert.deepEqual(await store.numbers(), [10, 12, 13, 14, 104])
  })

  inPlace('is read by no command before, and says its version after', async ({ path }) => {
    writeVersion1(path)
    assert.throws(() => new StoreSnapshot(path), { code: 'STORE_TOO_OLD' })
    const store = new SqliteStore(path)
    await store.open(1)
    await store.close()
    using snapshot = new StoreSnapshot(path)
    assert.equal(snapshot.stats().schemaVersion, schemaVersion)
    assert.deepEqual(
      Array.from(snapshot.jobs(), ({ number, then, expireAt, attempts }) => [number, then, expireAt, attempts]),
      [10, 11, 12, 13, 14].map((number) => [number, '', 0, 0]),
    )
  })
})
