import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  type AssignedJob,
  Client,
  ConnectError,
  ConnectionLostError,
  ProtocolError,
  ServerError,
  Worker,
  type WorkerOptions,
} from '@geartrain/client'
// Not of the package's face.
import { backoffMs } from '../../../packages/client/dist/backoff.js'
import { freePort, startServer } from '../support/peers.ts'
import { PACKET } from '../support/raw.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'
import { response } from './proxy.ts'
import { signal } from './signal.ts'
import { onOwnServer, onServers } from './site.ts'
import { Talk } from './talk.ts'

const options = { timeout: 60_000 }
const reconnect = { minMs: 4, maxMs: 20 }

onServers('faults of a worker', (test) => {
  test('a lost connection: it comes back and registers again, with its name', async (site) => {
    await using proxy = await TcpProxy.to(site.server.port)
    const f = site.functionName()
    const [disconnected, returned] = [signal<Error>(), signal()]
    let connects = 0
    const worker = site.worker(
      {
        clientId: f,
        reconnect,
        onConnect: () => {
          if (++connects === 2) returned.give()
        },
        onDisconnect: (error) => disconnected.give(error),
      },
      proxy.address,
    )
    await worker.handle(f, () => 'answer').start()
    proxy.reset()
    assert.ok((await disconnected.given) instanceof ConnectionLostError)
    await returned.given
    assert.equal(await (await site.client()).submit(f, '').text(), 'answer')
    const rows = await (await site.admin()).workers()
    assert.deepEqual(rows.find((row) => row.clientId === f)?.functions, [f])
  })

  test('a job that runs when the connection is lost: aborted here, done by the next attempt', async (site) => {
    await using proxy = await TcpProxy.to(site.server.port)
    const f = site.functionName()
    const [started, aborted] = [signal(), signal<unknown>()]
    let attempts = 0
    await site
      .worker({ reconnect }, proxy.address)
      .handle(f, async (job) => {
        if (attempts++ > 0) return 'second attempt'
        const abort = new Promise<void>((resolve) => job.signal.addEventListener('abort', () => resolve()))
        started.give()
        await abort
        aborted.give(job.signal.reason)
        return 'first attempt'
      })
      .start()
    const job = (await site.client()).submit(f, '')
    await started.given
    proxy.reset()
    assert.ok((await aborted.given) instanceof ConnectionLostError)
    assert.equal(await job.text(), 'second attempt')
  })

  test('a handler from before a lost connection still has its slot', async (site) => {
    await using proxy = await TcpProxy.to(site.server.port)
    const f = site.functionName()
    const [started, returned, goOn] = [signal(), signal(), signal()]
    let [running, most, connects] = [0, 0, 0]
    const worker = site.worker(
      {
        reconnect,
        onConnect: () => {
          if (++connects === 2) returned.give()
        },
      },
      proxy.address,
    )
    worker.handle(f, async () => {
      running++
      most = Math.max(most, running)
      started.give()
      await goOn.given
      running--
    })
    await worker.start()
    const client = await site.client()
    const jobs = [client.submit(f, ''), client.submit(f, '')]
    await started.given
    proxy.reset()
    await returned.given
    goOn.give()
    await Promise.all(jobs.map((job) => job.result()))
    assert.equal(most, 1)
  })

  test('it waits for a server that is not there yet, if it is to', async (site) => {
    const port = await freePort()
    const f = site.functionName()
    const [first, third] = [signal(), signal()]
    const waits: number[] = []
    const onDisconnect: WorkerOptions['onDisconnect'] = (error, retryMs) => {
      assert.ok(error instanceof ConnectError)
      first.give()
      if (waits.push(retryMs) === 5) third.give()
    }
    const worker = site.worker({ waitForServer: true, reconnect, onDisconnect }, `127.0.0.1:${port}`)
    const started = worker.handle(f, () => 'at last').start()
    const job = (await site.client()).submit(f, '')
    await first.given
    await third.given
    for (const [i, most] of [4, 8, 16, 20, 20].entries()) {
      const waitMs = waits[i] ?? 0
      assert.ok(waitMs >= most / 2 && waitMs <= most, `attempt ${i} waited ${waitMs} ms, at most ${most} were due`)
    }
    await using _proxy = await TcpProxy.to(site.server.port, port)
    await started
    assert.equal(await job.text(), 'at last')
    await worker.close()
  })

  test('close() while it waits for the next attempt', async (site) => {
    const proxy = await TcpProxy.to(site.server.port)
    const disconnected = signal()
    const onDisconnect = () => disconnected.give()
    const worker = site.worker({ reconnect: { minMs: 600_000 }, onDisconnect }, proxy.address)
    await worker.handle(site.functionName(), () => '').start()
    await proxy[Symbol.asyncDispose]()
    await disconnected.given
    await worker.close()
    await worker.run()
  })

  test('close() of one that still waits for its first server', async () => {
    const disconnected = signal()
    const worker = new Worker(`127.0.0.1:${await freePort()}`, {
      waitForServer: true,
      reconnect: { minMs: 600_000 },
      onDisconnect: () => disconnected.give(),
    })
    const started = worker.handle('f', () => '').start()
    await disconnected.given
    await Promise.all([worker.close(), assert.rejects(started, { code: 'CLOSED' })])
  })

  test('start() once more, after a server was not there', async (site) => {
    const port = await freePort()
    const worker = site.worker({}, `127.0.0.1:${port}`).handle(site.functionName(), () => '')
    await assert.rejects(worker.start(), ConnectError)
    await using _proxy = await TcpProxy.to(site.server.port, port)
    await worker.start()
    await worker.close()
  })

  test('close() when the server says nothing any more', async (site) => {
    await using proxy = await TcpProxy.to(site.server.port)
    const worker = site.worker({ closeTimeoutMs: 20 }, proxy.address).handle(site.functionName(), () => '')
    await worker.start()
    proxy.pause()
    await worker.close()
  })

  class Unspeakable {
    toString(): string {
      throw new Error('never')
    }
  }
  for (const [name, thrown, message] of [
    ['undefined', undefined, 'undefined'],
    ['null', null, 'null'],
    ['a frozen object', Object.freeze({}), '[object Object]'],
    ['an object whose toString throws', new Unspeakable(), 'the handler threw something that is not an error'],
    ['an error whose message is no text', Object.assign(new Error(), { message: 42 }), '42'],
  ] as const) {
    test(`a handler that throws ${name}: an exception, told as it was, and the slot is free`, async (site) => {
      const f = site.functionName()
      const errors: unknown[] = []
      await site
        .worker({ onError: (error) => errors.push(error) })
        .handle(f, (job) => {
          if (job.text() === 'throw') throw thrown
        })
        .start()
      const client = await site.client()
      await assert.rejects(client.submit(f, 'throw').result(), { code: 'JOB_EXCEPTION', message })
      await client.submit(f, '').result()
      assert.deepEqual(errors, [thrown])
    })
  }

  test('a handler that never returns: its timeout frees the slot', async (site) => {
    const f = site.functionName()
    let attempts = 0
    const never = new Promise<void>(() => {})
    await site
      .worker()
      .handle(f, () => (++attempts === 1 ? never : 'another attempt'), { timeoutMs: 1000 })
      .start()
    assert.equal(await (await site.client()).submit(f, '').text(), 'another attempt')
  })

  test('many workers that lose their server at once all come back', async (site) => {
    await using proxy = await TcpProxy.to(site.server.port)
    const f = site.functionName()
    const names = Array.from({ length: 100 }, (_, i) => `${f}-${i}`)
    const back = names.map(() => signal())
    const workers = names.map((name, i) => {
      let connects = 0
      const onConnect = () => {
        if (++connects === 2) back[i]?.give()
      }
      return site.worker({ reconnect: { minMs: 4, maxMs: 200 }, onConnect }, proxy.address).handle(name, () => name)
    })
    await Promise.all(workers.map((worker) => worker.start()))
    proxy.reset()
    await Promise.all(back.map(({ given }) => given))
    const client = await site.client()
    assert.deepEqual(await Promise.all(names.map((name) => client.submit(name, '').text())), names)
    await Promise.all(workers.map((worker) => worker.close()))
  })

  test('a thousand workers that start at once', async (site) => {
    const f = site.functionName()
    // gearmand's queue of new connections has 32 places; who finds none is not told, and so tries again.
    const patient = { waitForServer: true, connectTimeoutMs: 2000 }
    const workers = Array.from({ length: 1000 }, () => site.worker(patient).handle(f, (job) => job.text()))
    await Promise.all(workers.map((worker) => worker.start()))
    const rows = await (await site.admin()).status()
    assert.ok((rows.find((row) => row.function === f)?.workers ?? 0) >= 1000)
    const client = await site.client()
    const texts = Array.from({ length: 2000 }, (_, i) => String(i))
    assert.deepEqual(await Promise.all(texts.map((text) => client.submit(f, text).text())), texts)
    await Promise.all(workers.map((worker) => worker.close()))
  })
})

