import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { suite, test } from 'node:test'
import { promisify } from 'node:util'
import { eventually } from '../support/postgres/eventually.ts'
import { PostgresProcess } from '../support/postgres/postgres-process.ts'
import { sharedPostgres } from '../support/postgres/shared-postgres.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'
import {
  Connection,
  type ConnectionOptions,
  connectToPrimary,
  DatabaseError,
  parseAddress,
  toFailure,
} from './store-parts.ts'

const postgres = sharedPostgres()

/** A connection, and how it was lost if it was. */
async function connect(url: string, own: Partial<ConnectionOptions> = {}) {
  const lost: DatabaseError[] = []
  const onBroken = (error: DatabaseError) => lost.push(error)
  const options = { applicationName: 'test', idleMsMax: 60_000, patienceMs: 60_000, onBroken, ...own }
  return { connection: await connectToPrimary(parseAddress(url, {}), options), lost }
}

function ask(connection: Connection, text: string) {
  return connection.run({ name: '', text })
}

const insert = { name: 'insert', text: 'INSERT INTO public.t VALUES ($1) RETURNING x' }

/** In a database of its own with a table for `insert`, which takes each number once. */
async function connectToTable() {
  const { url } = await postgres.createDatabase()
  const connected = await connect(url)
  await ask(connected.connection, 'CREATE TABLE public.t (x int PRIMARY KEY)')
  return { ...connected, url }
}

