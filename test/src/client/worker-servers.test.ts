import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ClosedError, ConnectError, ConnectionLostError, formatServer, Worker } from '@geartrain/client'
import { freePort, startServer } from '../support/peers.ts'
import { PACKET } from '../support/raw.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'
import { response } from './proxy.ts'
import { signal } from './signal.ts'
import { onServers } from './site.ts'
import { Talk } from './talk.ts'

const options = { timeout: 60_000 }
const reconnect = { minMs: 4, maxMs: 20 }

onServers('a worker with several servers', (test) => {
  test('does the jobs of all of them, and never more than it has slots', async (site) => {
    const other = site.keep(await startServer(site.kind))
    const f = site.functionName()
    const addresses = [site.address, `127.0.0.1:${other.port}`]
    let [running, most] = [0, 0]
    await site
      .worker({ concurrency: 3 }, addresses.join(','))
      .handle(f, async (job) => {
        most = Math.max(most, ++running)
        await new Promise(setImmediate)
        running--
        return `${job.text()} is done`
      })
      .start()
    const answers = addresses.map(async (address) => {
      const client = await site.client({}, address)
      return Promise.all(Array.from({ length: 50 }, (_, i) => client.submit(f, `${address} ${i}`).text()))
    })
    for (const [i, texts] of (await Promise.all(answers)).entries()) {
      assert.deepEqual(
        texts,
        texts.map((_, n) => `${addresses[i]} ${n} is done`),
      )
    }
    assert.equal(most, 3)
  })

  test('starts with those that are there, and tries the others', async (site) => {
    const port = await freePort()
    const f = site.functionName()
    const [failed, back] = [signal<readonly [Error, string]>(), signal()]
    const connected: string[] = []
    const worker = site.worker(
      {
        reconnect,
        onConnect: (server) => {
          if (connected.push(formatServer(server)) === 2) back.give()
        },
        onDisconnect: (error, _retryMs, server) => failed.give([error, formatServer(server)]),
      },
      `127.0.0.1:${port},${site.address}`,
    )
    await worker.handle(f, () => 'done').start()
    const [error, server] = await failed.given
    assert.ok(error instanceof ConnectError)
    assert.equal(server, `127.0.0.1:${port}`)
    await using proxy = await TcpProxy.to(site.server.port, port)
    await back.given
    assert.deepEqual(connected, [site.address, proxy.address])
    assert.equal(await (await site.client()).submit(f, '').text(), 'done')
    await worker.close()
  })

  test('none that can be reached: start() names them all', async (site) => {
    const ports = [await freePort(), await freePort()]
    const worker = site.worker({}, ports.map((port) => `127.0.0.1:${port}`).join(','))
    const [one, two] = ports
    await assert.rejects(worker.handle('f', () => '').start(), {
      code: 'CONNECT_FAILED',
      message: new RegExp(`^no server could be reached: 127.0.0.1:${one} \\(.*REFUSED.*\\), 127.0.0.1:${two} \\(`),
    })
  })

  test('waits for the first one to come, if it is to', async (site) => {
    const [one, two] = [await freePort(), await freePort()]
    const failed = signal()
    const f = site.functionName()
    const worker = site
      .worker(
        { waitForServer: true, reconnect, onDisconnect: () => failed.give() },
        `127.0.0.1:${one},127.0.0.1:${two}`,
      )
      .handle(f, () => 'done')
    const started = worker.start()
    await failed.given
    await using _proxy = await TcpProxy.to(site.server.port, two)
    await started
    assert.equal(await (await site.client()).submit(f, '').text(), 'done')
    await worker.close()
  })

  test('one that is lost: its jobs are aborted, those of the others are not', async (site) => {
    const other = site.keep(await startServer(site.kind))
    await using proxy = await TcpProxy.to(other.port)
    const f = site.functionName()
    const [both, goOn, aborted, lost] = [signal(), signal(), signal<unknown>(), signal<string>()]
    let started = 0
    await site
      .worker(
        { concurrency: 2, reconnect, onDisconnect: (_error, _ms, server) => lost.give(formatServer(server)) },
        `${site.address},${proxy.address}`,
      )
      .handle(f, async (job) => {
        if (++started > 2) return 'another attempt'
        if (started === 2) both.give()
        job.signal.addEventListener('abort', () => aborted.give([job.text(), job.signal.reason]))
        await goOn.given
        return `${job.text()} aborted: ${job.signal.aborted}`
      })
      .start()
    const here = (await site.client()).submit(f, 'here')
    const there = (await site.client({}, `127.0.0.1:${other.port}`)).submit(f, 'there')
    await both.given
    proxy.reset()
    const [text, reason] = (await aborted.given) as [string, unknown]
    assert.equal(text, 'there')
    assert.ok(reason instanceof ConnectionLostError)
    assert.equal(await lost.given, proxy.address)
    goOn.give()
    assert.equal(await here.text(), 'here aborted: false')
    assert.equal(await there.text(), 'another attempt')
  })

  for (const [name, limit, connections] of [
    ['a function added later', {}, 1],
    ['a function with a limit added later', { concurrency: 1 }, 2],
  ] as const) {
    test(`${name}: all servers are told`, async (site) => {
      const other = site.keep(await startServer(site.kind))
      const [first, later] = [site.functionName(), site.functionName()]
      const addresses = [site.address, `127.0.0.1:${other.port}`]
      const both = signal()
      let connects = 0
      const onConnect = () => {
        if (++connects === 2) both.give()
      }
      const hooks = { onConnect, clientId: first }
      const worker = site.worker({ concurrency: 2, ...hooks }, addresses.join(',')).handle(first, () => 'first')
      await worker.start()
      await both.given
      worker.handle(later, (job) => job.text(), limit)
      for (const address of addresses) {
        assert.equal(await (await site.client({}, address)).submit(later, 'later').text(), 'later')
      }
      assert.equal(connects, 2)
      const rows = await (await site.admin()).workers()
      assert.equal(rows.filter((row) => row.clientId === first).length, connections)
    })
  }

  test('the connections to a server come and go together', async (site) => {
    await using proxy = await TcpProxy.to(site.server.port)
    const [one, two] = [site.functionName(), site.functionName()]
    const back = signal()
    let connects = 0
    const onConnect = () => {
      if (++connects === 2) back.give()
    }
    await site
      .worker({ concurrency: 2, clientId: one, reconnect, onConnect }, proxy.address)
      .handle(one, () => 'one')
      .handle(two, () => 'two', { concurrency: 1 })
      .start()
    proxy.resetOne()
    await back.given
    const client = await site.client()
    assert.deepEqual(await Promise.all([client.submit(one, '').text(), client.submit(two, '').text()]), ['one', 'two'])
    const admin = await site.admin()
    const count = async () => (await admin.workers()).filter((row) => row.clientId === one).length
    // The server sees the end of those before in its own time.
    let rows = await count()
    for (let i = 0; i < 1000 && rows !== 2; i++) rows = await count()
    assert.equal(rows, 2)
  })

  test('functions added while it starts', async (site) => {
    const names = [site.functionName(), site.functionName(), site.functionName(), site.functionName()]
    const worker = site.worker({ concurrency: 2 })
    const [first = '', ...others] = names
    worker.handle(first, () => first)
    const started = worker.start()
    for (const [i, name] of others.entries()) {
      await new Promise(setImmediate)
      worker.handle(name, () => name, { concurrency: 1 + (i % 2) })
    }
    await started
    const client = await site.client()
    assert.deepEqual(await Promise.all(names.map((name) => client.submit(name, '').text())), names)
  })

  test('close() finishes what runs, wherever it is from', async (site) => {
    const other = site.keep(await startServer(site.kind))
    const f = site.functionName()
    const addresses = [site.address, `127.0.0.1:${other.port}`]
    const [both, goOn] = [signal(), signal()]
    let started = 0
    const worker = site
      .worker({ concurrency: 2, closeTimeoutMs: undefined }, addresses.join(','))
      .handle(f, async (job) => {
        if (++started === 2) both.give()
        await goOn.given
        return job.text()
      })
    await worker.start()
    const clients = await Promise.all(addresses.map((address) => site.client({}, address)))
    const jobs = clients.map((client, i) => client.submit(f, String(i)))
    await both.given
    const closed = worker.close()
    goOn.give()
    await closed
    assert.deepEqual(await Promise.all(jobs.map((job) => job.text())), ['0', '1'])
  })

  test('a hundred times the same server: nothing is warned of', async (site) => {
    const warnings: Error[] = []
    const warn = (warning: Error) => warnings.push(warning)
    process.on('warning', warn)
    const f = site.functionName()
    const worker = site.worker({}, Array.from({ length: 100 }, () => site.address).join(',')).handle(f, () => 'done')
    await worker.start()
    assert.equal(await (await site.client()).submit(f, '').text(), 'done')
    await worker.close()
    await new Promise(setImmediate)
    process.off('warning', warn)
    assert.deepEqual(warnings, [])
  })
})

