import assert from 'node:assert/strict'
import net from 'node:net'
import { pipeline } from 'node:stream'
import { after, describe, it } from 'node:test'
import { Admin, Client, ClosedError, InvalidArgumentError, ServerError, Worker } from '@geartrain/client'
import { createServer } from '@geartrain/server'
import { missing, startServer } from '../support/peers.ts'
import { PACKET } from '../support/raw.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'
import { missingOpenssl } from '../tls/certificates.ts'
import { FakeServer, response } from './proxy.ts'
import { Door } from './servers-door.ts'
import { signal } from './signal.ts'
import { makeCertificates } from './tls-certificates.ts'

/** A server of ours in this process, and who speaks with it. */
class Office implements AsyncDisposable {
  readonly port: number
  readonly admin: Admin
  readonly client: Client
  readonly #things: AsyncDisposable[]

  private constructor(port: number, admin: Admin, client: Client, things: AsyncDisposable[]) {
    this.port = port
    this.admin = admin
    this.client = client
    this.#things = things
  }

  static async open(): Promise<Office> {
    const server = createServer({ port: 0 })
    const [address] = await server.listen()
    const port = address?.port ?? 0
    const admin = await Admin.connect(`127.0.0.1:${port}`)
    const client = await Client.connect(`127.0.0.1:${port}`)
    return new Office(port, admin, client, [server, admin, client])
  }

