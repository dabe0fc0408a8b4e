import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { geartrain } from '../../cli/command.ts'
import { PostgresProcess } from '../../support/postgres/postgres-process.ts'
import { sharedPostgres } from '../../support/postgres/shared-postgres.ts'
import { Member } from './fleet.ts'

// geartrain doctor, as somebody runs it who has just set a cluster up.

const postgres = sharedPostgres({ settings: { fsync: 'on' } })
const secret = 'the-password-of-this-test'

interface Report {
  readonly ok: boolean
  readonly database: string
  readonly hosts: readonly { readonly host: string; readonly role: string }[]
  readonly findings: readonly { readonly topic: string; readonly level: string; readonly text: string }[]
}

async function examine(store: string): Promise<{ readonly code: number | null; readonly report: Report }> {
  const { code, stdout, stderr } = await geartrain(['doctor', '--json', '--store', store])
  assert.equal(stderr, '')
  return { code, report: JSON.parse(stdout) as Report }
}

function levels(report: Report, topic: string): readonly string[] {
  return report.findings.filter((finding) => finding.topic === topic).map(({ level }) => level)
}

suite('geartrain doctor', { skip: postgres.skip }, () => {
  test('one database machine: no problem, and a warning of what its loss would cost', async () => {
    const { url } = await postgres.createDatabase()
    await using _server = await Member.start('one', url)
    const { code, report } = await examine(url)
    assert.deepEqual([code, report.ok], [0, true])
    assert.equal(report.hosts[0]?.role, 'primary')
    assert.deepEqual(levels(report, 'durability'), ['warning'])
    assert.ok(report.findings.every(({ level }) => level !== 'problem'))
    const { code: ofText, stdout } = await geartrain(['doctor', '--store', url])
    assert.equal(ofText, 0)
    assert.match(stdout, /There is no standby/)
    assert.match(stdout, /one \(leads\)/)
    // The same by environment, as geartrain serve has it.
    const byEnvironment = await geartrain(['doctor'], { env: { GEARTRAIN_STORE: url } })
    assert.deepEqual([byEnvironment.code, byEnvironment.stderr], [0, ''])
  })

  test('two standbys, any one of which commits wait for: nothing to say against it', async () => {
    await using primary = await PostgresProcess.start({ settings: { fsync: 'on' } })
    await using first = await primary.addStandby({ name: 'b', synchronous: true })
    await using second = await primary.addStandby({ name: 'c', synchronous: true })
    const { name } = await primary.createDatabase()
    const hosts = [primary, first, second].map(({ port }) => `127.0.0.1:${port}`)
    const url = `postgres://postgres@${hosts.join(',')}/${name}`
    await using _server = await Member.start('one', url)
    const { code, report } = await examine(url)
    assert.deepEqual([code, report.ok], [0, true])
    assert.deepEqual(
      report.hosts.map(({ role }) => role),
      ['primary', 'standby', 'standby'],
    )
    assert.deepEqual(
      report.findings.filter(({ level }) => level === 'problem' || level === 'warning').map(({ text }) => text),
      [],
    )
  })

  test('commits that wait for nothing are a problem', async () => {
    const { name, url } = await postgres.createDatabase()
    const process = await postgres.process()
    await process.query(`ALTER DATABASE ${name} SET synchronous_commit = off`)
    await using _server = await Member.start('one', url)
    const { code, report } = await examine(url)
    // What servers set for themselves counts.
    const isOff = levels(report, 'durability').includes('problem')
    assert.deepEqual([code, report.ok], isOff ? [1, false] : [0, true])
    assert.ok(isOff, JSON.stringify(report.findings, undefined, 1))
  })

  test('a database without the schema', async () => {
    const { url } = await postgres.createDatabase()
    const { code, report } = await examine(url)
    assert.equal(levels(report, 'schema').length, 1)
    assert.equal(report.ok, code === 0)
    // It changes nothing.
    const process = await postgres.process()
    const name = url.split('/').at(-1)
    assert.deepEqual(await process.query(`SELECT 1 FROM pg_namespace WHERE nspname = 'geartrain'`, [], name), [])
  })

  test('a host that nobody listens on, and a database that is not there', async () => {
    const process = await postgres.process()
    for (const url of [
      `postgres://postgres:${secret}@127.0.0.1:1/jobs?connect_timeout=2`,
      `postgres://postgres:${secret}@127.0.0.1:${process.port}/missing`,
      `postgres://postgres:${secret}@no-such-host.invalid/jobs?connect_timeout=2`,
    ]) {
      const { code, report } = await examine(url)
      assert.deepEqual([code, report.ok], [1, false], url)
      assert.ok(levels(report, 'connection').includes('problem'))
      assert.ok(!JSON.stringify(report).includes(secret))
      const said = await geartrain(['doctor', '--store', url])
      assert.equal(said.code, 1)
      assert.ok(!`${said.stdout}${said.stderr}`.includes(secret))
    }
  })

  test('a database that is not there is not a host that is away', async () => {
    const process = await postgres.process()
    const { report } = await examine(process.url('missing'))
    const host = `127.0.0.1:${process.port}`
    assert.deepEqual(
      report.hosts.map(({ role }) => role),
      ['refusing'],
    )
    const said = await geartrain(['doctor', process.url('missing')])
    assert.match(said.stdout, new RegExp(`^  ${host}  refusing$`, 'm'))
    const sentence = `^problem +connection: ${host} does not take the connection: there is no such database: CREATE`
    assert.match(said.stdout, new RegExp(sentence, 'm'))
    assert.doesNotMatch(said.stdout, /can't be reached|promote/)
    const away = await geartrain(['doctor', 'postgres://postgres@127.0.0.1:1/jobs'])
    assert.match(away.stdout, /127\.0\.0\.1:1 can't be reached: nobody listens there/)
    assert.doesNotMatch(away.stdout, /promote/)
  })

  test('a standby alone is to be promoted', async () => {
    await using primary = await PostgresProcess.start()
    await using standby = await primary.addStandby({ name: 'b' })
    const { stdout, code } = await geartrain(['doctor', standby.url()])
    assert.equal(code, 1)
    assert.match(stdout, /No host of the URL takes writes.*\n.*promote a standby/)
  })

  test('what is no database', async () => {
    const remedy = 'name a database with --store postgres://HOST/DATABASE'
    const rows = [
      ['memory', `the store "memory" is no database of PostgreSQL: ${remedy}`],
      ['sqlite:jobs.db', `the store jobs.db is a file, which geartrain store check looks at: ${remedy}`],
      ['nonsense', `the store nonsense is a file, which geartrain store check looks at: ${remedy}`],
      [
        `mysql://root:${secret}@localhost/jobs`,
        `the store "mysql://...@localhost/jobs" is no database of PostgreSQL: ${remedy}`,
      ],
      [
        `postgres://postgres:${secret}@localhost:nonsense/jobs`,
        'the URL of the database has a port that is not a number from 1 to 65535',
      ],
    ] as const
    for (const [store, sentence] of rows) {
      const { code, stdout, stderr } = await geartrain(['doctor', '--store', store])
      assert.deepEqual([code, stdout, stderr], [2, '', `geartrain doctor: ${sentence}\n`])
    }
  })

  test('its help speaks of databases', async () => {
    const { stdout } = await geartrain(['doctor', '--help'])
    assert.match(stdout, /--store <url> +the database: postgres:\/\/HOST\/DATABASE/)
    assert.doesNotMatch(stdout, /sqlite/)
  })
})