describe('a worker between servers, on the wire', () => {
  it('servers get the slots in turns, and one that sleeps gets none', options, async () => {
    const [a, b] = [await Talk.start(), await Talk.start()]
    const awake = signal()
    const onError = () => awake.give()
    const worker = new Worker([a.address, b.address], { onError }).handle('f', (job) => job.text())
    const started = worker.start()
    for (const talk of [a, b]) {
      await talk.expect('CAN_DO f', 'ECHO_REQ ')
      talk.say(response(PACKET.ECHO_RES))
      if (talk === a) await started
      if (talk === a) await a.expect('GRAB_JOB_ALL ')
    }
    // The one slot goes on when the answer is there.
    a.say(response(PACKET.NO_JOB))
    await a.expect('PRE_SLEEP ')
    await b.expect('GRAB_JOB_ALL ')
    b.say(response(PACKET.NO_JOB))
    await b.expect('PRE_SLEEP ')

    a.say(response(PACKET.NOOP))
    await a.expect('GRAB_JOB_ALL ')
    a.say(response(PACKET.JOB_ASSIGN, 'H:a:1', 'f', 'a1'))
    // The other one sleeps.
    await a.expect('WORK_COMPLETE H:a:1|a1', 'GRAB_JOB_ALL ')
    // An error behind the NOOP, to know that it has come.
    b.say(response(PACKET.NOOP), response(PACKET.ERROR, 'ANY', 'any'))
    await awake.given
    for (let i = 2; i < 5; i++) {
      a.say(response(PACKET.JOB_ASSIGN, `H:a:${i}`, 'f', `a${i}`))
      await a.expect(`WORK_COMPLETE H:a:${i}|a${i}`)
      await b.expect('GRAB_JOB_ALL ')
      assert.equal(a.heardCount, 0)
      b.say(response(PACKET.JOB_ASSIGN, `H:b:${i}`, 'f', `b${i}`))
      await b.expect(`WORK_COMPLETE H:b:${i}|b${i}`)
      await a.expect('GRAB_JOB_ALL ')
      assert.equal(b.heardCount, 0)
    }
    a.say(response(PACKET.NO_JOB))
    await a.expect('PRE_SLEEP ')
    await b.expect('GRAB_JOB_ALL ')
    await Promise.all([a.end(), b.end()])
    await worker.close()
  })

  it('what a lost server was asked for is asked of the other', options, async () => {
    const [a, b] = [await Talk.start(), await Talk.start()]
    const worker = new Worker([a.address, b.address], { concurrency: 1, reconnect: { minMs: 600_000 } })
    const started = worker.handle('f', (job) => job.text()).start()
    await a.expect('CAN_DO f', 'ECHO_REQ ')
    a.say(response(PACKET.ECHO_RES))
    await started
    await a.expect('GRAB_JOB_ALL ')
    await b.expect('CAN_DO f', 'ECHO_REQ ')
    b.say(response(PACKET.ECHO_RES))
    await a.end()
    await b.expect('GRAB_JOB_ALL ')
    b.say(response(PACKET.JOB_ASSIGN, 'H:b:1', 'f', 'one'))
    await b.expect('WORK_COMPLETE H:b:1|one', 'GRAB_JOB_ALL ')
    await b.end()
    await worker.close()
  })

  it('close() while one of them is being opened', options, async () => {
    const [a, b] = [await Talk.start(), await Talk.start()]
    const worker = new Worker([a.address, b.address]).handle('f', () => '')
    const started = worker.start()
    await a.expect('CAN_DO f', 'ECHO_REQ ')
    await b.expect('CAN_DO f', 'ECHO_REQ ')
    await Promise.all([worker.close(), assert.rejects(started, ClosedError)])
    await Promise.all([a.end(), b.end()])
  })

  it('a server that gives a job which it was not asked for is left', options, async () => {
    const talk = await Talk.start()
    const lost = signal<Error>()
    const worker = new Worker(talk.address, {
      reconnect: { minMs: 600_000 },
      onDisconnect: (error) => lost.give(error),
    }).handle('f', () => '')
    const started = worker.start()
    await talk.expect('CAN_DO f', 'ECHO_REQ ')
    talk.say(response(PACKET.ECHO_RES))
    await started
    const job = response(PACKET.JOB_ASSIGN, 'H:1', 'f', '')
    talk.say(job, job, job)
    assert.match((await lost.given).message, /an answer to a GRAB_JOB that was not sent/)
    await worker.close()
    await talk.end()
  })
})
