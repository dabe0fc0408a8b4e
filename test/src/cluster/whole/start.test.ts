import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type Ended, geartrain } from '../../cli/command.ts'
import { PostgresProcess } from '../../support/postgres/postgres-process.ts'
import { sharedPostgres } from '../../support/postgres/shared-postgres.ts'
import { Member } from './fleet.ts'

// Servers that can't start on their database say why, and end.

const postgres = sharedPostgres()
const secret = 'the-password-of-this-test'

/** `geartrain serve` that can't: what it says is one sentence, and has no password. */
async function serveInVain(store: string, env: Record<string, string> = {}): Promise<Ended> {
  const ended = await geartrain(['serve', '--port', '0', '--http', 'off', '--store', store], { env })
  const said = `${ended.stdout}${ended.stderr}`
  assert.ok(!said.includes(secret), said)
  assert.equal(ended.stderr.trimEnd().split('\n').length, 1, `one sentence: ${said}`)
  assert.match(ended.stderr, /^geartrain serve: /)
  return ended
}

suite('a database that is not right when a server starts', { skip: postgres.skip, concurrency: 2 }, () => {
  test('wrong password', async () => {
    const process = await postgres.process()
    await using guarded = await PostgresProcess.start()
    await guarded.query(`CREATE ROLE app LOGIN PASSWORD 'another'`)
    await guarded.query(
      `COPY (SELECT 'host all postgres 127.0.0.1/32 trust' UNION ALL SELECT 'host all all 127.0.0.1/32 scram-sha-256')
       TO '${guarded.dataDirectory}/pg_hba.conf'`,
    )
    await guarded.query('SELECT pg_reload_conf()')
    const inUrl = await serveInVain(`postgres://app:${secret}@127.0.0.1:${guarded.port}/postgres`)
    assert.equal(inUrl.code, 1)
    assert.match(inUrl.stderr, /password authentication failed/)
    const inEnvironment = await serveInVain(`postgres://app@127.0.0.1:${guarded.port}/postgres`, { PGPASSWORD: secret })
    assert.equal(inEnvironment.code, 1)
    assert.match(inEnvironment.stderr, /password authentication failed/)
    assert.ok(process.pid !== undefined)
  })

  test('no such database', async () => {
    const process = await postgres.process()
    const url = `postgres://postgres:${secret}@127.0.0.1:${process.port}/missing_database`
    const { code, stderr } = await serveInVain(url)
    assert.equal(code, 1)
    assert.match(stderr, /missing_database/)
    assert.match(stderr, /does not exist/)
  })

  test('nobody listens there', async () => {
    const { code, stderr } = await serveInVain(`postgres://postgres:${secret}@127.0.0.1:1/postgres?connect_timeout=2`)
    assert.equal(code, 1)
    assert.match(stderr, /127\.0\.0\.1:1|ECONNREFUSED/)
  })

  test('no URL', async () => {
    const stores = [
      `postgres://postgres:${secret}@127.0.0.1:nonsense/postgres`,
      `postgres://postgres:${secret}@127.0.0.1/postgres?sslmode=perhaps`,
      `postgres://postgres:${secret}@127.0.0.1/postgres?nonsense=1`,
    ]
    const ends = await Promise.all(stores.map((store) => serveInVain(store)))
    // Code 2: a flag, a variable or the file is wrong.
    assert.deepEqual(
      ends.map(({ code, stderr }) => `${code} ${stderr}`),
      ends.map(({ stderr }) => `2 ${stderr}`),
    )
  })

  test('a role that may make no schema', async () => {
    const process = await postgres.process()
    const { name } = await postgres.createDatabase()
    await process.query('DROP ROLE IF EXISTS nobody_special')
    await process.query(`CREATE ROLE nobody_special LOGIN PASSWORD '${secret}'`)
    const { code, stderr } = await serveInVain(`postgres://nobody_special:${secret}@127.0.0.1:${process.port}/${name}`)
    assert.equal(code, 1)
    assert.match(stderr, /permission denied/)
  })

  test('the password is in no log and in no answer', async () => {
    const { url } = await postgres.createDatabase()
    // This database lets everybody in, whatever he says.
    await using server = await Member.start('one', url.replace('postgres@', `postgres:${secret}@`))
    const answers = await Promise.all(
      ['/api/server', '/api/servers', '/metrics', '/readyz'].map((path) => server.http(path)),
    )
    for (const { text } of answers) assert.ok(!text.includes(secret), text)
    assert.match(server.command.stderr, /"msg":"ready/)
    assert.ok(!server.command.stderr.includes(secret), server.command.stderr)
  })

  test('only a standby', async () => {
    await using primary = await PostgresProcess.start()
    await using standby = await primary.addStandby({ name: 'standby' })
    const { code, stderr } = await serveInVain(`${standby.url()}?connect_timeout=2`)
    assert.equal(code, 1)
    assert.match(stderr, /standby|recovery|writes|read-only/)
  })

  test('read-only', async () => {
    const process = await postgres.process()
    const { name, url } = await postgres.createDatabase()
    await process.query(`ALTER DATABASE ${name} SET default_transaction_read_only = on`)
    const { code, stderr } = await serveInVain(`${url}?connect_timeout=2`)
    assert.equal(code, 1)
    assert.match(stderr, /read-only|writes/)
  })
})
