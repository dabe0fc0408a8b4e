import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { sharedPostgres } from '../support/postgres/shared-postgres.ts'
import { Crowd } from './cluster-parts.ts'

const postgres = sharedPostgres()
const { skip } = postgres

const inbox = 'SELECT function, workload, unique_name, priority, run_at, expire_at FROM geartrain.inbox ORDER BY number'
const year2100 = Date.UTC(2100, 0)

/** Arguments in SQL, and the row that comes of them: function, workload, unique, priority, run at, expire at. */
const rows: readonly (readonly [args: string, row: readonly [string, string, string, number, number, number]])[] = [
  ["'f'", ['f', '', '', 1, 0, 0]],
  ["'f', 'text'", ['f', 'text', '', 1, 0, 0]],
  ["'f', 'text'::varchar", ['f', 'text', '', 1, 0, 0]],
  ["'f', '\\x6162'::bytea", ['f', 'ab', '', 1, 0, 0]],
  [`'f', '{"a":  1}'::json`, ['f', '{"a":  1}', '', 1, 0, 0]],
  [`'f', '{"a":  1}'::jsonb`, ['f', '{"a": 1}', '', 1, 0, 0]],
  [`'f', to_json('{"a": 1}'::json), 'u'`, ['f', '{"a": 1}', 'u', 1, 0, 0]],
  [`'f', 'w', "unique" => 'ü', priority => 'high'`, ['f', 'w', 'ü', 0, 0, 0]],
  ["'f', priority => 'low', run_at => '2100-01-01 00:00+00'", ['f', '', '', 2, year2100, 0]],
  ["'f', 'w', run_at => '2100-01-01 00:00:00.0001+00'", ['f', 'w', '', 1, year2100 + 1, 0]],
  ["'f', 'w', run_at => now() - interval '1 day'", ['f', 'w', '', 1, 0, 0]],
  ["'f', 'w', expires_at => '2100-01-01 00:00:00.0009+00'", ['f', 'w', '', 1, 0, year2100]],
  [`repeat('ü', 256), '', "unique" => repeat('u', 64)`, ['ü'.repeat(256), '', 'u'.repeat(64), 1, 0, 0]],
]

/** The same, and what is said of them. */
const refused: readonly (readonly [args: string, message: RegExp])[] = [
  ["''", /function has 0 bytes; it must have 1 to 512/],
  ['NULL', /function has 0 bytes/],
  ["repeat('ü', 257)", /function has 514 bytes/],
  ["'f', NULL", /payload is NULL; it may be empty: coalesce/],
  ["'f', convert_to(repeat('x', 64000001), 'UTF8')", /payload has 64000001 bytes; it may have 64000000/],
  [`'f', 'w', "unique" => repeat('u', 65)`, /"unique" has 65 bytes; it may have 64/],
  ["'f', 'w', priority => 'urgent'", /the priority is 'urgent'; it must be 'high', 'normal' or 'low'/],
  ["'f', 'w', priority => NULL", /the priority is NULL/],
  ["'f', 'w', run_at => 'infinity'", /run_at is infinity; it must be a time before/],
  ["'f', 'w', run_at => '10000-01-01'", /run_at is 10000-01-01.*; it must be a time before/],
  ["'f', 'w', expires_at => '-infinity'", /expires_at is -infinity; it must be/],
  ["'f', 'w', expires_at => now() - interval '1 second'", /expires_at is .*; the job could not begin before/],
  ["'f', 'w', run_at => '2100-01-02', expires_at => '2100-01-01'", /the job could not begin before 2100-01-02/],
]

