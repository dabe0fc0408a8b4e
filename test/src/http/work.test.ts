import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { assertInvariants } from '@geartrain/engine'
import { createServer, defaultLimits, hashToken, type Limits, type ServerOptions } from '@geartrain/server'
import { scratch, untilTrue } from '../cli/command.ts'
import { repositoryRoot } from '../support/peers.ts'
import { connect, PACKET, type RawPeer } from '../support/raw.ts'
import { until } from '../support/until.ts'
import { Api, type ApiDocument, type ApiRequest } from './api.ts'
import { RawHttp } from './exchange.ts'

const run = promisify(execFile)

interface Taken {
  readonly lease: string
  readonly leaseUntil: number
  readonly handle: string
  readonly function: string
  readonly unique: string
  readonly workload: { readonly text?: string; readonly base64?: string }
  readonly reducer?: string
  readonly trace?: string
}

/** A server with its API, and clients of the Gearman port. */
class Site implements AsyncDisposable {
  readonly api: Api
  readonly port: number
  readonly httpPort: number
  readonly #peers: RawPeer[] = []

  private constructor(api: Api, port: number) {
    this.api = api
    this.port = port
    this.httpPort = api.server.httpAddress?.port ?? 0
  }

  static async start(
    options: Partial<Omit<ServerOptions, 'limits'>> = {},
    limits: Partial<Limits> = {},
  ): Promise<Site> {
    const server = createServer({ port: 0, http: '127.0.0.1:0', ...options, limits: { ...defaultLimits, ...limits } })
    const [address] = await server.listen()
    assert.ok(address !== undefined && server.httpAddress !== undefined)
    const origin = `http://127.0.0.1:${server.httpAddress.port}`
    const document = await (await fetch(`${origin}/api/openapi.json`)).json()
    // Whether the document is one is tested elsewhere.
    return new Site(new Api(server, origin, document as ApiDocument), address.port)
  }

  async connect(name = 'client'): Promise<RawPeer> {
    const peer = await connect(this.port, name)
    this.#peers.push(peer)
    return peer
  }

  /** A client that waits for a job of `f`. */
  async submit(workload: string | Uint8Array = 'hello', unique = ''): Promise<{ client: RawPeer; handle: string }> {
    const client = await this.connect()
    client.send(PACKET.OPTION_REQ, 'exceptions')
    await client.receive('OPTION_RES')
    client.send(PACKET.SUBMIT_JOB, 'f', unique, workload)
    return { client, handle: (await client.receive('JOB_CREATED')).body.toString('latin1') }
  }

  async submitBackground(workload: string | Uint8Array = 'hello'): Promise<string> {
    const client = await this.connect()
    client.send(PACKET.SUBMIT_JOB_BG, 'f', '', workload)
    return (await client.receive('JOB_CREATED')).body.toString('latin1')
  }

  async take(body: object = {}, more: ApiRequest = {}): Promise<Taken> {
    const taken = await this.api.json('takeJob', { body: { functions: ['f'], ...body }, ...more })
    // The call has held it against the description.
    return taken as Taken
  }

  call(operation: string, lease: string, body?: ApiRequest['body']): Promise<Response> {
    return this.api.call(operation, { params: { lease }, ...(body === undefined ? {} : { body }) })
  }

  /** Of a text command that answers with rows. */
  async list(command: string): Promise<string[]> {
    const peer = await this.connect()
    peer.sendLine(`${command}\n`)
    const rows = (await peer.receiveText(/(^|\n)\.\n/)).split('\n').slice(0, -2)
    peer.destroy()
    return rows
  }