  /** Does the jobs that there are, in their order, until one of them is `last`. */
  async doAll(name: string, act: (workload: string) => string): Promise<void> {
    await this.client.submitBackground(name, 'last')
    await new Promise<void>((resolve, reject) => {
      const worker = new Worker(`127.0.0.1:${this.port}`, { closeTimeoutMs: 100 }).handle(name, (job) => {
        if (job.text() !== 'last') return act(job.text())
        void worker.close().then(resolve, reject)
        return ''
      })
      void worker.start().catch(reject)
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const thing of this.#things.toReversed()) await thing[Symbol.asyncDispose]()
  }
}

async function all<Value>(values: AsyncIterable<Value>): Promise<Value[]> {
  const found: Value[] = []
  for await (const value of values) found.push(value)
  return found
}

describe('admin of a Geartrain server', () => {
  it('sets policies, pauses, drains and resumes', async () => {
    await using office = await Office.open()
    const { admin, client } = office
    await admin.setPolicy('größe.*', { attempts: 3, timeout: '10s', 'retry-foreground': true })
    const { name, settings } = await admin.policy('größe.x')
    assert.equal(name, 'größe.x')
    const own = settings.filter(({ isDefault }) => !isDefault)
    assert.deepEqual(
      own.map(({ key, value, source }) => `${key} ${value} ${source}`),
      ['attempts 3 set for größe.*', 'retry-foreground true set for größe.*', 'timeout 10s set for größe.*'],
    )
    await assert.rejects(admin.setPolicy('f', { attempts: 2, attemps: 3 }), (error) => {
      assert.ok(error instanceof ServerError)
      assert.equal(error.serverCode, 'BAD_REQUEST')
      assert.equal(error.retryable, false)
      assert.match(error.message, /did you mean "attempts"/)
      return true
    })
    const chained = await admin.setPolicy('f', { then: 'größe.x' })
    assert.equal(chained.settings.find(({ key }) => key === 'then')?.value, 'größe.x')
    await admin.setPolicy('f', { then: null })
    await admin.pause('f')
    await client.submitBackground('f', 'x')
    const flags = async () => (await admin.functions()).map((each) => [each.name, each.paused, each.draining])
    assert.deepEqual(await flags(), [['f', true, false]])
    await admin.drain('f')
    await assert.rejects(client.submitBackground('f', 'y'), ServerError)
    await admin.resume('f')
    assert.deepEqual(await flags(), [['f', false, false]])
    assert.equal(await admin.purge('f'), 1)
    assert.equal(await admin.purge('f'), 0)
  })

  it('describes jobs, also by names that are not ASCII, and reads results that are kept', async () => {
    await using office = await Office.open()
    const { admin, client } = office
    await admin.setPolicy('größe', { 'keep-results': '1h' })
    const handle = await client.submitBackground('größe', 'w', { unique: 'ü' })
    const waiting = await admin.job(handle)
    assert.deepEqual(
      [waiting?.function, waiting?.unique, waiting?.state, waiting?.workload],
      ['größe', 'ü', 'ready', { text: 'w' }],
    )
    assert.equal((await admin.control('job show', { unique: 'ü', function: 'größe' })).handle, handle)
    await admin.prioritize(handle, 'high')
    assert.equal((await admin.job(handle))?.priority, 'high')
    assert.deepEqual(
      (await all(admin.listJobs({ function: 'größe' }))).map((job) => job.handle),
      [handle],
    )
    assert.deepEqual(await all(admin.listJobs({ state: 'running' })), [])
    await office.doAll('größe', (workload) => `${workload} is done`)
    const done = await admin.job(handle)
    assert.deepEqual([done?.state, done?.result], ['complete', { text: 'w is done' }])
    assert.equal(await admin.job('H:nobody:1'), undefined)
  })

  it('lists, retries and deletes dead jobs', async () => {
    await using office = await Office.open()
    const { admin, client } = office
    await admin.setPolicy('f', { attempts: 1 })
    const count = 1100
    const handles = await Promise.all(Array.from({ length: count }, (_, i) => client.submitBackground('f', String(i))))
    await office.doAll('f', () => {
      throw new Error('no disk')
    })
    const dead = await all(admin.deadJobs({ function: 'f', reason: 'exception' }))
    assert.deepEqual(
      dead.map(({ handle }) => handle),
      handles.toReversed(),
    )
    assert.equal(dead[0]?.error, 'no disk')
    const [first = '', second = '', third = ''] = handles
    assert.deepEqual(await admin.retryDead(first, { workload: new Uint8Array([0, 255]) }), { retried: 1, refused: [] })
    assert.equal((await admin.retryDead([first, second])).refused[0]?.handle, first)
    assert.equal(await admin.deleteDead(third), 1)
    assert.equal(await admin.deleteDead([third]), 0)
    const seen: string[] = []
    await office.doAll('f', (workload) => {
      seen.push(workload)
      return ''
    })
    assert.deepEqual(seen, [Buffer.from([0, 255]).toString('utf8'), '1'])
    assert.equal((await admin.retryDead({ reason: 'lost' })).retried, 0)
    assert.equal(await admin.deleteDead({}), count - 3)
  })

  it('keeps schedules', async () => {
    await using office = await Office.open()
    const { admin } = office
    const put = await admin.putSchedule({
      name: 'nächtlich',
      function: 'bericht',
      cron: '0 3 * * *',
      timezone: 'Europe/Berlin',
    })
    assert.equal(put.name, 'nächtlich')
    assert.deepEqual(
      (await admin.schedules()).map(({ name }) => name),
      ['nächtlich'],
    )
    assert.deepEqual(await admin.schedules('other'), [])
    assert.equal((await admin.pauseSchedule('nächtlich')).paused, true)
    const handle = await admin.runSchedule('nächtlich')
    assert.equal((await admin.schedule('nächtlich'))?.history[0]?.handle, handle)
    assert.equal((await admin.resumeSchedule('nächtlich')).paused, false)
    await admin.removeSchedule('nächtlich')
    assert.equal(await admin.schedule('nächtlich'), undefined)
    await assert.rejects(admin.removeSchedule('nächtlich'), { serverCode: 'NOT_FOUND' })
  })

  it('asks many things at once, and each answer comes to who has asked', async () => {
    await using office = await Office.open()
    const { admin } = office
    const names = Array.from({ length: 50 }, (_, i) => `f${i}`)
    const policies = await Promise.all([...names.map((name) => admin.policy(name)), admin.version()])
    assert.deepEqual(
      policies.slice(0, -1).map((policy) => (typeof policy === 'string' ? '' : policy.name)),
      names,
    )
  })

  it('connects anew when its connection was lost, and not after it was closed', async () => {
    await using office = await Office.open()
    await using proxy = await TcpProxy.to(office.port)
    const admin = await Admin.connect(proxy.address)
    await admin.functions()
    proxy.reset()
    // The one that finds out.
    await admin.functions().catch(() => {})
    assert.deepEqual(await admin.functions(), [])
    await admin.close()
    await assert.rejects(admin.functions(), ClosedError)
  })

  it('can be cut short', async () => {
    await using office = await Office.open()
    await using proxy = await TcpProxy.to(office.port)
    await using admin = await Admin.connect(proxy.address)
    await admin.functions()
    proxy.pause()
    await assert.rejects(admin.control('functions', {}, { timeoutMs: 20 }), { code: 'TIMEOUT' })
    await assert.rejects(admin.functions({ signal: AbortSignal.abort() }), { code: 'ABORTED' })
    const late = admin.functions()
    proxy.resume()
    assert.deepEqual(await late, [])
    await assert.rejects(admin.policy('a\0b'), InvalidArgumentError)
  })
})

describe('the connection that control takes', () => {
  const skip = missingOpenssl() ?? false

  /** A server of which only the first connection gets an answer to its TLS: the second one is opened for ever. */
  async function withOpening(run: (admin: Admin, opening: Promise<void>) => Promise<void>): Promise<void> {
    await using office = await Office.open()
    const { server: certificate } = makeCertificates()
    await using door = await Door.to(office.port, { tls: certificate })
    const opening = signal()
    let connections = 0
    await using front = await FakeServer.start((socket) => {
      if (++connections > 1) return socket.once('data', () => opening.give())
      const [host, port] = door.address.split(':')
      const far = net.connect(Number(port), host)
      return pipeline(socket, far, socket, () => {})
    })
    await using admin = await Admin.connect(front.address, {
      tls: { ca: certificate.cert },
      connectTimeoutMs: 1_000_000,
    })
    await run(admin, opening.given)
  }

  it('is not waited for when the call is cut short', { skip }, async () => {
    await withOpening(async (admin, opening) => {
      const abort = new AbortController()
      const aborted = assert.rejects(admin.functions({ signal: abort.signal }), { code: 'ABORTED' })
      await opening
      abort.abort()
      await aborted
      await assert.rejects(admin.functions({ timeoutMs: 20 }), { code: 'TIMEOUT' })
    })
  })

  it('is given up by close', { skip }, async () => {
    await withOpening(async (admin, opening) => {
      const closed = assert.rejects(admin.functions(), ClosedError)
      await opening
      await admin.close()
      await closed
      await assert.rejects(admin.functions(), ClosedError)
    })
  })
})

const notGeartrain = {
  code: 'SERVER_ERROR',
  serverCode: '',
  message: 'this server is no Geartrain: it does not know CONTROL',
}

describe('admin of another server', () => {
  const skip = missing('gearmand') ?? false
  it('C gearmand does not know CONTROL, and the rest works on', { skip }, async () => {
    const server = await startServer('gearmand')
    after(() => server.stop())
    await using admin = await Admin.connect(`127.0.0.1:${server.port}`)
    for (let i = 0; i < 2; i++) {
      await assert.rejects(admin.functions(), notGeartrain)
      assert.match(await admin.version(), /^\d/)
    }
  })

  const CONTROL_RES = 1001
  const rows: readonly [string, Buffer, object][] = [
    ['an ERROR for a packet that it does not know', response(PACKET.ERROR, 'INVALID_COMMAND', 'no'), notGeartrain],
    ['another ERROR', response(PACKET.ERROR, 'QUEUE_ERROR', 'no'), { serverCode: 'QUEUE_ERROR', retryable: true }],
    ['no JSON', response(CONTROL_RES, '{"ok":'), { code: 'CONNECTION_LOST' }],
    ['no answer', response(CONTROL_RES, '{"ok":true}'), { code: 'CONNECTION_LOST' }],
    ['another packet', response(PACKET.NOOP), { code: 'CONNECTION_LOST' }],
    ['text', Buffer.from('OK\n'), { code: 'CONNECTION_LOST' }],
    [
      'a refusal that passes',
      response(CONTROL_RES, '{"ok":false,"error":{"code":"STORE_FAILED","message":"full"}}'),
      { serverCode: 'STORE_FAILED', message: 'STORE_FAILED: full', retryable: true },
    ],
  ]
  for (const [what, answer, error] of rows) {
    it(`answers with ${what}`, async () => {
      await using server = await FakeServer.start((socket) => socket.once('data', () => socket.write(answer)))
      await using admin = await Admin.connect(server.address)
      await assert.rejects(admin.functions(), error)
    })
  }
})
