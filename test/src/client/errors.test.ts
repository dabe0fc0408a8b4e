import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  AbortedError,
  Admin,
  Client,
  ClosedError,
  ConnectError,
  GeartrainError,
  InvalidArgumentError,
  ServerError,
  TimeoutError,
  Worker,
} from '@geartrain/client'
import { freePort } from '../support/peers.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'
import { onServers } from './site.ts'

describe('arguments that are refused before anything is sent', () => {
  const client = () => new Client('127.0.0.1:1')
  const worker = () => new Worker('127.0.0.1:1')
  const rows: readonly [string, () => unknown, RegExp][] = [
    ['a NUL in a function', () => client().submit('a\0b', ''), /NUL in the function "a\\u0000b"/],
    ['a NUL in a unique', () => client().submit('f', '', { unique: '\0' }), /NUL in the unique/],
    ['a function of 513 bytes', () => client().submit('é'.repeat(256) + 'x', ''), /function has 513 bytes/],
    ['a unique of 65 bytes', () => client().submit('f', '', { unique: 'x'.repeat(65) }), /unique has 65 bytes/],
    ['a timeout of 0', () => client().submit('f', '', { timeoutMs: 0 }), /timeoutMs/],
    ['a timeout that timers do not have', () => client().submit('f', '', { timeoutMs: 2 ** 31 }), /timeoutMs/],
    ['no handlers', () => worker().start(), /call handle\(\) first/],
    [
      'two handlers of a function',
      () =>
        worker()
          .handle('f', () => '')
          .handle('f', () => ''),
      /f has a handler/,
    ],
    ['a handler with less than a second', () => worker().handle('f', () => '', { timeoutMs: 999 }), /at least 1000/],
    ['concurrency 0', () => new Worker('x', { concurrency: 0 }), /concurrency/],
    ['concurrency 1.5', () => new Worker('x', { concurrency: 1.5 }), /concurrency/],
    ['a clientId with blanks', () => new Worker('x', { clientId: 'a b' }), /blanks in the clientId/],
    ['a clientId of 128 bytes', () => new Worker('x', { clientId: 'x'.repeat(128) }), /clientId has 128 bytes/],
    ['a date that is none', () => client().submitBackground('f', '', { runAt: new Date('x') }), /runAt/],
    ['a date before 1970', () => client().submitBackground('f', '', { runAt: new Date(-1000) }), /runAt/],
    [
      'a policy without such a setting',
      () => client().submit('f', '', { policy: { tries: 1 } as never }),
      /no "tries"/,
    ],
    ['a policy of a negative time', () => client().submit('f', '', { policy: { ttlMs: -1 } }), /ttlMs of a policy/],
    ['a policy of no time', () => client().submit('f', '', { policy: { timeoutMs: Number.NaN } }), /not NaN/],
    ['a NUL in then', () => client().submitBackground('f', '', { then: 'a\0b' }), /NUL in the then/],
    ['a then of 513 bytes', () => client().submitBackground('f', '', { then: 'x'.repeat(513) }), /then has 513 bytes/],
  ]
  for (const [name, call, message] of rows) {
    it(name, async () => {
      await assert.rejects(
        async () => call(),
        (error) => {
          assert.ok(error instanceof InvalidArgumentError, String(error))
          assert.match(error.message, message)
          assert.equal(error.code, 'INVALID_ARGUMENT')
          return true
        },
      )
    })
  }

  for (const server of ['', 'host:', 'host:x', 'host:0', 'host:65536', 'a:1,', '[::1', '::1]:5', 'a b:c']) {
    it(`the server "${server}"`, () => {
      assert.throws(() => new Client(server), { code: 'INVALID_ARGUMENT' })
    })
  }
  it('no server at all', () => {
    assert.throws(() => new Client([]), { code: 'INVALID_ARGUMENT' })
  })
})

describe('servers that are not there', () => {
  for (const [name, open] of [
    ['Client.connect', (servers: string) => Client.connect(servers)],
    ['Admin.connect', (servers: string) => Admin.connect(servers)],
    ['worker.start', (servers: string) => new Worker(servers).handle('f', () => '').start()],
  ] as const) {
    it(`${name} says of each why not`, async () => {
      const [a, b] = [await freePort(), await freePort()]
      await assert.rejects(open(`127.0.0.1:${a}, localhost:${b}`), (error) => {
        assert.ok(error instanceof ConnectError)
        assert.equal(error.code, 'CONNECT_FAILED')
        assert.equal(error.retryable, true)
        assert.match(error.message, new RegExp(`^no server could be reached: 127.0.0.1:${a} \\(connect ECONNREFUSED`))
        assert.match(error.message, new RegExp(`, localhost:${b} \\(`))
        assert.ok(error.cause instanceof AggregateError)
        return true
      })
    })
  }

  it('a client that was not connected tells it with the first call, job or not', async () => {
    const client = new Client({ host: '127.0.0.1', port: await freePort() })
    const job = client.submit('f', '')
    await assert.rejects(job.result(), ConnectError)
    await assert.rejects(job.created(), ConnectError)
    await assert.rejects(async () => {
      for await (const event of job) assert.fail(event.type)
    }, ConnectError)
    await assert.rejects(client.echo('x'), ConnectError)
    await client.close()
  })

  it('the list of GEARMAN_SERVERS is the default', async (t) => {
    const before = process.env['GEARMAN_SERVERS']
    t.after(() => {
      if (before === undefined) delete process.env['GEARMAN_SERVERS']
      else process.env['GEARMAN_SERVERS'] = before
    })
    const port = await freePort()
    process.env['GEARMAN_SERVERS'] = `[::1]:${port}`
    await assert.rejects(Client.connect(), { message: new RegExp(`no server could be reached: \\[::1\\]:${port} `) })
  })
})

