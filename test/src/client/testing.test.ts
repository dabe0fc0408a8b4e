import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, it } from 'node:test'
import { type AssignedJob, Client, Worker } from '@geartrain/client'
import { startTestServer } from '@geartrain/client/testing'
import { signal } from './signal.ts'

const hourMs = 3_600_000

/** What a program that uses the library may have. */
function greet(job: AssignedJob): string {
  job.progress(1, 1)
  return `Hello ${job.text()}`
}

async function remind(client: Client, what: string): Promise<void> {
  await client.submitBackground('remind', what, { runAt: new Date(Date.now() + hourMs) })
}

/** It takes a job and does not end it before it is told to; an hour after that the server takes it away. */
class HangingWorker implements AsyncDisposable {
  readonly #begun = signal()
  readonly #worker: Worker

  private constructor(worker: Worker) {
    this.#worker = worker
  }

  static async start(address: string): Promise<HangingWorker> {
    const hanging = new HangingWorker(new Worker(address, { closeTimeoutMs: 1 }))
    const hang = async (job: AssignedJob) => {
      hanging.#begun.give()
      await once(job.signal, 'abort')
    }
    await hanging.#worker.handle('work', hang, { timeoutMs: hourMs }).start()
    return hanging
  }

  get hasBegun(): Promise<void> {
    return this.#begun.given
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.close()
  }
}

// As in the README: how users test their own.
describe('a test server', { timeout: 60_000 }, () => {
  it('a job is done', async () => {
    await using server = await startTestServer()
    await using worker = new Worker(server.address)
    await worker.handle('greet', greet).start()
    await using client = await Client.connect(server.address)
    assert.equal(await client.submit('greet', 'you').text(), 'Hello you')
  })

  it('a delayed job is done when its time has come', async () => {
    await using server = await startTestServer()
    const reminded: string[] = []
    await using worker = new Worker(server.address)
    await worker.handle('remind', (job) => void reminded.push(job.text())).start()
    await using client = await Client.connect(server.address)
    await remind(client, 'to eat')

    server.clock.advance(hourMs / 2)
    await server.idle()
    assert.deepEqual(reminded, [])

    server.clock.advance(hourMs / 2)
    await server.idle()
    assert.deepEqual(reminded, ['to eat'])

    // Also from a time that is not the machine's any more.
    await client.submitBackground('remind', 'to sleep', { runAt: new Date(server.clock.now() + 5000) })
    server.clock.advance(5000)
    await server.idle()
    assert.deepEqual(reminded, ['to eat', 'to sleep'])
  })

  it('a job that takes too long is given to another worker', async () => {
    await using server = await startTestServer()
    await using slow = await HangingWorker.start(server.address)
    await using client = await Client.connect(server.address)
    const job = client.submit('work', '')
    await slow.hasBegun
    await using other = new Worker(server.address)
    await other.handle('work', () => 'by another').start()
    server.clock.advance(hourMs)
    assert.equal(await job.text(), 'by another')
  })

  it('options are those of a server', async () => {
    await using server = await startTestServer({ attemptsMax: 1 })
    await using slow = await HangingWorker.start(server.address)
    await using client = await Client.connect(server.address)
    const job = client.submit('work', '')
    await slow.hasBegun
    server.clock.advance(hourMs)
    await assert.rejects(job.result(), { code: 'JOB_FAILED' })
  })

  it('idle() waits for all jobs', async () => {
    await using server = await startTestServer()
    let done = 0
    await using client = await Client.connect(server.address)
    for (let i = 0; i < 20; i++) await client.submitBackground('work', '')
    await using worker = new Worker(server.address, { concurrency: 3 })
    worker.handle('work', async () => {
      await new Promise(setImmediate)
      done++
    })
    await worker.start()
    await server.idle()
    assert.equal(done, 20)
  })

  it('idle() says what it has waited for in vain, and can be given up', async () => {
    await using server = await startTestServer()
    await using client = await Client.connect(server.address)
    await client.submitBackground('nobody', '')
    await client.submitBackground('nobody', '', { runAt: new Date(Date.now() + hourMs) })
    await assert.rejects(server.idle({ timeoutMs: 1 }), {
      code: 'TIMEOUT',
      message: 'idle() took longer than 1 ms: nobody has 1 waiting and 0 running',
    })
    await assert.rejects(server.idle({ signal: AbortSignal.abort() }), { code: 'ABORTED' })
  })

  it('close() ends whatever is under way', async () => {
    const server = await startTestServer()
    const lost = signal<{ code: string }>()
    const begun = signal()
    await using worker = new Worker(server.address, { closeTimeoutMs: 1, onDisconnect: lost.give })
    worker.handle('work', async (job) => {
      begun.give()
      await once(job.signal, 'abort')
    })
    await worker.start()
    await using client = await Client.connect(server.address)
    await client.submitBackground('work', '')
    await begun.given
    // One that does not end its side when the server has.
    const stubborn = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true }).resume()
    stubborn.on('error', () => {})
    await once(stubborn, 'connect')
    await client.echo('the server has accepted it')
    const idle = server.idle()
    await Promise.all([
      assert.rejects(idle, { code: 'CLOSED' }),
      assert.rejects(
        server.close().then(() => server.idle()),
        { code: 'CLOSED' },
      ),
    ])
    await server.close()
    stubborn.destroy()
    assert.equal((await lost.given).code, 'CONNECTION_LOST')
    await assert.rejects(Client.connect(server.address), { code: 'CONNECT_FAILED' })
  })

  it('the clock moves when it is told to, by full seconds', async () => {
    await using server = await startTestServer()
    const { clock } = server
    const from = clock.now()
    assert.equal(clock.now(), from)
    clock.advance(1)
    assert.equal(clock.now() % 1000, 0)
    assert.ok(clock.now() > from)
    const then = clock.now()
    clock.advance(hourMs)
    assert.ok(clock.now() >= then + hourMs)
  })
})
