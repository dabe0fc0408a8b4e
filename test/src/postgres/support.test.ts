import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import net from 'node:net'
import { dirname } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, it } from 'node:test'
import { eventually } from '../support/postgres/eventually.ts'
import { PostgresProcess } from '../support/postgres/postgres-process.ts'
import { sharedPostgres } from '../support/postgres/shared-postgres.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'

// What other tests stand on: PostgreSQL that starts, dies, follows and is promoted, and a network that is cut.

const postgres = sharedPostgres()
const notLinux = process.platform !== 'linux' && '/proc is not there'
const support = new URL('../support/postgres/', import.meta.url)

describe('PostgreSQL for tests', { skip: postgres.skip }, () => {
  it('has its settings, and databases that are apart from each other', async () => {
    const shared = await postgres.process()
    const [one, two] = [await postgres.createDatabase(), await postgres.createDatabase()]
    assert.equal(one.url, `postgres://postgres@127.0.0.1:${shared.port}/${one.name}`)
    await shared.query('CREATE TABLE here (x int)', [], one.name)
    await assert.rejects(shared.query('SELECT * FROM here', [], two.name), { code: '42P01' })
    assert.deepEqual(await shared.query('SELECT $1::int AS x', [7], two.name), [{ x: 7 }])
    const [row] = await shared.query(
      `SELECT current_setting('fsync') AS fsync, pg_encoding_to_char(encoding) AS encoding, datcollate
       FROM pg_database WHERE datname = $1`,
      [one.name],
    )
    assert.deepEqual(row, { fsync: 'off', encoding: 'UTF8', datcollate: 'C' })
    const session = await shared.connect(one.name)
    await shared.dropDatabase(one.name)
    await assert.rejects(session.query('SELECT 1'))
    await assert.rejects(shared.connect(one.name), { code: '3D000' })
  })

  it('keeps what was committed when it is killed, and nothing else, on the same port', async () => {
    await using own = await PostgresProcess.start({ settings: { fsync: 'on' } })
    assert.deepEqual(await own.query('SHOW fsync'), [{ fsync: 'on' }])
    await own.query('CREATE TABLE kept (x int)')
    await own.query('INSERT INTO kept VALUES (1)')
    const session = await own.connect()
    await session.query('BEGIN')
    await session.query('INSERT INTO kept VALUES (2)')
    const { port } = own
    await own.kill()
    assert.equal(own.pid, undefined)
    await assert.rejects(session.query('COMMIT'))
    await assert.rejects(own.connect(), { code: 'ECONNREFUSED' })
    await own.startAgain()
    assert.equal(own.port, port)
    assert.deepEqual(await own.query('SELECT x FROM kept'), [{ x: 1 }])
    await assert.rejects(own.startAgain(), /runs: stop or kill it first/)
    await own.stop()
    await own.stop()
    assert.match((await own.log()).trimEnd(), /database system is shut down$/)
    const thief = net.createServer().listen(port, '127.0.0.1')
    await once(thief, 'listening')
    await assert.rejects(own.startAgain(), /did not start:[^]*could not bind/)
    thief.close()
    await own.startAgain()
    assert.deepEqual(await own.query('SELECT x FROM kept'), [{ x: 1 }])
  })

  it('says why it does not start, and leaves nothing', async () => {
    await assert.rejects(
      PostgresProcess.start({ settings: { shared_buffers: "o'clock" } }),
      /did not start:[^]*invalid value for parameter "shared_buffers": "o'clock"/,
    )
  })

  it('stands still with all its backends', { skip: notLinux }, async () => {
    const shared = await postgres.process()
    const session = await shared.connect()
    const { rows } = await session.query<{ readonly pid: number }>('SELECT pg_backend_pid() AS pid')
    const pids = [shared.pid, rows[0]?.pid]
    const states = () => pids.map((pid) => /^State:\t(\w)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
    await shared.pause()
    assert.deepEqual(states(), ['T', 'T'])
    const answers = [session.query('SELECT 1'), shared.query('SELECT 1')]
    shared.resume()
    await Promise.all(answers)
    assert.ok(!states().includes('T'))
    await session.end()
  })

  it('goes with a test that is killed, also when it stands still', { skip: notLinux }, async () => {
    const script = `
      const { PostgresProcess } = await import(${JSON.stringify(new URL('postgres-process.js', support).href)})
      const started = await PostgresProcess.start()
      await started.pause()
      console.log(started.dataDirectory)`
    const test = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [data] = (await once(createInterface(test.stdout), 'line')) as [string]
    assert.ok(workingIn(data).length > 1)
    test.kill('SIGKILL')
    await eventually('its folder is gone', () => !existsSync(dirname(data)) || undefined)
    await eventually('its processes are gone', () => workingIn(data).length === 0 || undefined)
  })
})

describe('a standby', { skip: postgres.skip }, () => {
  it('has what was committed before, waits for nobody when promoted, and can be replaced', async () => {
    await using primary = await PostgresProcess.start()
    await primary.query('CREATE TABLE kept (x int)')
    await primary.query('INSERT INTO kept VALUES (1)')
    await using first = await primary.addStandby({ name: 'first', synchronous: true })
    assert.equal(await first.isInRecovery(), true)
    assert.equal(await primary.isInRecovery(), false)
    await assert.rejects(first.query('INSERT INTO kept VALUES (0)'), { code: '25006' })
    assert.deepEqual(await primary.query('SELECT application_name, sync_state FROM pg_stat_replication'), [
      { application_name: 'first', sync_state: 'quorum' },
    ])
    await primary.query('INSERT INTO kept VALUES (2)')

    // Its death holds up commits, until nobody waits for it any more.
    await first.kill()
    const held = primary.query('INSERT INTO kept VALUES (3)')
    await eventually('a commit waits', async () => {
      const waiting = await primary.query(`SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'`)
      return waiting.length === 1 || undefined
    })
    await primary.setSynchronousStandbys([])
    await held
    await first.startAgain()
    await primary.setSynchronousStandbys(['first'])
    await primary.query('INSERT INTO kept VALUES (4)')

    await primary.kill()
    await first.promote()
    assert.equal(await first.isInRecovery(), false)
    await first.query('INSERT INTO kept VALUES (5)')
    await using _second = await first.addStandby({ name: 'second', synchronous: true })
    await first.query('INSERT INTO kept VALUES (6)')
    // Of one that waits for others.
    await using third = await first.addStandby({ name: 'third', synchronous: true })
    assert.deepEqual(await first.query('SHOW synchronous_standby_names'), [
      { synchronous_standby_names: 'ANY 1 ("second", "third")' },
    ])
    await first.kill()
    await third.promote()
    await third.query('INSERT INTO kept VALUES (7)')
    assert.deepEqual(
      await third.query('SELECT x FROM kept ORDER BY x'),
      [1, 2, 3, 4, 5, 6, 7].map((x) => ({ x })),
    )
  })

  it('follows through a network that is cut off', async () => {
    const primary = await postgres.process()
    await using proxy = await TcpProxy.to(primary.port)
    await using standby = await primary.addStandby({ name: 'far', primaryPort: proxy.port })
    const find = () => standby.query(`SELECT 1 FROM pg_database WHERE datname = 'late'`)
    proxy.cut()
    await primary.query('CREATE DATABASE late')
    assert.deepEqual(await find(), [])
    proxy.heal()
    await eventually('the standby has it', async () => (await find()).length === 1 || undefined)
  })
})

/** The processes whose working directory this is, or was. */
function workingIn(folder: string): readonly string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return readlinkSync(`/proc/${pid}/cwd`).startsWith(folder)
    } catch {
      return false
    }
  })
}

