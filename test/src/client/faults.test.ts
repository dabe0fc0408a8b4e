import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Admin, Client, ClosedError, ConnectionLostError, ProtocolError, Worker } from '@geartrain/client'
import { PACKET } from '../support/raw.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'
import { FakeServer, response } from './proxy.ts'
import { signal } from './signal.ts'
import { onOwnServer, onServers } from './site.ts'

const options = { timeout: 60_000 }
const accepted = response(PACKET.OPTION_RES, 'exceptions')

onServers('faults of a client', (test) => {
  test('a lost connection fails what waits on it, and the next call opens another', async (site) => {
    await using proxy = await TcpProxy.to(site.server.port)
    const client = await site.client({ resubmissions: 0 }, proxy.address)
    const f = site.functionName()
    const job = client.submit(f, 'x')
    await job.created()
    const waiting = [job.result(), client.submit(f, 'y').result()]
    await client.echo('all is sent')
    proxy.reset()
    for (const result of waiting) {
      await assert.rejects(result, (error) => {
        assert.ok(error instanceof ConnectionLostError)
        assert.equal(error.code, 'CONNECTION_LOST')
        assert.equal(error.retryable, true)
        return true
      })
    }
    await assert.rejects(async () => {
      for await (const event of job) assert.equal(event.type, 'created')
    }, ConnectionLostError)
    await site
      .worker()
      .handle(f, () => 'again')
      .start()
    // Many at once share the one connection that is opened.
    const answers = await Promise.all([1, 2, 3].map(() => client.submit(f, 'z').text()))
    assert.deepEqual(answers, ['again', 'again', 'again'])
  })

  test('close() while jobs wait: what was sent is with the server, who waits is told', async (site) => {
    const f = site.functionName()
    const client = await site.client()
    const job = client.submit(f, 'x')
    const handle = client.submitBackground(f, 'y')
    await client.close()
    assert.match(await handle, /^H:/)
    assert.equal(await job.created(), job.handle)
    await assert.rejects(job.result(), ClosedError)
    const workloads = signal<string>()
    await site
      .worker()
      .handle(f, (assigned) => workloads.give(assigned.text()))
      .start()
    assert.equal(await workloads.given, 'y')
  })

  test('close() does not wait long for a server that says nothing', async (site) => {
    await using proxy = await TcpProxy.to(site.server.port)
    const client = await site.client({ closeTimeoutMs: 20 }, proxy.address)
    proxy.pause()
    const handle = client.submitBackground(site.functionName(), '')
    const closed = client.close()
    await assert.rejects(handle, ClosedError)
    await closed
  })

  test('close() while it connects', async (site) => {
    await using proxy = await TcpProxy.to(site.server.port)
    proxy.pause()
    const client = new Client(proxy.address)
    const calls = [client.echo('x'), client.submit('f', '').result()]
    await client.close()
    for (const call of calls) await assert.rejects(call, ClosedError)
  })

  test('a slow server: nothing is mixed up', async (site) => {
    await using proxy = await TcpProxy.to(site.server.port)
    const f = site.functionName()
    await site
      .worker({ concurrency: 10 }, proxy.address)
      .handle(f, (job) => job.text())
      .start()
    const client = await site.client({}, proxy.address)
    const answers = Promise.all(Array.from({ length: 200 }, (_, i) => client.submit(f, String(i)).text()))
    for (let i = 0; i < 20; i++) {
      proxy.pause()
      await new Promise(setImmediate)
      proxy.resume()
      await new Promise(setImmediate)
    }
    assert.deepEqual(
      await answers,
      Array.from({ length: 200 }, (_, i) => String(i)),
    )
  })
})

describe('a server that is killed while it has jobs', () => {
  for (const kind of ['ours', 'gearmand'] as const) {
    it(kind, options, async (t) => {
      await onOwnServer(kind, t, async (site) => {
        const [started, aborted, disconnected] = [signal(), signal<unknown>(), signal<Error>()]
        const errors: unknown[] = []
        await site
          .worker({ onDisconnect: (error) => disconnected.give(error), onError: (error) => errors.push(error) })
          .handle('f', async (job) => {
            const abort = new Promise<void>((resolve) => job.signal.addEventListener('abort', () => resolve()))
            started.give()
            await abort
            aborted.give(job.signal.reason)
            job.progress(1, 2)
            await job.data('nobody hears it')
            throw job.signal.reason
          })
          .start()
        const client = await site.client({ resubmissions: 0 })
        const job = client.submit('f', 'x')
        const outcome = assert.rejects(job.result(), ConnectionLostError)
        await started.given
        process.kill(site.server.pid, 'SIGKILL')
        await outcome
        assert.ok((await aborted.given) instanceof ConnectionLostError)
        assert.ok((await disconnected.given) instanceof ConnectionLostError)
        assert.deepEqual(errors, [])
      })
    })
  }
})