suite('a connection to PostgreSQL', { skip: postgres.skip }, () => {
  test('gives numbers, bytes and truths as they are', async () => {
    const { connection } = await connect((await postgres.process()).url())
    const values = [2 ** 53 - 1, -3, Buffer.from([0, 255, 92]), true, null, 'ü']
    const { rows, count, command } = await connection.run(
      { name: 'types', text: 'SELECT $1::int8, $2::int2, $3::bytea, $4::bool, $5::int, $6::text, 1.5::float8' },
      ...values,
    )
    assert.deepEqual({ rows, count, command }, { rows: [[...values, 1.5]], count: 1, command: 'SELECT' })
    await connection.close()
    await assert.rejects(ask(connection, 'SELECT 1'), { code: 'CONNECTION_LOST' })
  })

  test('what is wrong with one statement leaves the others as they are', async () => {
    const { connection, lost } = await connect((await postgres.process()).url())
    const [first, second, third] = await Promise.allSettled(
      ['SELECT 1', 'SELECT 1 / 0', 'SELECT 3'].map((text, index) => connection.run({ name: `one ${index}`, text })),
    )
    assert.equal(first?.status, 'fulfilled')
    assert.equal(third?.status, 'fulfilled')
    assert.ok(second?.status === 'rejected' && second.reason instanceof DatabaseError)
    assert.deepEqual([second.reason.code, second.reason.isBroken], ['22012', false])
    assert.deepEqual(lost, [])
    await connection.close()
  })

  test('a transaction is all or nothing, and says what went wrong first', async () => {
    const { connection } = await connectToTable()
    await connection.transact(async (link) => {
      await Promise.all([link.run(insert, 1), link.run(insert, 2)])
    })
    let over: Pick<Connection, 'run'> | undefined
    const failed = connection.transact(async (link) => {
      over = link
      link.run(insert, 1).catch(() => {})
      await link.run(insert, 3)
    })
    await assert.rejects(failed, { code: '23505' })
    await assert.rejects(async () => over?.run(insert, 4), /is over/)
    await assert.rejects(
      connection.transact(async (link) => {
        await link.run(insert, 5)
        throw new RangeError('no')
      }),
      RangeError,
    )
    const { rows } = await ask(connection, 'SELECT x FROM public.t ORDER BY x')
    assert.deepEqual(rows, [[1], [2]])
    await connection.close()
  })

  test('a transaction that is committed before its answers are there is all or nothing, too', async () => {
    const { connection, lost } = await connectToTable()
    const numbers = async () => (await ask(connection, 'SELECT x FROM public.t ORDER BY x')).rows.flat()
    const added = await connection.transact(async (link, commit) => {
      const answers = [1, 2].map((x) => link.run<[number]>(insert, x))
      commit()
      await assert.rejects(link.run(insert, 3), /is over/)
      return (await Promise.all(answers)).map(({ rows }) => rows[0]?.[0])
    })
    assert.deepEqual(
      [added, await numbers()],
      [
        [1, 2],
        [1, 2],
      ],
    )
    const failed = connection.transact(async (link, commit) => {
      link.run(insert, 3).catch(() => {})
      link.run(insert, 1).catch(() => {})
      commit()
      return 'not heard'
    })
    await assert.rejects(failed, { code: '23505', isBroken: false })
    assert.deepEqual([await numbers(), lost], [[1, 2], []])
    await connection.close()
  })

  test('a statement that can not even be sent ends the connection: nothing is done without it', async () => {
    const { connection, lost, url } = await connectToTable()
    // As when there is no memory for it.
    const unsendable = {
      toPostgres() {
        throw new RangeError('no room')
      },
    } as unknown as string
    const failed = connection.transact(async (link, commit) => {
      link.run(insert, 1).catch(() => {})
      link.run(insert, unsendable).catch(() => {})
      commit()
      return 'not heard'
    })
    await assert.rejects(failed, { isBroken: true })
    assert.deepEqual([lost.length, connection.isBroken], [1, true])
    const again = await connect(url)
    assert.deepEqual((await ask(again.connection, 'SELECT x FROM public.t')).rows, [])
    await again.connection.close()
  })

  test('what was committed and is not understood is for who opens it anew to look up', async () => {
    const { url } = await postgres.createDatabase()
    const { connection, lost } = await connect(url)
    const failed = connection.transact(async (link, commit) => {
      const answer = link.run({ name: '', text: 'CREATE TABLE public.t ()' })
      commit()
      await answer
      throw new RangeError('no')
    })
    await assert.rejects(failed, { code: 'CONNECTION_LOST', isBroken: true })
    assert.equal(lost.length, 1)
    const again = await connect(url)
    assert.deepEqual((await ask(again.connection, 'SELECT count(*) FROM public.t')).rows, [[0]])
    await again.connection.close()
  })

  test('is given up when the database says nothing, and is not while it is heard of otherwise', async () => {
    const { port } = await postgres.process()
    await using proxy = await TcpProxy.to(port)
    let isHeardOf = 0
    const { connection, lost } = await connect((await postgres.process()).url('postgres', proxy.port), {
      patienceMs: 50,
      isHeardOf: () => ++isHeardOf < 3,
    })
    proxy.cut()
    const pending = [ask(connection, 'SELECT 1'), ask(connection, 'SELECT 2')]
    for (const each of pending) await assert.rejects(each, { code: 'CONNECTION_LOST', isBroken: true })
    assert.equal(isHeardOf, 3)
    assert.equal(lost.length, 1)
    await assert.rejects(ask(connection, 'SELECT 3'), { code: 'CONNECTION_LOST' })
  })

  test('its end is told once, with what the database said of it', async () => {
    const shared = await postgres.process()
    const { connection, lost } = await connect(shared.url())
    const { rows } = await ask(connection, 'SELECT pg_backend_pid()')
    const sleeping = ask(connection, 'SELECT pg_sleep(600)')
    await Promise.all([
      assert.rejects(sleeping, { code: '57P01', isBroken: true }),
      shared.query('SELECT pg_terminate_backend($1)', [rows[0]?.[0]]),
    ])
    await assert.rejects(ask(connection, 'SELECT 1'), { isBroken: true })
    assert.equal(lost.length, 1)
  })

  test('when it is given up, the database soon ends what it was at', async () => {
    const shared = await postgres.process()
    const { connection } = await connect(shared.url(), { applicationName: 'given up' })
    const waits = ask(connection, 'SELECT pg_sleep(600)')
    await eventually('it waits', async () => {
      const rows = await shared.query("SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
      return rows.length > 0 || undefined
    })
    connection.destroy(new DatabaseError('CONNECTION_LOST', 'no patience', true))
    await assert.rejects(waits, { message: 'no patience' })
    await eventually('it is over', async () => {
      const rows = await shared.query("SELECT FROM pg_stat_activity WHERE application_name = 'given up'")
      return rows.length === 0 || undefined
    })
  })

  test('a transaction that stands still is ended by the database', async () => {
    const { connection } = await connect((await postgres.process()).url(), { idleMsMax: 20 })
    const stands = connection.transact(
      () => new Promise((_, reject) => setTimeout(() => reject(new Error('late')), 300)),
    )
    await assert.rejects(stands, { code: '25P03', isBroken: true })
  })
})

suite('the hosts of a URL', { skip: postgres.skip }, () => {
  test('the first that takes writes is taken; of the others it is said why not', async () => {
    const shared = await postgres.process()
    const { name, url } = await postgres.createDatabase()
    const { connection } = await connect(`postgres://postgres@127.0.0.1:1,127.0.0.1:${shared.port}/${name}`)
    assert.equal(connection.host.port, shared.port)
    await connection.close()

    await shared.query(`ALTER DATABASE ${name} SET default_transaction_read_only = on`)
    await assert.rejects(connect(url), { code: 'POSTGRES_NOT_PRIMARY', message: /this one is read-only/ })
    await assert.rejects(
      connect(`postgres://postgres:secret@127.0.0.1:1,127.0.0.1:${shared.port}/${name}`),
      (error) => {
        assert.ok(error instanceof Error)
        assert.match(error.message, /127\.0\.0\.1:1: nobody listens there.*127\.0\.0\.1:\d+: this one is read-only/)
        assert.doesNotMatch(error.message, /secret/)
        return true
      },
    )
  })

  test('one that says nothing is not waited for, nor a standby, and all but the one that is taken are left', async () => {
    await using primary = await PostgresProcess.start()
    await using standby = await primary.addStandby({ name: 'b' })
    await using cut = await TcpProxy.to(primary.port)
    await using mute = await TcpProxy.to(primary.port)
    await using slow = await TcpProxy.to(primary.port)
    const encrypts = net.createServer((socket) => socket.on('error', () => {}).once('data', () => socket.write('S')))
    encrypts.listen(0, '127.0.0.1')
    await once(encrypts, 'listening')
    const address = encrypts.address()
    assert.ok(address !== null && typeof address === 'object')
    cut.cut()
    mute.pause()
    slow.delay(200)
    const ports = [cut.port, standby.port, mute.port, address.port, slow.port, primary.port]
    const hosts = ports.map((port) => `127.0.0.1:${port}`)
    // Whoever waits for one of them waits for longer than a test may take.
    const { connection, lost } = await connect(
      `postgres://postgres@${hosts.join(',')}/postgres?connect_timeout=86400`,
      {
        patienceMs: 86_400_000,
      },
    )
    assert.ok([slow.port, primary.port].includes(connection.host.port))
    cut.heal()
    mute.resume()
    await eventually('the others are left', async () => {
      const left = cut.connections + mute.connections + (connection.host.port === slow.port ? 0 : slow.connections)
      const count = await promisify(encrypts.getConnections).call(encrypts)
      return left + count === 0 || undefined
    })
    const sessions = (process: PostgresProcess) =>
      process.query("SELECT FROM pg_stat_activity WHERE application_name = 'test'")
    await eventually('there is one session', async () => (await sessions(primary)).length === 1 || undefined)
    assert.deepEqual(await sessions(standby), [])
    assert.deepEqual(lost, [])
    assert.deepEqual((await ask(connection, 'SELECT 1')).rows, [[1]])
    await connection.close()
    encrypts.close()
  })

  test('if none takes writes, it is said of each why not, in the order of the URL', async () => {
    const { port } = await postgres.process()
    await using proxy = await TcpProxy.to(port)
    proxy.cut()
    const url = `postgres://postgres@127.0.0.1:${proxy.port},127.0.0.1:${port},127.0.0.1:1/nowhere?connect_timeout=1`
    await assert.rejects(connect(url), {
      code: 'POSTGRES_3D000',
      message: /:\d+: the host did not answer in time.*:\d+: there is no such database.*:1: nobody listens there/,
    })
    proxy.heal()
    await eventually('it is left', () => proxy.connections === 0 || undefined)
  })

  test('one that is there and not what is meant is told so', async () => {
    const shared = await postgres.process()
    await shared.query("CREATE DATABASE not_utf8 ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    await assert.rejects(connect(shared.url('not_utf8')), { code: 'POSTGRES_NOT_UTF8', message: /is LATIN1/ })
    await assert.rejects(connect(shared.url('nowhere')), { code: 'POSTGRES_3D000', message: /CREATE DATABASE/ })
    await assert.rejects(connect('postgres://postgres@127.0.0.1:1/x'), { code: 'POSTGRES_ECONNREFUSED' })
    await assert.rejects(connect(`${shared.url()}?sslmode=require`), { code: 'POSTGRES_NO_TLS', message: /ssl = on/ })
    await assert.rejects(connect('postgres://u@%2Fnowhere/x'), { code: 'POSTGRES_ENOENT' })
    await assert.rejects(connect('postgres://u@localhost/x?sslmode=verify-full&sslrootcert=/nowhere'), {
      code: 'POSTGRES_ENOENT',
    })
  })
})

test('what the database says becomes a sentence with what to do, and whether the store is to be opened anew', () => {
  const rows = [
    ['53100', false, /disk of the database is full/],
    ['25006', true, /read-only/],
    ['57P03', true, /starts or shuts down/],
    ['28P01', true, /password is wrong/],
    ['42501', true, /GRANT/],
    ['42P01', true, /bring it back from a backup/],
    ['53300', false, /max_connections/],
    ['57014', false, /statement_timeout/],
    ['23505', false, /mistake in this program/],
    ['XX000', true, /trouble inside/],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', true, /sslrootcert/],
    ['77777', true, /does not do it/],
  ] as const
  for (const [code, isBroken, message] of rows) {
    const failure = toFailure(new DatabaseError(code, 'what it said', false))
    assert.equal(failure.code, `POSTGRES_${code}`)
    assert.match(failure.message, message)
    assert.match(failure.message, /what it said/)
    assert.equal(failure.isBroken, isBroken, code)
  }
  assert.equal(toFailure(new TypeError('x')).code, 'POSTGRES_STORE_FAILED')
})