/** Says back what it hears, and what it has heard in all. */
async function startEcho() {
  const heard: string[] = []
  const sockets: net.Socket[] = []
  const server = net.createServer((socket) => {
    sockets.push(socket)
    socket.on('data', (chunk) => {
      heard.push(chunk.toString())
      socket.write(chunk)
    })
    socket.on('error', () => {})
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  return {
    port: address.port,
    heard,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

async function dial(port: number): Promise<net.Socket> {
  const socket = net.connect(port, '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

async function hears(socket: net.Socket, text: string): Promise<void> {
  let heard = ''
  while (heard.length < text.length) {
    const [chunk] = (await once(socket, 'data')) as [Buffer]
    heard += chunk.toString()
  }
  assert.equal(heard, text)
}

describe('a TCP proxy', () => {
  it('that is cut holds everything in both directions, for new connections too, until it is healed', async () => {
    await using echo = await startEcho()
    await using proxy = await TcpProxy.to(echo.port)
    const [old, direct] = [await dial(proxy.port), await dial(echo.port)]
    old.write('1')
    await hears(old, '1')
    proxy.cut()
    old.write('2')
    const young = await dial(proxy.port)
    young.write('3')
    const gone = await dial(proxy.port)
    gone.end('4')
    await eventually('the proxy has all three', () => proxy.connections === 3 || undefined)
    // What went straight to the server has come back by now, what went through the proxy has not arrived.
    direct.write('5')
    await hears(direct, '5')
    assert.deepEqual(echo.heard, ['1', '5'])
    proxy.heal()
    await Promise.all([hears(old, '2'), hears(young, '3')])
    await eventually('the one that ended is gone', () => proxy.connections === 2 || undefined)
    assert.deepEqual(echo.heard.toSorted(), ['1', '2', '3', '4', '5'])
    direct.destroy()
  })

  it('that is reset ends its connections, and takes others', async () => {
    await using echo = await startEcho()
    await using proxy = await TcpProxy.to(echo.port)
    const [first, second] = [await dial(proxy.port), await dial(proxy.port)]
    await eventually('the proxy has both', () => proxy.connections === 2 || undefined)
    const [firstClosed, secondClosed] = [once(first.resume(), 'close'), once(second.resume(), 'close')]
    proxy.resetOne()
    await firstClosed
    assert.equal(second.destroyed, false)
    proxy.cut()
    proxy.reset()
    await secondClosed
    proxy.heal()
    const third = await dial(proxy.port)
    third.write('x')
    await hears(third, 'x')
  })

  it('that cuts those that there are lets new ones through', async () => {
    await using echo = await startEcho()
    await using proxy = await TcpProxy.to(echo.port)
    const old = await dial(proxy.port)
    await eventually('the proxy has it', () => proxy.connections === 1 || undefined)
    proxy.cutThese()
    old.write('lost')
    const young = await dial(proxy.port)
    young.write('x')
    await hears(young, 'x')
    assert.deepEqual(echo.heard, ['x'])
  })

  it('with a delay hands on in order, also when the delay ends', async () => {
    await using echo = await startEcho()
    await using proxy = await TcpProxy.to(echo.port)
    const socket = await dial(proxy.port)
    const since = performance.now()
    proxy.delay(20)
    socket.write('slow ')
    await eventually('the proxy has it', () => proxy.connections === 1 || undefined)
    await hears(socket, 'slow ')
    assert.ok(performance.now() - since >= 40)
    socket.write('slow ')
    const [both] = [hears(socket, 'slow quick')]
    await new Promise(setImmediate)
    proxy.delay(0)
    socket.write('quick')
    await both
  })
})