describe('a server that is killed while it has jobs, and another that takes its place', () => {
  for (const kind of ['ours', 'gearmand'] as const) {
    it(kind, options, async (t) => {
      await onOwnServer(kind, t, async (site) => {
        const port = await freePort()
        const before = await TcpProxy.to(site.server.port, port)
        const [started, aborted] = [signal(), signal<unknown>()]
        let [running, most] = [0, 0]
        await site
          .worker({ concurrency: 2, reconnect }, before.address)
          .handle('f', async (job) => {
            most = Math.max(most, ++running)
            if (job.text() === 'lost') {
              const abort = new Promise<void>((resolve) => job.signal.addEventListener('abort', () => resolve()))
              started.give()
              await abort
              aborted.give(job.signal.reason)
            }
            running--
            return 'done'
          })
          .start()
        const client = await site.client()
        const outcome = assert.rejects(client.submit('f', 'lost', { timeoutMs: 30_000 }).result())
        await started.given
        process.kill(site.server.pid, 'SIGKILL')
        assert.ok((await aborted.given) instanceof ConnectionLostError)
        await before[Symbol.asyncDispose]()
        await using next = await startServer(kind)
        await using after = await TcpProxy.to(next.port, port)
        const other = site.keep(await Client.connect(after.address))
        const results = Array.from({ length: 20 }, () => other.submit('f', 'next').text())
        assert.deepEqual(
          await Promise.all(results),
          results.map(() => 'done'),
        )
        assert.ok(most <= 2)
        await client.close()
        await outcome
      })
    })
  }
})

