import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { sharedPostgres } from '../support/postgres/shared-postgres.ts'
import { type Connection, Crowd, emptyInbox, uniqueKey } from './cluster-parts.ts'

const postgres = sharedPostgres()
const { skip } = postgres

const jobs = `SELECT convert_from(f.name, 'UTF8'), convert_from(j.workload, 'UTF8') FROM geartrain.jobs j JOIN geartrain.functions f ON f.id = j.function_id`

suite('jobs from SQL', { skip }, () => {
  test('they become jobs that anybody may claim, in their order', async () => {
    await using crowd = await Crowd.make(await postgres.process())
    const id = await crowd.lease('one')
    await crowd.session.query(`
      INSERT INTO geartrain.functions (name) VALUES ('known');
      SELECT geartrain.do_background('known', 'a', priority => 'high');
      SELECT geartrain.do_background('new', 'b', expires_at => '2100-01-01 00:00+00');
      SELECT geartrain.do_background('known', 'c', priority => 'high');
      SELECT geartrain.do_background('known', 'd', run_at => '2100-01-01 00:00+00')`)
    const { ready, mayBeMore } = await emptyInbox(await crowd.connection(), id)
    assert.equal(mayBeMore, false)
    assert.deepEqual(ready.map((line) => `${line.function} ${line.priority}`).sort(), ['known 0', 'new 1'])
    assert.deepEqual(await crowd.rows(`${jobs} WHERE position > 0 ORDER BY position`), [
      ['known', 'a'],
      ['new', 'b'],
      ['known', 'c'],
    ])
    assert.deepEqual(await crowd.rows(`${jobs} WHERE position = 0 AND run_at = ${Date.UTC(2100, 0)}`), [['known', 'd']])
    assert.deepEqual(
      await crowd.rows(
        'SELECT count(*), count(*) FILTER (WHERE owner = 0 AND attempts = 0), max(expire_at) FROM geartrain.jobs',
      ),
      [[4, 4, Date.UTC(2100, 0)]],
    )
    assert.deepEqual(await crowd.rows('SELECT * FROM geartrain.inbox'), [])
    const counts = 'SELECT server_id, priority, ready, delayed FROM geartrain.counts ORDER BY function_id, priority'
    assert.deepEqual(await crowd.rows(counts), [
      [id, 0, 2, 0],
      [id, 1, 0, 1],
      [id, 1, 1, 0],
    ])
  })

  test('of one unique the first stands, also the one that is there; of `-` the workload counts', async () => {
    await using crowd = await Crowd.make(await postgres.process())
    const id = await crowd.lease('one')
    const connection = await crowd.connection()
    const submit = async (unique: string, workload: string, name = 'f') => {
      await crowd.rows('SELECT geartrain.do_background($1, $2::text, $3)', [name, workload, unique])
    }
    await submit('u', 'a')
    await emptyInbox(connection, id)
    for (const workload of ['b', 'c']) await submit('u', workload)
    for (const workload of ['d', 'e']) await submit('v', workload)
    for (const workload of ['x', 'x', 'y', '', '']) await submit('-', workload)
    for (const workload of ['n', 'n']) await submit('', workload)
    await submit('u', 'g', 'other')
    await emptyInbox(connection, id)
    const found = await crowd.rows<[string, string]>(`${jobs} ORDER BY position`)
    assert.deepEqual(
      found.map(([, workload]) => workload),
      ['a', 'd', 'x', 'y', '', '', 'n', 'n', 'g'],
    )
    assert.deepEqual(await crowd.rows('SELECT sum(ready) FROM geartrain.counts'), [['9']])

    const keys = await crowd.rows<[string, string, string | null]>(
      "SELECT convert_from(unique_name, 'UTF8'), convert_from(workload, 'UTF8'), unique_key::text FROM geartrain.jobs",
    )
    for (const [unique, workload, key] of keys) {
      const expected = uniqueKey(unique, Buffer.from(workload))?.toString('hex') ?? null
      assert.equal(key?.replaceAll('-', '') ?? null, expected, `the key of ${unique} and ${workload}`)
    }
  })

  test('several servers take different ones, each of them once', async () => {
    await using crowd = await Crowd.make(await postgres.process())
    await crowd.rows(
      "SELECT geartrain.do_background('f' || i % 7, i::text, (i % 1500)::text) FROM generate_series(1, 3000) i",
    )
    const movers: { readonly id: number; readonly connection: Connection }[] = []
    for (const name of ['one', 'two', 'three']) {
      movers.push({ id: await crowd.lease(name), connection: await crowd.connection() })
    }
    const rounds = [1, 2, 3, 4, 5]
    for (const _ of rounds) await Promise.all(movers.map(({ id, connection }) => emptyInbox(connection, id)))
    assert.deepEqual(await crowd.rows('SELECT count(*) FROM geartrain.inbox'), [[0]])
    const pairs = new Set(Array.from({ length: 3000 }, (_, i) => `${(i + 1) % 7} ${(i + 1) % 1500}`))
    assert.deepEqual(await crowd.rows('SELECT count(*) FROM geartrain.jobs'), [[pairs.size]])
    assert.deepEqual(await crowd.rows('SELECT sum(ready)::int FROM geartrain.counts'), [[pairs.size]])
    assert.deepEqual(await crowd.rows('SELECT count(*) FROM geartrain.functions'), [[7]])
  })

  test('a server whose lease has ended moves nothing', async () => {
    await using crowd = await Crowd.make(await postgres.process())
    const id = await crowd.lease('one')
    await crowd.rows('UPDATE geartrain.servers SET ended = true')
    await crowd.rows("SELECT geartrain.do_background('f')")
    assert.deepEqual(await emptyInbox(await crowd.connection(), id), { ready: [], mayBeMore: false })
    assert.deepEqual(await crowd.rows('SELECT count(*) FROM geartrain.inbox'), [[1]])
  })

  test('servers find them by looking, and tell each other', async () => {
    await using crowd = await Crowd.make(await postgres.process())
    const one = await crowd.join('one')
    const two = await crowd.join('two')
    await Promise.all([one.untilSeen(2), two.untilSeen(2)])
    await crowd.rows("SELECT geartrain.do_background('f', 'w')")
    const hears = (line: { readonly function: string }) => line.function === 'f'
    await Promise.all([one, two].map((member) => member.until('it hears of the job', ({ ready }) => ready.some(hears))))
    await one.until('it counts it', ({ counts }) => counts.some((each) => each.name === 'f' && each.ready[1] === 1))
  })
})
