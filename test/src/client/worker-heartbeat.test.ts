import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { ConnectionLostError, TimeoutError, Worker } from '@geartrain/client'
// Not of the package's face: it has no clock of its own.
import { startHeartbeat } from '../../../packages/client/dist/heartbeat.js'
import { PACKET } from '../support/raw.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'
import { response } from './proxy.ts'
import { signal } from './signal.ts'
import { onServers } from './site.ts'
import { Talk } from './talk.ts'

const options = { timeout: 60_000 }
const intervalMs = 1000

/** A connection with a heartbeat and a clock that the test moves. */
class Patient {
  bytesRead = 0
  isSending = false
  asked = 0
  readonly faults: unknown[] = []
  readonly stop: () => void
  readonly #t: TestContext
  #nowMs = 0

  constructor(t: TestContext) {
    this.#t = t
    t.mock.timers.enable({ apis: ['setInterval'] })
    t.mock.method(performance, 'now', () => this.#nowMs)
    this.stop = startHeartbeat(this, intervalMs, () => {
      this.asked++
    })
  }

  destroy(fault?: Error): void {
    this.faults.push(fault)
  }

  /** An interval, and the turn of the event loop after it. `busyMs`: how much later the program came to it. */
  async pass(busyMs = 0): Promise<void> {
    this.#nowMs += intervalMs + busyMs
    this.#t.mock.timers.tick(intervalMs)
    await new Promise(setImmediate)
  }
}

describe('a heartbeat', () => {
  it('is not sent where something comes', async (t) => {
    const patient = new Patient(t)
    for (let i = 0; i < 5; i++) {
      patient.bytesRead++
      await patient.pass()
    }
    assert.equal(patient.asked, 0)
  })

  it('is sent after an interval of silence; another one, and the connection is destroyed', async (t) => {
    const patient = new Patient(t)
    await patient.pass()
    assert.deepEqual([patient.asked, patient.faults.length], [1, 0])
    await patient.pass()
    assert.equal(patient.asked, 1)
    const [fault] = patient.faults
    assert.ok(fault instanceof TimeoutError)
    assert.equal(fault.message, 'the server has not answered a heartbeat in 1000 ms')
  })

  it('that is answered, again and again', async (t) => {
    const patient = new Patient(t)
    for (let i = 0; i < 5; i++) {
      await patient.pass()
      assert.equal(patient.asked, i + 1)
      patient.bytesRead++
      await patient.pass()
    }
    assert.deepEqual(patient.faults, [])
  })

  it('whose answer is here but not yet read', async (t) => {
    const patient = new Patient(t)
    await patient.pass()
    const passed = patient.pass()
    patient.bytesRead++
    await passed
    assert.deepEqual(patient.faults, [])
  })

  it('behind output that the system has not taken', async (t) => {
    const patient = new Patient(t)
    await patient.pass()
    patient.isSending = true
    for (let i = 0; i < 5; i++) await patient.pass()
    assert.deepEqual(patient.faults, [])
    patient.isSending = false
    await patient.pass()
    assert.equal(patient.faults.length, 1)
  })

  it('of a program that was busy: it begins anew', async (t) => {
    const patient = new Patient(t)
    await patient.pass()
    await patient.pass(5000)
    assert.deepEqual([patient.asked, patient.faults.length], [1, 0])
    await patient.pass()
    await patient.pass()
    assert.deepEqual([patient.asked, patient.faults.length], [2, 1])
  })

  it('that was stopped', async (t) => {
    const patient = new Patient(t)
    await patient.pass()
    patient.stop()
    for (let i = 0; i < 5; i++) await patient.pass()
    assert.deepEqual([patient.asked, patient.faults.length], [1, 0])
  })

  it('of 0 ms is none', () => {
    let asked = 0
    const connection = { bytesRead: 0, isSending: false, destroy: () => {} }
    startHeartbeat(connection, 0, () => {
      asked++
    })()
    assert.equal(asked, 0)
  })
})

onServers('a half-open connection', (test) => {
  test('is noticed and left for another', async (site) => {
    await using proxy = await TcpProxy.to(site.server.port)
    const f = site.functionName()
    const lost = signal<Error>()
    await site
      .worker({ heartbeatMs: 200, reconnect: { minMs: 4 }, onDisconnect: lost.give }, proxy.address)
      .handle(f, () => 'done')
      .start()
    const client = await site.client()
    assert.equal(await client.submit(f, '').text(), 'done')
    proxy.cutThese()
    const error = await lost.given
    assert.ok(error instanceof ConnectionLostError)
    assert.ok(error.cause instanceof TimeoutError, String(error.cause))
    assert.equal(await client.submit(f, '').text(), 'done')
  })

  test('under a job: it is aborted', async (site) => {
    await using proxy = await TcpProxy.to(site.server.port)
    const f = site.functionName()
    const [started, aborted] = [signal(), signal<unknown>()]
    await site
      .worker({ heartbeatMs: 200, reconnect: { minMs: 600_000 } }, proxy.address)
      .handle(f, async (job) => {
        job.signal.addEventListener('abort', () => aborted.give(job.signal.reason))
        started.give()
        await aborted.given
      })
      .start()
    await (await site.client()).submit(f, '').created()
    await started.given
    proxy.cutThese()
    assert.ok((await aborted.given) instanceof ConnectionLostError)
  })
})

describe('a heartbeat on the wire', () => {
  it('is told apart from a goodbye', options, async () => {
    const talk = await Talk.start()
    const worker = new Worker(talk.address, { heartbeatMs: 400 }).handle('f', () => '')
    await talk.welcome(worker, 'CAN_DO f')
    talk.say(response(PACKET.NO_JOB))
    await talk.expect('PRE_SLEEP ', 'ECHO_REQ heartbeat')
    let isClosed = false
    const closed = worker.close().then(() => {
      isClosed = true
    })
    talk.say(response(PACKET.ECHO_RES, 'heartbeat'))
    await talk.expectLast('ECHO_REQ ')
    talk.say(response(PACKET.ECHO_RES, 'heartbeat'))
    // The next one: the answer to the last was taken.
    await talk.expectLast('ECHO_REQ heartbeat')
    assert.equal(isClosed, false)
    talk.say(response(PACKET.ECHO_RES, 'heartbeat'), response(PACKET.ECHO_RES))
    await closed
    await talk.end()
  })

  for (const heartbeatMs of [-1, Number.NaN, 2 ** 31]) {
    it(`of ${heartbeatMs} ms is refused`, () => {
      assert.throws(() => new Worker('x', { heartbeatMs }), {
        code: 'INVALID_ARGUMENT',
        message: `heartbeatMs is 0 (none) to 2147483647, not ${heartbeatMs}`,
      })
    })
  }
})