  async [Symbol.asyncDispose](): Promise<void> {
    assertInvariants(this.api.server.engine)
    for (const peer of this.#peers) peer.destroy()
    await this.api[Symbol.asyncDispose]()
    await until('all connections were gone', () => this.api.server.connectionCount === 0)
    assertInvariants(this.api.server.engine)
  }
}

async function problemOf(answer: Response): Promise<{ status: number; code: string; reason: string | undefined }> {
  const { status } = answer
  const { code, reason } = (await answer.json()) as { code: string; reason?: string }
  return { status, code, reason }
}

const lost = (reason: string | undefined) => ({ status: 409, code: 'JOB_NOT_YOURS', reason })

describe('a job from hand to hand', () => {
  test('is taken, spoken of, and done', async () => {
    await using site = await Site.start()
    const { client, handle } = await site.submit('hello', 'u')
    const taken = await site.take({ worker: 'by hand' })
    const { lease, leaseUntil, ...job } = taken
    assert.deepEqual(job, { handle, function: 'f', unique: 'u', workload: { text: 'hello' } })
    assert.match(lease, /^[\w-]{22}$/)
    assert.ok((await site.list('workers')).some((row) => row.endsWith(' by hand : f')))

    const progress = await site.call('sendProgress', lease, { numerator: 1, denominator: 3 })
    const { leaseUntil: renewedUntil } = (await progress.json()) as { leaseUntil: number }
    assert.ok(renewedUntil >= leaseUntil)
    assert.deepEqual((await client.receive('WORK_STATUS')).body.toString(), `${handle}\x001\x003`)
    await site.call('sendData', lease, 'part')
    assert.equal((await client.receive('WORK_DATA')).data.toString(), 'part')
    await site.call('sendWarning', lease, new Uint8Array([0, 255]))
    assert.deepEqual([...(await client.receive('WORK_WARNING')).data], [0, 255])
    assert.equal((await site.call('completeJob', lease, 'done')).status, 204)
    assert.equal((await client.receive('WORK_COMPLETE')).data.toString(), 'done')
    assert.deepEqual(await site.list('status'), ['f\t0\t0\t0'])
  })

  test('comes to one who waits for it', async () => {
    await using site = await Site.start()
    const taking = site.take()
    await until('it slept', () => site.api.server.engine.findFunction('f')?.sleepers.length === 1)
    const { client, handle } = await site.submit()
    const { lease, handle: taken } = await taking
    assert.equal(taken, handle)
    await site.call('completeJob', lease, '')
    assert.equal((await client.receive('WORK_COMPLETE')).data.length, 0)
  })

  test('one for each of those who wait', async () => {
    await using site = await Site.start()
    const taking = [site.take(), site.take(), site.take()]
    await until('all slept', () => site.api.server.engine.findFunction('f')?.sleepers.length === 3)
    const handles = [await site.submitBackground(), await site.submitBackground(), await site.submitBackground()]
    const taken = await Promise.all(taking)
    assert.deepEqual(taken.map(({ handle }) => handle).sort(), handles.sort())
    assert.equal(new Set(taken.map(({ lease }) => lease)).size, 3)
  })

  test('does not come', async () => {
    await using site = await Site.start()
    for (const wait of ['0', '50ms']) {
      assert.equal((await site.api.call('takeJob', { body: { functions: ['f'], wait } })).status, 204)
    }
    await until('nobody was left', () => site.api.server.connectionCount === 0)
  })

  test('as bytes, with all else in headers', async () => {
    await using site = await Site.start()
    const workload = Buffer.from('\0\xff\r\n', 'latin1')
    const client = await site.connect()
    const [name, unique, reducer] = ['h\xc3\xa4/\r\n%:', 'a b', 'r\xff'] as const
    client.send(PACKET.SUBMIT_REDUCE_JOB_BG, name, unique, reducer, '', workload)
    const handle = (await client.receive('JOB_CREATED')).body.toString('latin1')
    const answer = await site.api.call('takeJob', {
      headers: { accept: 'application/octet-stream' },
      body: { functions: ['hä/\r\n%:'] },
    })
    assert.equal(answer.status, 200)
    assert.equal(answer.headers.get('content-type'), 'application/octet-stream')
    assert.deepEqual(Buffer.from(await answer.arrayBuffer()), workload)
    assert.equal(answer.headers.get('x-gearman-job-handle'), handle)
    assert.equal(answer.headers.get('x-gearman-function'), 'h%C3%A4/%0D%0A%25:')
    assert.equal(answer.headers.get('x-gearman-unique'), 'a%20b')
    assert.equal(answer.headers.get('x-gearman-reducer'), encodeURIComponent('r\uf7ff'))
    assert.match(answer.headers.get('x-gearman-lease-until') ?? '', /^\d{13}$/)
    const lease = answer.headers.get('x-gearman-lease') ?? ''
    assert.equal((await site.call('completeJob', lease)).status, 204)
  })

  test('bytes that are no text, and a reducer, in JSON', async () => {
    await using site = await Site.start()
    const client = await site.connect()
    client.send(PACKET.SUBMIT_REDUCE_JOB_BG, 'f', '', 'sum', '', Buffer.of(0, 255))
    const { workload, reducer } = await site.take()
    assert.deepEqual([workload, reducer], [{ base64: 'AP8=' }, 'sum'])
  })

  test('from a store, where it is before and is not after', async () => {
    using directory = scratch()
    await using site = await Site.start({ store: `sqlite:${directory.path('jobs.db')}` })
    const first = await site.submitBackground('one')
    const taking = [site.take(), site.take()]
    await until('one waits', () => site.api.server.engine.findFunction('f')?.sleepers.length === 1)
    const second = await site.submitBackground('two')
    const taken = await Promise.all(taking)
    assert.deepEqual(taken.map(({ handle }) => handle).sort(), [first, second].sort())
    for (const { lease } of taken) assert.equal((await site.call('completeJob', lease)).status, 204)
    assert.equal((await site.api.call('takeJob', { body: { functions: ['f'], wait: '0' } })).status, 204)
    assert.equal(site.api.server.engine.jobCount + site.api.server.engine.backlogSize, 0)
  })

  test('with its trace', async () => {
    await using site = await Site.start()
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const submitted = await fetch(`${site.api.origin}/api/functions/f/jobs`, {
      method: 'POST',
      body: 'x',
      headers: { traceparent },
    })
    assert.equal(submitted.status, 202)
    const { trace = '', lease } = await site.take()
    assert.equal(trace.split('-')[1], traceparent.split('-')[1])
    await site.call('completeJob', lease)
  })

  test('fails, with or without a reason', async () => {
    await using site = await Site.start()
    const { client } = await site.submit()
    assert.equal((await site.call('failJob', (await site.take()).lease)).status, 204)
    await client.receive('WORK_FAIL')
    const { client: other } = await site.submit()
    assert.equal((await site.call('failJob', (await site.take()).lease, 'because')).status, 204)
    assert.equal((await other.receive('WORK_EXCEPTION')).data.toString(), 'because')
  })

  test('of several functions, and the last word twice', async () => {
    await using site = await Site.start()
    const client = await site.connect()
    client.send(PACKET.SUBMIT_JOB, 'b', '', '')
    await client.receive('JOB_CREATED')
    const { lease, function: name } = await site.take({ functions: ['a', { name: 'b', timeout: '1h' }] })
    assert.equal(name, 'b')
    const both = await Promise.all([site.call('completeJob', lease, 'x'), site.call('completeJob', lease, 'x')])
    assert.deepEqual(
      both.map(({ status }) => status),
      [204, 204],
    )
    assert.equal((await site.call('completeJob', lease, 'x')).status, 204)
    assert.equal((await client.receive('WORK_COMPLETE')).data.toString(), 'x')
    await client.expectNothing()
    assert.deepEqual(await problemOf(await site.call('failJob', lease)), lost('complete'))
    assert.deepEqual(await problemOf(await site.call('sendData', lease, 'x')), lost('complete'))
    assert.deepEqual(await problemOf(await site.call('extendLease', lease, {})), lost('complete'))
  })
})

describe('a lease ends', () => {
  test('when nothing is heard in time: another worker has the job, and the attempt counts', async () => {
    await using site = await Site.start()
    const { client, handle } = await site.submit()
    const { lease } = await site.take({ lease: '1s' })
    const again = await site.take()
    assert.equal(again.handle, handle)
    for (const [operation, body] of [
      ['completeJob', 'late'],
      ['failJob', ''],
      ['sendProgress', { numerator: 1, denominator: 2 }],
      ['extendLease', {}],
    ] as const) {
      assert.deepEqual(await problemOf(await site.call(operation, lease, body)), lost('expired'), operation)
    }
    assert.deepEqual(await site.list('show jobs'), [`${handle}\t1\t0\t0`])
    await site.call('completeJob', again.lease, 'done')
    assert.equal((await client.receive('WORK_COMPLETE')).data.toString(), 'done')
  })

  test('as late as was said last', async () => {
    await using site = await Site.start()
    await site.submitBackground()
    const { lease, leaseUntil } = await site.take({ lease: '1s' })
    const extended = (await (await site.call('extendLease', lease, { lease: '1h' })).json()) as { leaseUntil: number }
    assert.ok(extended.leaseUntil >= leaseUntil + 3_590_000)
    // From now on that is what each request gives.
    const renewed = (await (await site.call('sendData', lease, '')).json()) as { leaseUntil: number }
    assert.ok(renewed.leaseUntil >= extended.leaseUntil)
  })

  test('when the job is cancelled', async () => {
    await using site = await Site.start()
    const { client, handle } = await site.submit()
    const { lease } = await site.take()
    const administrator = await site.connect()
    administrator.sendLine(`cancel job ${handle}\n`)
    assert.equal(await administrator.receiveText('\n'), 'OK\r\n')
    await client.receive('WORK_FAIL')
    assert.deepEqual(await problemOf(await site.call('completeJob', lease, 'x')), lost('cancelled'))
    assert.equal((await site.call('extendLease', lease)).status, 409)
  })

  test('when the job takes longer than it may, however often it is heard of', async () => {
    await using site = await Site.start()
    const handle = await site.submitBackground()
    const { lease } = await site.take({ functions: [{ name: 'f', timeout: '1s' }] })
    const again = await site.take()
    assert.equal(again.handle, handle)
    assert.deepEqual(await problemOf(await site.call('completeJob', lease, 'x')), lost('timeout'))
  })

  test('and nobody guesses one', async () => {
    await using site = await Site.start()
    for (const lease of ['x', 'take', 'a'.repeat(100)]) {
      for (const operation of ['completeJob', 'failJob', 'sendData', 'sendWarning']) {
        assert.deepEqual(
          await problemOf(await site.call(operation, lease, 'x')),
          lost(undefined),
          `${operation} ${lease}`,
        )
      }
    }
  })
})

describe('whoever leaves before the job has come', () => {
  const request = (wait = '30s') => {
    const body = JSON.stringify({ functions: ['f'], wait })
    return `POST /api/work/take HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  }

  test('while waiting: it is no worker any more', async () => {
    await using site = await Site.start()
    const { server } = site.api
    const http = await RawHttp.connect(site.httpPort)
    http.send(request())
    await until('it slept', () => server.engine.findFunction('f')?.sleepers.length === 1)
    http.destroy()
    await until('it was gone', () => server.engine.findFunction('f')?.workerCount === 0)
    const { client, handle } = await site.submit()
    const { lease } = await site.take()
    await site.call('completeJob', lease, handle)
    await client.receive('WORK_COMPLETE')
  })

  test('in the moment in which the job is given out: it goes back, and no attempt is counted', async () => {
    // Where one attempt is all there is, one that counted would be the end of the job.
    await using site = await Site.start({ attemptsMax: 1 })
    const { engine } = site.api.server
    const http = await RawHttp.connect(site.httpPort)
    http.send(request())
    await until('it slept', () => engine.findFunction('f')?.sleepers.length === 1)
    const grab = engine.grab.bind(engine)
    // Between the job's being given out and the end of the turn, when the worker is told.
    engine.grab = (session, form) => {
      grab(session, form)
      assert.equal(engine.findFunction('f')?.runningCount, 1)
      http.destroy()
    }
    const handle = await site.submitBackground()
    await until('it was gone', () => engine.findFunction('f')?.workerCount === 0)
    engine.grab = grab
    assert.deepEqual(await site.list('show jobs'), [`${handle}\t0\t0\t1`])
    assert.equal((await site.take()).handle, handle)
  })

  test('while a large workload is on its way', async () => {
    await using site = await Site.start({ attemptsMax: 1 })
    const handle = await site.submitBackground(Buffer.alloc(30 * 1024 * 1024))
    const http = await RawHttp.connect(site.httpPort)
    http.pause()
    http.send(request())
    const { engine } = site.api.server
    await until('it was given out', () => engine.findFunction('f')?.runningCount === 1)
    http.destroy()
    await until('it came back', () => engine.findFunction('f')?.runningCount === 0)
    assert.deepEqual(await site.list('show jobs'), [`${handle}\t0\t0\t1`])
  })
})

describe('a server that stops', () => {
  test('has no more jobs for those who wait, and takes the results of those who have one', async () => {
    const site = await Site.start()
    const waiting = site.api.call('takeJob', { body: { functions: ['g'] } })
    const { client } = await site.submit()
    const { lease } = await site.take()
    const closed = site.api.server.close(10_000)
    assert.deepEqual(await problemOf(await waiting), { status: 503, code: 'SHUTTING_DOWN', reason: undefined })
    const late = await site.api.call('takeJob', { body: { functions: ['f'] } })
    assert.equal(late.status, 503)
    assert.equal((await site.call('completeJob', lease, 'done')).status, 204)
    assert.equal((await client.receive('WORK_COMPLETE')).data.toString(), 'done')
    await closed
    await site[Symbol.asyncDispose]()
  })

  test('at once: jobs in hand are lost like any other', async () => {
    const site = await Site.start()
    await site.submitBackground()
    await site.take()
    const waiting = site.api.call('takeJob', { body: { functions: ['g'] } })
    await until('it slept', () => site.api.server.engine.findFunction('g')?.sleepers.length === 1)
    await site.api.server.close(0)
    assert.equal((await waiting).status, 503)
    await site[Symbol.asyncDispose]()
  })
})

describe('bounds', () => {
  test('leases of one, and of all', async () => {
    for (const limits of [{ httpLeasesPerActorMax: 2 }, { httpLeasesMax: 2 }]) {
      await using site = await Site.start({}, limits)
      await site.submitBackground()
      const { lease } = await site.take()
      const waiting = site.api.call('takeJob', { body: { functions: ['g'] } })
      await until('it slept', () => site.api.server.engine.findFunction('g')?.sleepers.length === 1)
      const refused = await site.api.call('takeJob', { body: { functions: ['f'], wait: '0' } })
      assert.deepEqual(await problemOf(refused), { status: 429, code: 'TOO_MANY_REQUESTS', reason: undefined })
      await site.call('completeJob', lease)
      assert.equal((await site.api.call('takeJob', { body: { functions: ['f'], wait: '0' } })).status, 204)
      const client = await site.connect()
      client.send(PACKET.SUBMIT_JOB_BG, 'g', '', '')
      assert.equal((await waiting).status, 200)
    }
  })

  test('a server that has all the connections it may have', async () => {
    await using site = await Site.start({}, { connectionsMax: 0 })
    const answer = await site.api.call('takeJob', { body: { functions: ['f'] } })
    assert.deepEqual(await problemOf(answer), { status: 429, code: 'TOO_MANY_REQUESTS', reason: undefined })
  })

  test('what no packet has room for leaves the job where it is', async () => {
    await using site = await Site.start({}, { packetBytesMax: 2000 })
    const { client, handle } = await site.submit()
    const { lease } = await site.take()
    const room = 2000 - handle.length - 1
    for (const operation of ['sendData', 'completeJob', 'failJob']) {
      assert.equal((await site.call(operation, lease, 'x'.repeat(room + 1))).status, 413, operation)
    }
    assert.equal((await site.call('completeJob', lease, 'x'.repeat(room))).status, 204)
    assert.equal((await client.receive('WORK_COMPLETE')).data.length, room)
  })
})

describe('access rules', () => {
  const as = (token: string) => ({ authorization: `Bearer ${token}` })
  const access = {
    clients: { network: '127.0.0.1', roles: 'submit' },
    one: { token: hashToken('first'), roles: 'work', functions: 'f' },
    other: { token: hashToken('second'), roles: 'work', functions: ['f', 'g'] },
  } as const

  test('who may not work on a function gets none of its jobs', async () => {
    await using site = await Site.start({ access })
    const refused = await site.api.call('takeJob', { body: { functions: ['f', 'g'] }, headers: as('first') })
    assert.deepEqual(await problemOf(refused), { status: 403, code: 'ACCESS_DENIED', reason: undefined })
    const unknown = await site.api.call('takeJob', { body: { functions: ['f'] } })
    assert.equal(unknown.status, 401)
    const none = await site.api.call('takeJob', { body: { functions: ['f', 'g'], wait: '0' }, headers: as('second') })
    assert.equal(none.status, 204)
  })

  test('a lease is of no use to another', async () => {
    await using site = await Site.start({ access })
    const { client } = await site.submit()
    const { lease } = await site.take({}, { headers: as('first') })
    const call = (token: string) => site.api.call('completeJob', { params: { lease }, body: 'x', headers: as(token) })
    assert.deepEqual(await problemOf(await call('second')), lost(undefined))
    assert.equal((await call('first')).status, 204)
    await client.receive('WORK_COMPLETE')
    assert.deepEqual(await problemOf(await call('second')), lost(undefined))
  })
})

describe('bad requests', () => {
  let site: Site
  let lease: string
  before(async () => {
    site = await Site.start()
    await site.submitBackground()
    lease = (await site.take({ lease: '1h' })).lease
  })
  after(async () => {
    await site[Symbol.asyncDispose]()
  })

  const orders: readonly [name: string, body: unknown, message: RegExp][] = [
    ['no functions', {}, /functions/],
    ['none at all', { functions: [] }, /functions/],
    ['too many', { functions: Array.from({ length: 1001 }, (_, i) => `f${i}`) }, /functions/],
    ['a function that is no text', { functions: [1] }, /functions\.0/],
    ['an empty one', { functions: [''] }, /functions\.0/],
    ['one that is too long', { functions: ['x'.repeat(513)] }, /functions\.0/],
    ['one with a NUL', { functions: ['a\0b'] }, /functions\.0/],
    ['a timeout that is none', { functions: [{ name: 'f', timeout: 'soon' }] }, /functions\.0/],
    ['a wait that is too long', { functions: ['f'], wait: '6m' }, /from 0 to 5m/],
    ['a wait without a unit', { functions: ['f'], wait: '30' }, /30s/],
    ['a wait that is a number', { functions: ['f'], wait: 30 }, /wait/],
    ['a lease that is too short', { functions: ['f'], lease: '999ms' }, /from 1s to 1h/],
    ['a lease that is too long', { functions: ['f'], lease: '2h' }, /from 1s to 1h/],
    ['a worker with a NUL', { functions: ['f'], worker: '\0' }, /worker/],
    ['a worker whose name is too long', { functions: ['f'], worker: 'ä'.repeat(64) }, /worker/],
    ['no object', [], /body/],
  ]
  for (const [name, body, message] of orders) {
    test(name, async () => {
      const answer = await site.api.call('takeJob', { body: JSON.stringify(body), headers: json })
      assert.equal(answer.status, 400)
      assert.match(((await answer.json()) as { detail: string }).detail, message)
    })
  }

  test('no JSON', async () => {
    const broken = await site.api.call('takeJob', { body: '{"functions"', headers: json })
    assert.equal(broken.status, 400)
    const text = { 'content-type': 'text/plain' }
    const plain = await site.api.call('takeJob', { body: '{"functions":["f"]}', headers: text })
    assert.equal(plain.status, 415)
  })

  const counts: readonly unknown[] = [
    {},
    { numerator: 1 },
    { numerator: -1, denominator: 1 },
    { numerator: 1.5, denominator: 2 },
    { numerator: 1, denominator: 2 ** 32 },
    { numerator: '1', denominator: '2' },
  ]
  for (const body of counts) {
    test(`progress ${JSON.stringify(body)}`, async () => {
      const answer = await site.api.call('sendProgress', {
        params: { lease },
        body: JSON.stringify(body),
        headers: json,
      })
      assert.equal(answer.status, 400)
    })
  }

  test('an extension that is too long', async () => {
    const answer = await site.api.call('extendLease', {
      params: { lease },
      body: JSON.stringify({ lease: '2h' }),
      headers: json,
    })
    assert.equal(answer.status, 400)
  })

  test('other methods, and a lease that is too long', async () => {
    assert.equal((await fetch(`${site.api.origin}/api/work/take`)).status, 405)
    assert.equal((await fetch(`${site.api.origin}/api/work/${lease}/complete`, { method: 'PUT' })).status, 405)
    assert.equal((await fetch(`${site.api.origin}/api/work/${lease}`, { method: 'POST' })).status, 404)
    assert.equal((await site.call('completeJob', 'x'.repeat(101))).status, 400)
  })

  test('and the job is still in hand', async () => {
    assert.equal((await site.call('completeJob', lease)).status, 204)
  })
})

const json = { 'content-type': 'application/json' }

describe('workers without a library', () => {
  test('examples/http-worker.sh', async () => {
    await using site = await Site.start()
    const script = join(repositoryRoot, 'examples/http-worker.sh')
    const command = 'if read -r text; then echo "$text" | tr a-z A-Z; else echo "nothing to do" >&2; exit 1; fi'
    const child = spawn('sh', [script, 'f', 'sh', '-c', command], {
      detached: true,
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, GEARTRAIN_HTTP_URL: site.api.origin },
    })
    const exited = once(child, 'exit')
    try {
      for (const word of ['hello', 'world']) {
        const { client } = await site.submit(`${word}\n`)
        assert.equal((await client.receive('WORK_COMPLETE')).data.toString(), `${word.toUpperCase()}\n`)
      }
      const { client } = await site.submit('')
      assert.equal((await client.receive('WORK_EXCEPTION')).data.toString(), 'nothing to do\n')
      await untilTrue('it asked for the next one', async () =>
        (await site.list('workers')).some((row) => row.includes(' http-worker.sh : f')),
      )
    } finally {
      // Its curl and the sleep beside it as well.
      assert.ok(child.pid)
      process.kill(-child.pid, 'SIGTERM')
      await exited
    }
  })

  test("PHP's stream functions", async () => {
    await using site = await Site.start()
    const { client } = await site.submit('hello')
    const program = `
      function post($url, $body, $type = 'application/octet-stream') {
        $context = stream_context_create(['http' => [
          'method' => 'POST', 'content' => $body, 'ignore_errors' => true, 'header' => "Content-Type: $type"]]);
        return file_get_contents($url, false, $context);
      }
      $job = json_decode(post("$argv[1]/take", json_encode(['functions' => ['f']]), 'application/json'), true);
      post("$argv[1]/$job[lease]/progress", json_encode(['numerator' => 1, 'denominator' => 2]), 'application/json');
      post("$argv[1]/$job[lease]/complete", strrev($job['workload']['text']));
      echo post("$argv[1]/$job[lease]/data", 'late');`
    const { stdout } = await run('php', ['-r', program, `${site.api.origin}/api/work`])
    await client.receive('WORK_STATUS')
    assert.equal((await client.receive('WORK_COMPLETE')).data.toString(), 'olleh')
    assert.equal((JSON.parse(stdout) as { reason: string }).reason, 'complete')
  })
})