describe('the waits between attempts', () => {
  it('double up to the longest, and half of each is chance', () => {
    const samples = 10_000
    for (const [attempt, longest] of [100, 200, 400, 800, 1000, 1000].entries()) {
      const buckets = Array.from({ length: 10 }, () => 0)
      for (let i = 0; i < samples; i++) {
        const waitMs = backoffMs({ minMs: 100, maxMs: 1000 }, attempt)
        assert.ok(waitMs >= longest / 2 && waitMs < longest)
        const bucket = Math.floor((waitMs / longest - 0.5) * 20)
        buckets[bucket] = (buckets[bucket] ?? 0) + 1
      }
      // Each tenth has a thousand of them; 300 is ten standard deviations.
      for (const count of buckets)
        assert.ok(Math.abs(count - samples / 10) < 300, `attempt ${attempt}: ${buckets.join()}`)
    }
  })

  it('end nowhere: the longest one stays, however many there were', () => {
    assert.ok(backoffMs({ minMs: 100, maxMs: 1000 }, 5000) <= 1000)
  })
})

describe('what a worker says on the wire', () => {
  it('sleeps when there are no jobs, asks again when woken, and once more for each answer', options, async () => {
    const talk = await Talk.start()
    const worker = new Worker(talk.address, { concurrency: 4, clientId: 'w' })
    worker.handle('f', (job) => job.text()).handle('g', () => '', { timeoutMs: 1500 })
    await talk.welcome(worker, 'SET_CLIENT_ID w', 'CAN_DO f', 'CAN_DO_TIMEOUT g|1500')
    talk.say(response(PACKET.NO_JOB))
    await talk.expect('PRE_SLEEP ')
    talk.say(response(PACKET.NOOP))
    await talk.expect('GRAB_JOB_ALL ')
    talk.say(response(PACKET.JOB_ASSIGN, 'H:1', 'f', 'one'))
    // Four slots, one of them taken until the answer is sent: two jobs are asked for at once.
    await talk.expect('GRAB_JOB_ALL ', 'GRAB_JOB_ALL ', 'WORK_COMPLETE H:1|one')
    talk.say(response(PACKET.JOB_ASSIGN_UNIQ, 'H:2', 'f', 'u', 'two'), response(PACKET.NO_JOB))
    const closed = worker.close()
    await talk.expectLast('WORK_COMPLETE H:2|two', 'ECHO_REQ ')
    await talk.end()
    await closed
  })

  it('a job for it that is assigned when it says goodbye is done', options, async () => {
    const talk = await Talk.start()
    const worker = new Worker(talk.address).handle('f', (job) => job.text())
    await talk.welcome(worker, 'CAN_DO f')
    const closed = worker.close()
    await talk.expect('ECHO_REQ ')
    talk.say(response(PACKET.JOB_ASSIGN, 'H:1', 'f', 'last'), response(PACKET.ECHO_RES))
    await talk.expect('WORK_COMPLETE H:1|last', 'ECHO_REQ ')
    talk.say(response(PACKET.ECHO_RES))
    await closed
    await talk.end()
  })

  it('an answer that the server refuses: said by onError, and it goes on', options, async () => {
    const talk = await Talk.start()
    const refused = signal<readonly [unknown, AssignedJob | undefined]>()
    const worker = new Worker(talk.address, { onError: (error, job) => refused.give([error, job]) })
    await talk.welcome(
      worker.handle('f', () => 'late'),
      'CAN_DO f',
    )
    talk.say(response(PACKET.JOB_ASSIGN, 'H:1', 'f', ''))
    await talk.expect('WORK_COMPLETE H:1|late', 'GRAB_JOB_ALL ')
    talk.say(response(PACKET.ERROR, 'JOB_NOT_FOUND', 'Job given in work result not found'))
    const [error, job] = await refused.given
    assert.ok(error instanceof ServerError)
    assert.equal(error.serverCode, 'JOB_NOT_FOUND')
    assert.equal(error.retryable, false)
    assert.equal(job, undefined)
    talk.say(response(PACKET.NO_JOB))
    await talk.expect('PRE_SLEEP ')
    await talk.end()
    await worker.close()
  })

  for (const [name, bytes] of [
    ['a job of a function that it does not have', response(PACKET.JOB_ASSIGN, 'H:1', 'other', '')],
    ['an answer for clients', response(PACKET.JOB_CREATED, 'H:1')],
    ['text', Buffer.from('OK\n')],
  ] as const) {
    it(`${name} ends the connection`, options, async () => {
      const talk = await Talk.start()
      const lost = signal<Error>()
      const worker = new Worker(talk.address, {
        reconnect: { minMs: 600_000 },
        onDisconnect: (error) => lost.give(error),
      })
      const started = worker.handle('f', () => '').start()
      await talk.expect('CAN_DO f', 'ECHO_REQ ')
      talk.say(response(PACKET.ECHO_RES))
      await started
      talk.say(bytes)
      const error = await lost.given
      assert.ok(error.cause instanceof ProtocolError, String(error.cause))
      await worker.close()
      await talk.end()
    })
  }

  it('data() waits for a network that takes nothing, and only then', options, async () => {
    const talk = await Talk.start()
    const chunk = new Uint8Array(100_000)
    const full = signal()
    const worker = new Worker(talk.address).handle('f', async (job) => {
      for (let i = 0; i < 10_000; i++) {
        const sent = job.data(chunk)
        const isSent = await Promise.race([sent.then(() => true), turns(10).then(() => false)])
        if (isSent) continue
        full.give()
        await sent
        return 'through'
      }
      return 'never full'
    })
    await talk.welcome(worker, 'CAN_DO f')
    talk.pause()
    talk.say(response(PACKET.JOB_ASSIGN, 'H:1', 'f', ''))
    await full.given
    talk.resume()
    await talk.expectLast('WORK_COMPLETE H:1|through', 'GRAB_JOB_ALL ')
    await talk.end()
    await worker.close()
  })
})

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise(setImmediate)
}