describe('what is not a Gearman server', () => {
  const rows: readonly [string, string | Buffer][] = [
    ['HTTP', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
    ['another magic', Buffer.from('\0XYZ\0\0\0\x1b\0\0\0\0', 'latin1')],
    ['a request', Buffer.from('\0REQ\0\0\0\x1b\0\0\0\0', 'latin1')],
    ['a type that there is not', response(99)],
    ['a packet without its arguments', response(PACKET.JOB_ASSIGN_UNIQ, 'H:x:1')],
    ['a packet larger than allowed', Buffer.from('\0RES\0\0\0\x1b\xff\xff\xff\xff', 'latin1')],
    ['an answer to something else', response(PACKET.JOB_CREATED, 'H:x:1')],
    ['a packet for clients and workers alike', response(PACKET.STATUS_RES, 'H:x:1', '0', '0', '0', '0')],
  ]
  for (const [name, bytes] of rows) {
    it(name, options, async () => {
      await using server = await FakeServer.start((socket) => {
        socket.once('data', () => socket.write(bytes))
      })
      const calls = [
        Client.connect(server.address),
        new Worker(server.address).handle('f', () => '').start(),
        Admin.connect(server.address).then((admin) => admin.status()),
      ]
      for (const call of calls) {
        await assert.rejects(call, (error) => {
          assert.ok(error instanceof Error)
          const lost = error instanceof ConnectionLostError ? error : error.cause
          assert.ok(lost instanceof ConnectionLostError, String(error))
          assert.ok(lost.cause instanceof ProtocolError, String(error))
          assert.equal(lost.cause.code, 'PROTOCOL')
          return true
        })
      }
    })
  }

  it('a server that takes connections and says nothing: the next one of the list is taken', options, async () => {
    await using silent = await FakeServer.start(() => {})
    await using good = await FakeServer.start((socket) => {
      socket.once('data', () => socket.write(accepted))
    })
    const client = await Client.connect([silent.address, good.address], { connectTimeoutMs: 50 })
    await client.close()
  })

  it('a server that has no room says so', options, async () => {
    await using full = await FakeServer.start((socket) => {
      socket.end(response(PACKET.ERROR, 'TOO_MANY_CONNECTIONS', 'no room'))
    })
    const message = /no server could be reached: .* \(TOO_MANY_CONNECTIONS: no room\)/
    await assert.rejects(Client.connect(full.address), { code: 'CONNECT_FAILED', message })
    await assert.rejects(new Worker(full.address).handle('f', () => '').start(), { code: 'CONNECT_FAILED', message })
    const admin = await Admin.connect(full.address)
    await assert.rejects(admin.status(), { code: 'SERVER_ERROR', serverCode: 'TOO_MANY_CONNECTIONS' })
    await admin.close()
  })

  it('a server that does not know the option of exceptions is one all the same', options, async () => {
    await using old = await FakeServer.start((socket) => {
      socket.once('data', () => socket.write(response(PACKET.ERROR, 'UNKNOWN_OPTION', 'no such option')))
    })
    const client = await Client.connect(old.address)
    await client.close()
  })

  it('one that tells a coalesced job once, and one that says FAIL behind an exception', options, async () => {
    await using server = await FakeServer.start((socket) => {
      socket.once('data', () => {
        socket.write(accepted)
        socket.once('data', () => {
          const created = response(PACKET.JOB_CREATED, 'H:x:1')
          const exception = response(PACKET.WORK_EXCEPTION, 'H:x:1', 'oh')
          socket.write(Buffer.concat([created, created, exception, response(PACKET.WORK_FAIL, 'H:x:1')]))
        })
      })
    })
    const client = await Client.connect(server.address)
    const jobs = [client.submit('f', '', { unique: 'u' }), client.submit('f', '', { unique: 'u' })]
    for (const job of jobs) await assert.rejects(job.result(), { code: 'JOB_EXCEPTION', message: 'oh' })
    await client.close()
  })

  it('answers cut at every byte', options, async () => {
    const answers = Buffer.concat([
      response(PACKET.JOB_CREATED, 'H:x:1'),
      response(PACKET.WORK_DATA, 'H:x:1', 'some'),
      response(PACKET.WORK_STATUS, 'H:x:1', '1', '2'),
      response(PACKET.WORK_COMPLETE, 'H:x:1', 'all'),
    ])
    for (let cut = 1; cut < answers.length; cut++) {
      await using server = await FakeServer.start((socket) => {
        socket.setNoDelay()
        socket.once('data', () => {
          socket.write(accepted)
          socket.once('data', () => {
            socket.write(answers.subarray(0, cut))
            setImmediate(() => socket.write(answers.subarray(cut)))
          })
        })
      })
      const client = await Client.connect(server.address)
      const types = []
      const job = client.submit('f', '')
      for await (const event of job) types.push(event.type)
      assert.deepEqual([await job.text(), ...types], ['all', 'created', 'data', 'status', 'complete'])
      await client.close()
    }
  })

  it('a connection that ends at every byte', options, async () => {
    const answers = Buffer.concat([accepted, response(PACKET.JOB_CREATED, 'H:x:1')])
    for (let cut = 0; cut < answers.length; cut++) {
      await using server = await FakeServer.start((socket) => {
        socket.once('data', () => socket.end(answers.subarray(0, cut)))
      })
      const job = new Client(server.address, { resubmissions: 0 }).submit('f', '')
      await assert.rejects(job.result(), (error) => {
        assert.ok(error instanceof Error && 'code' in error)
        assert.equal(error.code, cut < accepted.length ? 'CONNECT_FAILED' : 'CONNECTION_LOST')
        return true
      })
    }
  })
})
