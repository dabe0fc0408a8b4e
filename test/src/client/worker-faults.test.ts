import assert from 'node:assert/strict'
import type net from 'node:net'
import { describe, it } from 'node:test'
import {
  type AssignedJob,
  ConnectError,
  ConnectionLostError,
  ProtocolError,
  ServerError,
  Worker,
  type WorkerOptions,
} from '@geartrain/client'
import { freePort } from '../support/peers.ts'
import { PACKET } from '../support/raw.ts'
import { FakeServer, Proxy, response } from './proxy.ts'
import { signal } from './signal.ts'
import { onServers } from './site.ts'

const options = { timeout: 60_000 }
const reconnect = { minMs: 4, maxMs: 20 }

onServers('faults of a worker', (test) => {
  test('a lost connection: it comes back and registers again, with its name', async (site) => {
    await using proxy = await Proxy.to(site.server.port)
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
    proxy.cut()
    assert.ok((await disconnected.given) instanceof ConnectionLostError)
    await returned.given
    assert.equal(await (await site.client()).submit(f, '').text(), 'answer')
    const rows = await (await site.admin()).workers()
    assert.deepEqual(rows.find((row) => row.clientId === f)?.functions, [f])
  })

  test('a job that runs when the connection is lost: aborted here, done by the next attempt', async (site) => {
    await using proxy = await Proxy.to(site.server.port)
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
    proxy.cut()
    assert.ok((await aborted.given) instanceof ConnectionLostError)
    assert.equal(await job.text(), 'second attempt')
  })

  test('a handler from before a lost connection still has its slot', async (site) => {
    await using proxy = await Proxy.to(site.server.port)
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
    proxy.cut()
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
    await using _proxy = await Proxy.to(site.server.port, port)
    await started
    assert.equal(await job.text(), 'at last')
    await worker.close()
  })

  test('close() while it waits for the next attempt', async (site) => {
    const proxy = await Proxy.to(site.server.port)
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
    await using _proxy = await Proxy.to(site.server.port, port)
    await worker.start()
    await worker.close()
  })

  test('close() when the server says nothing any more', async (site) => {
    await using proxy = await Proxy.to(site.server.port)
    const worker = site.worker({ closeTimeoutMs: 20 }, proxy.address).handle(site.functionName(), () => '')
    await worker.start()
    proxy.pause()
    await worker.close()
  })
})

describe('what a worker says on the wire', () => {
  it('sleeps when there are no jobs, asks again when woken, and once more for each answer', options, async () => {
    const talk = await Talk.start()
    const worker = new Worker(talk.address, { concurrency: 4, clientId: 'w' })
    worker.handle('f', (job) => job.text()).handle('g', () => '', { timeoutMs: 1500 })
    const started = worker.start()
    await talk.expect('SET_CLIENT_ID w', 'CAN_DO f', 'CAN_DO_TIMEOUT g|1500', 'ECHO_REQ ')
    talk.say(response(PACKET.ECHO_RES))
    await started
    await talk.expect('GRAB_JOB_ALL ')
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
    const started = worker.start()
    await talk.expect('CAN_DO f', 'ECHO_REQ ')
    talk.say(response(PACKET.ECHO_RES))
    await started
    await talk.expect('GRAB_JOB_ALL ')
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
    const started = worker.handle('f', () => 'late').start()
    await talk.expect('CAN_DO f', 'ECHO_REQ ')
    talk.say(response(PACKET.ECHO_RES))
    await started
    await talk.expect('GRAB_JOB_ALL ')
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
    const started = worker.start()
    await talk.expect('CAN_DO f', 'ECHO_REQ ')
    talk.say(response(PACKET.ECHO_RES))
    await started
    await talk.expect('GRAB_JOB_ALL ')
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

const nameOf = new Map<number, string>(Object.entries(PACKET).map(([name, type]) => [type, name]))

/** A server that a test plays itself, for one connection. */
class Talk {
  readonly address: string
  readonly #server: FakeServer
  readonly #heard: string[] = []
  #rest: Buffer = Buffer.alloc(0)
  #socket: net.Socket | undefined
  #wake: () => void = () => {}

  static async start(): Promise<Talk> {
    const met = signal<net.Socket>()
    const talk = new Talk(await FakeServer.start(met.give))
    void met.given.then((socket) => talk.#meet(socket))
    return talk
  }

  private constructor(server: FakeServer) {
    this.#server = server
    this.address = server.address
  }

  say(...packets: readonly Buffer[]): void {
    this.#socket?.write(Buffer.concat(packets))
  }

  pause(): void {
    this.#socket?.pause()
  }

  resume(): void {
    this.#socket?.resume()
  }

  /** The next packets from the worker, in their order. */
  async expect(...packets: readonly string[]): Promise<void> {
    while (this.#heard.length < packets.length) await this.#more()
    assert.deepEqual(this.#heard.splice(0, packets.length), packets)
  }

  /** Whatever comes before them. */
  async expectLast(...packets: readonly string[]): Promise<void> {
    while (!packets.every((packet) => this.#heard.includes(packet))) await this.#more()
    this.#heard.length = 0
  }

  async end(): Promise<void> {
    await this.#server[Symbol.asyncDispose]()
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }

  #meet(socket: net.Socket): void {
    this.#socket = socket
    socket.on('data', (chunk) => {
      this.#rest = Buffer.concat([this.#rest, chunk])
      while (this.#rest.length >= 12 && this.#rest.length >= 12 + this.#rest.readUInt32BE(8)) {
        const length = 12 + this.#rest.readUInt32BE(8)
        const body = this.#rest.subarray(12, length).toString('latin1')
        this.#heard.push(`${nameOf.get(this.#rest.readUInt32BE(4))} ${body.replaceAll('\0', '|').slice(0, 100)}`)
        this.#rest = this.#rest.subarray(length)
      }
      this.#wake()
    })
  }
}