suite('submitting in SQL', { skip }, () => {
  test('what is said arrives in the inbox', async () => {
    await using crowd = await Crowd.make(await postgres.process())
    for (const [args, expected] of rows) {
      const [answer] = await crowd.rows<[string]>(`SELECT geartrain.do_background(${args})`)
      assert.match(answer?.[0] ?? '', /^H:cluster:1\d{15}$/)
      const found = await crowd.rows<[string, string, string, number, string, string]>(inbox)
      const shown = found.map(([name, workload, unique, ...rest]) => [
        ...[name, workload, unique].map(toText),
        ...rest.map(Number),
      ])
      assert.deepEqual(shown, [expected], args)
      await crowd.rows('DELETE FROM geartrain.inbox')
    }
  })

  test('what makes no sense is refused, and says so', async () => {
    await using crowd = await Crowd.make(await postgres.process())
    for (const [args, message] of refused) {
      await assert.rejects(crowd.rows(`SELECT geartrain.do_background(${args})`), { code: '22023', message }, args)
    }
    assert.deepEqual(await crowd.rows('SELECT 1 FROM geartrain.inbox'), [])
  })

  test('it comes and goes with the transaction, from a trigger too', async () => {
    await using crowd = await Crowd.make(await postgres.process())
    await crowd.rows('CREATE TABLE pictures (id int)')
    await crowd.session.query(`
      CREATE FUNCTION resize() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        PERFORM geartrain.do_background('resize', to_jsonb(NEW), "unique" => 'picture ' || NEW.id);
        RETURN NULL;
      END $$;
      CREATE TRIGGER resize AFTER INSERT ON pictures FOR EACH ROW EXECUTE FUNCTION resize()`)
    for (const sql of ['BEGIN', 'INSERT INTO pictures VALUES (1)', 'ROLLBACK']) await crowd.rows(sql)
    for (const sql of ['BEGIN', 'INSERT INTO pictures VALUES (2), (3)', 'COMMIT']) await crowd.rows(sql)
    const found = await crowd.rows<[string, string]>(`
      SELECT convert_from(unique_name, 'UTF8'), convert_from(workload, 'UTF8') FROM geartrain.inbox ORDER BY number`)
    assert.deepEqual(found, [
      ['picture 2', '{"id": 2}'],
      ['picture 3', '{"id": 3}'],
    ])
  })

  test('servers are told at once if the session asks for it', async () => {
    await using crowd = await Crowd.make(await postgres.process())
    const told: unknown[] = []
    crowd.session.on('notification', ({ channel, payload }) => told.push([channel, payload]))
    await crowd.rows('LISTEN geartrain')
    await crowd.rows("SELECT geartrain.do_background('f')")
    await crowd.rows("SET geartrain.wake = 'on'")
    assert.deepEqual(told, [])
    // One for a transaction, however many jobs it submits.
    await crowd.rows("SELECT geartrain.do_background('f') FROM generate_series(1, 3)")
    await crowd.rows('SELECT 1')
    assert.deepEqual(told, [['geartrain', '{"inbox":true}']])
  })

  test('a role needs the rights that the documentation names, and has no others by them', async () => {
    await using crowd = await Crowd.make(await postgres.process())
    const role = `app_${process.pid}`
    await crowd.rows(`CREATE ROLE ${role}`)
    try {
      const submit = "SELECT geartrain.do_background('f', 'w')"
      await crowd.rows(`GRANT USAGE ON SCHEMA geartrain TO ${role}`)
      await crowd.rows(`SET ROLE ${role}`)
      await assert.rejects(crowd.rows(submit), { code: '42501' })
      await crowd.rows('RESET ROLE')
      await crowd.rows(`GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA geartrain TO ${role}`)
      await crowd.rows(`SET ROLE ${role}`)
      // What it puts before PostgreSQL's own is not what the function calls.
      await crowd.rows(`SET search_path = pg_temp, public`)
      assert.equal((await crowd.rows(submit)).length, 1)
      await assert.rejects(crowd.rows('SELECT * FROM geartrain.inbox'), { code: '42501' })
    } finally {
      await crowd.rows('RESET ROLE')
      await crowd.rows(`DROP OWNED BY ${role}`)
      await crowd.rows(`DROP ROLE ${role}`)
    }
  })

  test('views show names as text and times as times', async () => {
    await using crowd = await Crowd.make(await postgres.process())
    const id = await crowd.lease('one')
    await crowd.session.query(`
      INSERT INTO geartrain.functions (name) VALUES ('\\xc3bc'), ('\\xff41');
      INSERT INTO geartrain.jobs (number, position, run_at, submitted_at, expire_at, function_id, owner, attempts, priority, unique_name, workload)
      VALUES (1, 1, 0, 1000, NULL, 1, 0, 0, 0, 'u', 'w'), (2, 2, 0, 1000, 2000, 1, ${id}, 1, 1, '', ''), (3, 0, 3000, 1000, NULL, 2, -${id}, 0, 2, '', '');
      INSERT INTO geartrain.dead (number, submitted_at, died_at, keep_until, function_id, attempts, priority, reason, unique_name, workload)
      VALUES (4, 1000, 2000, 3000, 1, 2, 1, 'failed', '', 'w');
      INSERT INTO geartrain.counts (server_id, function_id, priority, ready) VALUES (1, 1, 0, 3), (2, 1, 0, -2), (2, 1, 1, 1);
      INSERT INTO geartrain.roles VALUES ('leader', ${id})`)
    const times = `extract(epoch FROM submitted_at)::int, extract(epoch FROM run_at)::int, extract(epoch FROM expires_at)::int`
    const jobs = `SELECT function, state, server, priority, unique_name, payload_bytes, ${times} FROM geartrain.job_list ORDER BY number`
    assert.deepEqual(await crowd.rows(jobs), [
      ['ü', 'ready', null, 'high', 'u', 1, 1, null, null],
      ['ü', 'claimed', 'one', 'normal', '', 0, 1, null, 2],
      ['\\377A', 'delayed', null, 'low', '', 0, 1, 3, null],
    ])
    assert.deepEqual(
      await crowd.rows('SELECT function, reason, attempts, extract(epoch FROM died_at)::int FROM geartrain.dead_list'),
      [['ü', 'failed', 2, 2]],
    )
    assert.deepEqual(await crowd.rows('SELECT id, name, is_alive::text, is_leader::text FROM geartrain.server_list'), [
      [id, 'one', 'true', 'true'],
    ])
    assert.deepEqual(
      await crowd.rows(
        'SELECT function, ready_high, ready_normal, ready_low, dead FROM geartrain.function_list ORDER BY 1 DESC',
      ),
      [
        ['ü', 1, 1, 0, 0],
        ['\\377A', 0, 0, 0, 0],
      ],
    )
  })
})

/** pg shows bytes so. */
function toText(value: unknown): string {
  return Buffer.from(String(value).slice(2), 'hex').toString('utf8')
}