onServers('errors', (test) => {
  test('the first server of the list that answers is taken', async (site) => {
    const dead = await freePort()
    for (const servers of [
      `127.0.0.1:${dead},${site.address}`,
      [{ host: '127.0.0.1', port: dead }, site.address],
      [{ port: site.server.port }],
    ]) {
      const client = site.keep(await Client.connect(servers))
      assert.equal(Buffer.from(await client.echo('here')).toString(), 'here')
    }
  })

  test('a full queue', async (site) => {
    const f = site.functionName()
    const admin = await site.admin()
    await admin.createFunction(f)
    await admin.maxQueue(f, 1)
    const client = await site.client()
    await client.submitBackground(f, 'one')
    const refused = [client.submit(f, 'two').result(), client.submit(f, 'two').created()]
    for (const call of [...refused, client.submitBackground(f, 'two')]) {
      await assert.rejects(call, (error) => {
        assert.ok(error instanceof ServerError)
        assert.equal(error.code, 'SERVER_ERROR')
        assert.equal(error.serverCode, 'QUEUE_ERROR')
        assert.equal(error.message, 'QUEUE_ERROR: Job queue is full')
        assert.equal(error.retryable, true)
        return true
      })
    }
    assert.equal(Buffer.from(await client.echo('still here')).toString(), 'still here')
  })

  test('timeoutMs of every call, on a server that says nothing', async (site) => {
    await using proxy = await TcpProxy.to(site.server.port)
    const client = await site.client({ closeTimeoutMs: 50 }, proxy.address)
    const admin = site.keep(await Admin.connect(proxy.address))
    proxy.pause()
    const options = { timeoutMs: 20 }
    const job = client.submit('f', '', options)
    const calls: readonly [string, Promise<unknown>][] = [
      ['a job of f', job.result()],
      ['a job of f', job.created()],
      ['the wait for JOB_CREATED', client.submitBackground('f', '', options)],
      ['the wait for STATUS_RES', client.status('H:x:1', options)],
      ['the wait for STATUS_RES_UNIQUE', client.statusByUnique('u', options)],
      ['the wait for ECHO_RES', client.echo('x', options)],
      ['the answer to "status"', admin.status(options)],
      ['the answer to "version"', admin.version(options)],
    ]
    for (const [what, call] of calls) {
      await assert.rejects(call, (error) => {
        assert.ok(error instanceof TimeoutError)
        assert.equal(error.message, `${what} took longer than 20 ms`)
        assert.equal(error.code, 'TIMEOUT')
        assert.equal(error.retryable, true)
        return true
      })
    }
    // Answers that come after their call has given up are not taken for another's.
    proxy.resume()
    assert.equal(Buffer.from(await client.echo('mine')).toString(), 'mine')
    assert.match(await admin.version(), /^\d/)
  })

  test('the signal of every call', async (site) => {
    await using proxy = await TcpProxy.to(site.server.port)
    const client = await site.client({ closeTimeoutMs: 50 }, proxy.address)
    proxy.pause()
    const reason = new Error('changed my mind')
    for (const abortedBefore of [true, false]) {
      const controller = new AbortController()
      if (abortedBefore) controller.abort(reason)
      const options = { signal: controller.signal }
      const calls = [
        client.submit('f', '', options).result(),
        client.submit('f', '', options).created(),
        client.submitBackground('f', '', options),
        client.status('H:x:1', options),
        client.echo('x', options),
        Client.connect(proxy.address, options),
        Admin.connect(proxy.address, options).then((admin) => site.keep(admin).status(options)),
      ]
      controller.abort(reason)
      // They do not all end in the same moment.
      for (const call of calls) call.catch(() => undefined)
      for (const call of calls) {
        await assert.rejects(call, (error) => {
          assert.ok(error instanceof AbortedError)
          assert.equal(error.code, 'ABORTED')
          assert.equal(error.name, 'AbortError')
          assert.equal(error.cause, reason)
          return true
        })
      }
    }
  })

  test('a job that its submitter gave up goes on, and does not disturb others', async (site) => {
    const f = site.functionName()
    const client = await site.client()
    const controller = new AbortController()
    const job = client.submit(f, 'x', { signal: controller.signal, unique: 'u' })
    await job.created()
    controller.abort()
    await assert.rejects(job.result(), AbortedError)
    const second = client.submit(f, 'y', { unique: 'u' })
    assert.equal(await second.created(), job.handle)
    await site
      .worker()
      .handle(f, async (assigned) => {
        await assigned.data('data')
        return assigned.text()
      })
      .start()
    const events = []
    for await (const event of second) events.push(event.type)
    assert.deepEqual(events, ['created', 'data', 'complete'])
  })

  test('after close() every call says so', async (site) => {
    const client = await site.client()
    const admin = await site.admin()
    await client.close()
    await client.close()
    await admin.close()
    const calls = [client.submit('f', '').result(), client.submitBackground('f', ''), client.echo(''), admin.status()]
    for (const call of calls) {
      await assert.rejects(call, (error) => {
        assert.ok(error instanceof ClosedError)
        assert.ok(error instanceof GeartrainError)
        assert.equal(error.code, 'CLOSED')
        return true
      })
    }
    const worker = site.worker().handle('f', () => '')
    await worker.close()
    await assert.rejects(worker.start(), ClosedError)
    await worker.run()
  })
})
