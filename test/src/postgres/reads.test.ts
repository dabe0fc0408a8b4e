import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { readable, sample } from '../store-suite/samples.ts'
import { sharedPostgres } from '../support/postgres/shared-postgres.ts'
import { Documents, HistorySteps, keyOf, Ledger, readState, serverId } from './reads-parts.ts'

const postgres = sharedPostgres()
const { skip } = postgres
const functionsMax = 10

/** What a part of a batch is given. */
function transactionOn(link: Ledger['connection']) {
  return {
    link,
    commit: () => {},
    serverId,
    ended: [],
    former: [],
    now: 0,
    ready: new Map(),
    areOthersCancelled: false,
    areDocumentsChanged: false,
  }
}

suite('reading the ledger', { skip }, () => {
  test('a job says which other server has it, as long as that lives', async () => {
    await using ledger = await Ledger.make(postgres)
    const owners = [0, 3, -3, 4, serverId]
    await ledger.put('jobs', 1, 5, {
      owner: `(ARRAY[${owners.join(', ')}])[i]`,
      unique_name: "convert_to('u' || i, 'UTF8')",
      expire_at: '10 + i',
    })
    await ledger.execute(`UPDATE geartrain.jobs SET unique_key = ${keyOf('u2')} WHERE number = 2`)
    await ledger.count()
    const claimedBy = async (number: number) =>
      (await ledger.ask({ kind: 'find', number }, 'find', [4])).job?.claimedBy ?? 0
    assert.deepEqual(await Promise.all([1, 2, 3, 4, 5].map(claimedBy)), [0, 3, 0, 0, 0])
    const { job } = await ledger.ask({ kind: 'find unique', unique: 'u2' }, 'find')
    assert.deepEqual([job?.number, job?.claimedBy], [2, 3])
    const list = { kind: 'list function', function: 'f', state: 'ready', after: 0, jobsMax: 9 } as const
    const expired = { kind: 'list expired', until: 99, after: undefined, jobsMax: 9 } as const
    for (const { jobs } of [await ledger.ask(list, 'list', [4]), await ledger.ask(expired, 'list expired', [4])]) {
      assert.deepEqual(
        jobs.map((each) => each.claimedBy ?? 0),
        [0, 3, 0, 0, 0],
      )
    }
    assert.ok(!('claimedBy' in ((await ledger.ask({ kind: 'find', number: 1 }, 'find')).job ?? {})))
  })

  test('the oldest that is ready is not one that a server has which lives', async () => {
    await using ledger = await Ledger.make(postgres)
    await ledger.put('jobs', 1, 4, { owner: '(ARRAY[3, 4, -3, 0])[i]', submitted_at: 'i * 10' })
    await ledger.put('jobs', 5, 5, { priority: '2', submitted_at: '25' })
    await ledger.put('jobs', 6, 6, { function: "'g'", position: '0', run_at: '9' })
    await ledger.put('jobs', 7, 7, { function: "'h'", submitted_at: '0' })
    const oldest = async (...ended: number[]) =>
      (await ledger.ask({ kind: 'oldest ready', functions: ['g', 'f', 'no', 'h', 'f'] }, 'oldest ready', ended)).readyAt
    assert.deepEqual(await oldest(), [0, 25, 0, 0, 25])
    assert.deepEqual(await oldest(9, 4), [0, 20, 0, 0, 20])
    assert.deepEqual(await oldest(3, 4), [0, 10, 0, 0, 10])
    await ledger.execute('UPDATE geartrain.jobs SET ready_at = 5 WHERE number = 3')
    assert.deepEqual(await oldest(), [0, 5, 0, 0, 5])
  })

  test('counts are the sums over all servers, and none is below 0', async () => {
    await using ledger = await Ledger.make(postgres)
    await ledger.put('jobs', 1, 1)
    await ledger.put('dead', 2, 2, { keep_until: '70' })
    await ledger.put('results', 3, 3, { sweep_at: '60' })
    await ledger.put('jobs', 4, 4, { function: "'g'", position: '0', run_at: '50', expire_at: '40' })
    await ledger.execute(`
      INSERT INTO geartrain.counts (server_id, function_id, priority, ready, delayed, dead)
      SELECT server, id, priority, ready, delayed, dead FROM geartrain.functions
      JOIN (VALUES ('f', 1, 1, 5, 0, 3), ('f', 2, 1, -3, 0, -1), ('f', 2, 0, -1, 2, 0), ('g', 1, 2, 4, 0, -1), ('g', 2, 2, -4, 0, 0))
        AS counted (of, server, priority, ready, delayed, dead) ON name = convert_to(of, 'UTF8')`)
    assert.deepEqual(await readState(ledger.connection), {
      functions: [{ name: 'f', ready: [0, 2, 0], delayed: 2, dead: 2 }],
      nextDueAt: 50,
      nextExpiryAt: 40,
      nextSweepAt: 60,
      documents: [],
    })
    const { functions } = await ledger.ask({ kind: 'count dead' }, 'count dead')
    assert.deepEqual(functions, [{ name: 'f', count: 2 }])
  })

  test('a request that fails is alone with it', async () => {
    await using ledger = await Ledger.make(postgres)
    await ledger.put('jobs', 1, 1)
    await ledger.execute('ALTER TABLE geartrain.dead RENAME TO gone')
    const answers = await Promise.all([
      ledger.answer({ kind: 'find', number: 1 }),
      ledger.answer({ kind: 'describe', number: 1 }),
      ledger.answer({ kind: 'list', after: 0, jobsMax: 1 }),
    ])
    assert.deepEqual(
      answers.map(({ kind }) => kind),
      ['find', 'failed', 'list'],
    )
    assert.ok(answers[1]?.kind === 'failed')
    assert.equal(answers[1].failure.code, 'POSTGRES_42P01')
  })

  test('two servers that add to the same steps lose nothing', async () => {
    await using ledger = await Ledger.make(postgres)
    const steps = new HistorySteps()
    const connections = [ledger.connection, await ledger.anotherConnection(), await ledger.anotherConnection()]
    const rounds = 20
    await Promise.all(
      connections.map(async (connection, index) => {
        for (let round = 0; round < rounds; round++) {
          const samples = [sample(100_000, { done: 1 }, { [`f${index}`]: { done: 1 } })]
          await connection.transact((link) =>
            steps.add({ ...transactionOn(connection), link }, { kind: 'history', samples, functionsMax }),
          )
        }
      }),
    )
    const { slices } = await ledger.ask({ kind: 'history', stepMs: 10_000, from: 0, functions: undefined }, 'history')
    assert.deepEqual(slices.map(readable), [
      {
        at: 100_000,
        all: { done: 3 * rounds },
        functions: { f0: { done: rounds }, f1: { done: rounds }, f2: { done: rounds } },
      },
    ])
  })

  test('of a document that is removed a row stays, and nobody reads it', async () => {
    await using ledger = await Ledger.make(postgres)
    const documents = new Documents()
    const tx = transactionOn(ledger.connection)
    const rest = { kind: 'policy', name: 'größe \u{1f682}' }
    assert.equal(await documents.change(tx, { ...rest, body: undefined }), false)
    assert.equal(tx.areDocumentsChanged, false)
    assert.equal(await documents.change(tx, { ...rest, body: '{}' }), true)
    assert.equal(tx.areDocumentsChanged, true)
    assert.deepEqual(await documents.all(ledger.connection), [{ ...rest, body: '{}' }])
    const row = async () => {
      const text = 'SELECT body, version, server_id FROM geartrain.documents'
      const { rows } = await ledger.connection.run<[string | null, number, number]>({ name: '', text })
      return rows[0] ?? [undefined, 0, 0]
    }
    const [, before] = await row()
    assert.equal(await documents.change(tx, { ...rest, body: undefined }), true)
    assert.equal(await documents.change(tx, { ...rest, body: undefined }), false)
    assert.deepEqual(await documents.all(ledger.connection), [])
    const [body, version, by] = await row()
    assert.deepEqual([body, by, version > before], [null, serverId, true])
    assert.equal(await documents.change(tx, { ...rest, body: '[]' }), true)
    assert.deepEqual((await readState(ledger.connection)).documents, [{ ...rest, body: '[]' }])
  })
})
