import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { sharedPostgres } from '../support/postgres/shared-postgres.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'
import { ChangedDocuments, Clearing, Crowd } from './cluster-parts.ts'

const postgres = sharedPostgres()
const { skip } = postgres

const report = (version: string) => ({ version, startedAt: 1, link: 'h:1', functions: [] })
const line = (name: string) => ({ function: name, priority: 1 as const })

suite('a server among others', { skip }, () => {
  test('they see each other, what they say, and who leads', async () => {
    await using crowd = await Crowd.make(await postgres.process())
    const one = await crowd.join('one')
    one.cluster.report(report('1'))
    await one.until('it leads', ({ leads }) => leads === true)
    const two = await crowd.join('two')
    two.cluster.report(report('2'))
    await Promise.all(
      [one, two].map((member) =>
        member.until('it has heard of both', ({ servers }) => servers.filter((each) => each.report).length === 2),
      ),
    )
    const shown = two.servers.map(({ id, name, isSelf, isLeader, report: said }) => [
      id,
      name,
      isSelf,
      isLeader,
      said?.version,
    ])
    assert.deepEqual(shown, [
      [one.id, 'one', false, true, '1'],
      [two.id, 'two', true, false, '2'],
    ])
    assert.equal(two.leads, false)
    // This machine's clock is the database's.
    await two.until('it knows the clock', ({ aheadMs }) => aheadMs !== undefined && Math.abs(aheadMs) < 1000)
    const seenAt = two.servers[0]?.seenAt ?? 0
    assert.ok(Math.abs(seenAt - Date.now()) < 10_000, `${seenAt}`)
    two.cluster.report(report('3'))
    await one.until('it hears the new one', ({ servers }) => servers[1]?.report?.version === '3')
  })

  test('when the one that leads has ended another one does, after it has heard of what was done', async () => {
    await using crowd = await Crowd.make(await postgres.process())
    const one = await crowd.join('one')
    await one.until('it leads', ({ leads }) => leads === true)
    const put = (name: string) =>
      `INSERT INTO geartrain.documents VALUES ('schedule', '${name}', '{}', nextval('geartrain.document_versions'), ${one.id})`
    await crowd.rows(put('first'))
    const two = await crowd.join('two')
    await two.until('it has heard of the first', ({ documents }) => documents.length === 1)
    await one.cluster.stop()
    // The last that it did comes to light together with its end.
    await crowd.session.query(`
      ${put('last')};
      UPDATE geartrain.servers SET ended = true WHERE id = ${one.id}`)
    await two.until('it leads', ({ leads }) => leads === true)
    assert.deepEqual(two.told, ['does not lead', 'documents', 'documents', 'leads'])
    assert.deepEqual(two.cluster.ended, [one.id])
    await two.until('it sees only itself', ({ servers }) => servers.length === 1)
  })

  test('one that is not heard of is ended when its lease is over', async () => {
    await using crowd = await Crowd.make(await postgres.process())
    const [one, two] = [await crowd.join('one'), await crowd.join('two')]
    await two.untilSeen(2)
    await one.cluster.stop()
    await two.untilSeen(1)
    assert.deepEqual(two.cluster.ended, [one.id])
    assert.deepEqual(await crowd.rows('SELECT lease_until < clock_timestamp() FROM geartrain.servers WHERE ended'), [
      ['t'],
    ])
  })

  test('one that was ended by others is told so, and comes back with a new id', async () => {
    await using crowd = await Crowd.make(await postgres.process())
    const one = await crowd.join('one')
    await one.until('it leads', ({ leads }) => leads === true)
    await crowd.rows('UPDATE geartrain.servers SET ended = true')
    await one.until('it is told', ({ told }) => told.includes('LEASE_LOST'))
    assert.deepEqual(one.told, ['leads', 'does not lead', 'lease over', 'LEASE_LOST'])
    await one.open()
    await one.until('it leads again', ({ leads }) => leads === true)
    assert.equal(one.id, 2)
  })

  test('a lease that can not be renewed is over in time; when the database is there again the store is to be opened anew', async () => {
    await using crowd = await Crowd.make(await postgres.process())
    await using proxy = await TcpProxy.to((await postgres.process()).port)
    const one = await crowd.join('one', { url: crowd.url(proxy.port) })
    await one.until('it leads', ({ leads }) => leads === true)
    proxy.cut()
    await one.until('its lease is over', ({ told }) => told.includes('lease over'))
    assert.deepEqual(one.told, ['leads', 'does not lead', 'lease over'])
    proxy.heal()
    await one.until('it is to be opened anew', ({ told }) => told.includes('LEASE_LOST'))
    assert.equal(one.told.filter((each) => each === 'lease over').length, 1)
  })

  test('a connection that breaks is made again, and nothing else happens', async () => {
    await using crowd = await Crowd.make(await postgres.process())
    const one = await crowd.join('one')
    await one.until('it leads', ({ leads }) => leads === true)
    await crowd.rows(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND pid <> pg_backend_pid()`)
    await crowd.rows("INSERT INTO geartrain.functions (name) VALUES ('f')")
    await crowd.rows(
      'INSERT INTO geartrain.counts (server_id, function_id, priority, ready, delayed, dead) VALUES (0, 1, 0, 5, 1, 2), (9, 1, 0, -2, 0, 0)',
    )
    await one.until('it counts', ({ counts }) => counts.length === 1)
    assert.deepEqual(one.counts, [{ name: 'f', ready: [3, 0, 0], delayed: 1, dead: 2 }])
    assert.equal(one.nextDueAt, Infinity)
    assert.deepEqual(one.told, ['leads'])
  })

  test('after a commit the others are told: lines, documents, jobs that were theirs', async () => {
    await using crowd = await Crowd.make(await postgres.process())
    const one = await crowd.join('one')
    const two = await crowd.join('two')
    await Promise.all([one.untilSeen(2), two.untilSeen(2)])
    await crowd.rows(
      "INSERT INTO geartrain.documents VALUES ('policy', 'p', '{}', nextval('geartrain.document_versions'), $1)",
      [one.id],
    )
    await crowd.rows('INSERT INTO geartrain.cancels VALUES ($1, 17), ($2, 18), (99, 19)', [two.id, one.id])
    one.announce({ ready: [line('f\u00fc\u0000')], areOthersCancelled: true, areDocumentsChanged: true })
    await two.until(
      'it has heard all',
      ({ ready, documents, cancelled }) => ready.length + documents.length + cancelled.length === 3,
    )
    assert.deepEqual(two.ready, [line('f\u00fc\u0000')])
    assert.deepEqual(two.documents, [{ kind: 'policy', name: 'p', body: '{}' }])
    assert.deepEqual(two.cancelled, [17])
    // What a server has done itself it is not told.
    await one.until('it counts once more', ({ servers }) => servers.length === 2)
    assert.deepEqual([one.ready, one.documents, one.cancelled], [[], [], []])
  })

  test('that a job is cancelled is known when the server that has it has dropped it, or its lease is over', async () => {
    await using crowd = await Crowd.make(await postgres.process())
    const one = await crowd.join('one')
    const two = await crowd.join('two')
    await Promise.all([one.untilSeen(2), two.untilSeen(2)])
    await crowd.rows('INSERT INTO geartrain.cancels VALUES ($1, 17)', [two.id])
    one.announce({ areOthersCancelled: true })
    await one.cluster.whenDropped(17)
    assert.deepEqual(two.cancelled, [17])
    assert.deepEqual(await crowd.rows('SELECT number FROM geartrain.cancels'), [])
    // Of one that is not there any more.
    const gone = await crowd.lease('gone', 0)
    await crowd.rows('INSERT INTO geartrain.cancels VALUES ($1, 18)', [gone])
    await one.cluster.whenDropped(18)
    // Of one that never answers, until this server itself is gone.
    const silent = await crowd.lease('silent', 3_600_000)
    await crowd.rows('INSERT INTO geartrain.cancels VALUES ($1, 19)', [silent])
    const waiting = one.cluster.whenDropped(19)
    await one.cluster.stop()
    await waiting
  })

  test('the highest number of a job is told when it has risen, whatever became of the job', async () => {
    await using crowd = await Crowd.make(await postgres.process())
    const one = await crowd.join('one')
    await one.until('it leads', ({ leads }) => leads === true)
    await crowd.rows(`INSERT INTO geartrain.jobs (number, position, run_at, submitted_at, function_id, owner, attempts, priority, unique_name, workload)
      SELECT number, 1, 0, 0, 1, 0, 0, 1, '', '' FROM unnest(ARRAY[1000000000000000, 1700000000000001]) AS number`)
    await one.until('it hears of it', ({ highest }) => highest.length === 1)
    await crowd.rows('DELETE FROM geartrain.jobs')
    await crowd.rows(`INSERT INTO geartrain.dead (number, submitted_at, died_at, keep_until, function_id, attempts, priority, reason, unique_name, workload)
      VALUES (1700000000000007, 0, 0, 0, 1, 1, 1, 'failed', '', '')`)
    await one.until('it hears of a dead one', ({ highest }) => highest.length === 2)
    await crowd.rows('DELETE FROM geartrain.dead')
    const kept = (
      number: number,
    ) => `INSERT INTO geartrain.results (number, submitted_at, ended_at, keep_until, unique_until,
      sweep_at, function_id, attempts, numerator, denominator, priority, outcome, unique_name, data)
      VALUES (${number}, 0, 0, 0, 0, 0, 1, 1, 0, 0, 1, 'complete', '', '')`
    await crowd.rows(kept(1_700_000_000_000_006))
    await crowd.rows(kept(1_700_000_000_000_009))
    await one.until('it hears of one that has ended', ({ highest }) => highest.length === 3)
    assert.deepEqual(one.highest, [1_700_000_000_000_001, 1_700_000_000_000_007, 1_700_000_000_000_009])
  })

  test('without NOTIFY all is found by looking, and the log says so once', async () => {
    await using crowd = await Crowd.make(await postgres.process())
    const one = await crowd.join('one')
    const two = await crowd.join('two', { isDeaf: true })
    await Promise.all([one.untilSeen(2), two.untilSeen(2)])
    await crowd.rows(
      "INSERT INTO geartrain.documents VALUES ('policy', 'p', '{}', nextval('geartrain.document_versions'), $1)",
      [one.id],
    )
    await crowd.rows("SELECT geartrain.do_background('f', 'w')")
    one.announce({ ready: [line('g')], areDocumentsChanged: true })
    await two.until(
      'it finds the document and the job',
      ({ documents, counts }) => documents.length === 1 && counts.length === 1,
    )
    await two.until('it says so', ({ warnings }) => warnings.length > 0)
    assert.match(two.warnings.join(), /^NOTIFY of the database does not come through/)
    assert.deepEqual(one.warnings, [])
  })
})

suite('documents that others change', { skip }, () => {
  const put = (name: string, body: string) => `
    INSERT INTO geartrain.documents VALUES ('policy', '${name}', '${body}', nextval('geartrain.document_versions'), 2)
    ON CONFLICT (kind, name) DO UPDATE SET body = excluded.body, version = excluded.version`

  test('one that was committed late, with a lower version, is found', async () => {
    await using crowd = await Crowd.make(await postgres.process())
    const [late, early, reader] = [await crowd.connection(), await crowd.connection(), await crowd.connection()]
    const documents = new ChangedDocuments([])
    await late.execute('BEGIN')
    await late.execute(put('late', '1'))
    await early.execute(put('early', '2'))
    const names = async () => (await documents.look(reader, 1)).map(({ name, body }) => `${name} ${body}`)
    assert.deepEqual(await names(), ['early 2'])
    await early.execute(put('early', '3'))
    await early.execute(put('other', '4'))
    assert.deepEqual((await names()).sort(), ['early 3', 'other 4'])
    await late.execute('COMMIT')
    assert.deepEqual(await names(), ['late 1'])
    assert.deepEqual(await names(), [])
    await early.execute("UPDATE geartrain.documents SET body = NULL WHERE name = 'late'")
    assert.deepEqual(await names(), ['late undefined'])
    assert.deepEqual(
      documents.tombstones.map(({ name }) => name),
      ['late'],
    )
  })

  test('what was known when the store was opened is no news', async () => {
    await using crowd = await Crowd.make(await postgres.process())
    const reader = await crowd.connection()
    await reader.execute(put('a', '1'))
    await reader.execute(put('b', '2'))
    const documents = new ChangedDocuments([{ kind: 'policy', name: 'a', body: '1' }])
    assert.deepEqual(await documents.look(reader, 1), [{ kind: 'policy', name: 'b', body: '2' }])
    assert.deepEqual((await new ChangedDocuments(undefined).look(reader, 1)).length, 2)
  })
})

suite('clearing up', { skip }, () => {
  test('jobs, counts, reports and shares of servers that have ended', async () => {
    await using crowd = await Crowd.make(await postgres.process())
    const [gone, here] = [await crowd.lease('gone', -1), await crowd.lease('here', 60_000)]
    await crowd.session.query(`
      UPDATE geartrain.servers SET ended = true WHERE id = ${gone};
      INSERT INTO geartrain.functions (name) VALUES ('f');
      INSERT INTO geartrain.jobs (number, position, run_at, submitted_at, function_id, owner, attempts, priority, unique_name, workload)
      SELECT i, i, 0, 0, 1, (ARRAY[0, ${gone}, ${here}])[1 + i % 3], 0, 1, '', '' FROM generate_series(1, 5000) i;
      INSERT INTO geartrain.counts (server_id, function_id, priority, ready, dead)
      VALUES (0, 1, 1, 1000, 3), (${gone}, 1, 1, 3999, -3), (${gone}, 1, 0, 0, 0), (${here}, 1, 1, 1, 0);
      INSERT INTO geartrain.reports VALUES (${gone}, '{}'), (${here}, '{}');
      INSERT INTO geartrain.shares VALUES ('f', ${gone}, 1, NULL, 1), ('f', ${here}, 1, NULL, 1)`)
    const connection = await crowd.connection()
    const clearing = new Clearing()
    const owners = 'SELECT owner, count(*) FROM geartrain.jobs GROUP BY owner ORDER BY owner'

    // Somebody is about to do something with one of them.
    const other = await crowd.connection()
    await other.execute('BEGIN')
    await other.execute('SELECT 1 FROM geartrain.jobs WHERE number = 1 FOR UPDATE')
    assert.equal(await clearing.work(connection, [gone], [], 0), false)
    assert.deepEqual(await crowd.rows('SELECT cleared::text FROM geartrain.servers WHERE ended'), [['false']])
    await other.execute('ROLLBACK')

    let steps = 1
    while (await clearing.work(connection, [gone], [], 0)) steps++
    assert.ok(steps > 1)
    assert.deepEqual(await crowd.rows(owners), [
      [-gone, 1667],
      [0, 1666],
      [here, 1667],
    ])
    assert.deepEqual(await crowd.rows('SELECT cleared::text FROM geartrain.servers WHERE ended'), [['true']])
    assert.deepEqual(
      await crowd.rows('SELECT server_id, priority, ready, dead FROM geartrain.counts ORDER BY server_id'),
      [
        [0, 1, 4999, 0],
        [here, 1, 1, 0],
      ],
    )
    for (const table of ['reports', 'shares']) {
      assert.deepEqual(await crowd.rows(`SELECT server_id FROM geartrain.${table}`), [[here]], table)
    }
    // Until then a server that has been away can find out what it has committed.
    await crowd.rows("UPDATE geartrain.servers SET lease_until = lease_until - interval '23 hours' WHERE ended")
    await clearing.work(connection, [], [], 0)
    assert.equal((await crowd.rows('SELECT id FROM geartrain.servers')).length, 2)
    await crowd.rows("UPDATE geartrain.servers SET lease_until = lease_until - interval '2 hours' WHERE ended")
    await clearing.work(connection, [], [], 0)
    assert.deepEqual(await crowd.rows('SELECT id FROM geartrain.servers'), [[here]])
  })

  test('documents that were removed stay for an hour', async () => {
    await using crowd = await Crowd.make(await postgres.process())
    const connection = await crowd.connection()
    await connection.execute("INSERT INTO geartrain.documents VALUES ('k', 'a', NULL, 5, 1), ('k', 'b', '{}', 6, 1)")
    const documents = new ChangedDocuments([])
    await documents.look(connection, 2)
    const clearing = new Clearing()
    const names = () => crowd.rows('SELECT name FROM geartrain.documents ORDER BY name')
    for (const now of [0, 3_599_999]) await clearing.work(connection, [], documents.tombstones, now)
    assert.deepEqual(await names(), [['a'], ['b']])
    await clearing.work(connection, [], documents.tombstones, 3_600_000)
    assert.deepEqual(await names(), [['b']])
  })
})
