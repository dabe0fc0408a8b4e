import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { Agent, request as httpRequest } from 'node:http'
import { describe, test } from 'node:test'
import { promisify } from 'node:util'
import { version } from '@geartrain/server'
import { geartrain, scratch, startCommand } from '../cli/command.ts'
import { type LocalOptions, LocalServer } from '../server/local-server.ts'
import { connect, PACKET, type RawPeer } from '../support/raw.ts'
import { until } from '../support/until.ts'
import { exchange, RawHttp } from './exchange.ts'

const run = promisify(execFile)

class Site implements AsyncDisposable {
  readonly local: LocalServer
  readonly port: number
  readonly origin: string

  private constructor(local: LocalServer, port: number) {
    this.local = local
    this.port = port
    this.origin = `http://127.0.0.1:${port}`
  }

  static async start(options: LocalOptions = {}): Promise<Site> {
    const local = await LocalServer.start({ gearmandHttp: '127.0.0.1:0', ...options })
    const port = local.server.gearmandHttpAddress?.port
    assert.ok(port !== undefined && port > 0)
    return new Site(local, port)
  }

  /** A worker that does every job of `f` with `answer`. */
  async worker(answer: (worker: RawPeer, handle: string, workload: string) => void): Promise<void> {
    const worker = await this.local.connect('worker')
    worker.send(PACKET.CAN_DO, 'f')
    void this.#work(worker, answer)
  }

  /** The job that was asked for, in a worker's hand. */
  async jobInHand(): Promise<{ worker: RawPeer; handle: string; workload: string; unique: string }> {
    const worker = await this.local.connect('worker')
    worker.send(PACKET.CAN_DO, 'f')
    worker.send(PACKET.PRE_SLEEP)
    await worker.receive('NOOP')
    worker.send(PACKET.GRAB_JOB_UNIQ)
    const { args, data } = await worker.receive('JOB_ASSIGN_UNIQ')
    return { worker, handle: args[0] ?? '', unique: args[2] ?? '', workload: data.toString('latin1') }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.local[Symbol.asyncDispose]()
  }

  async #work(worker: RawPeer, answer: (worker: RawPeer, handle: string, workload: string) => void): Promise<void> {
    for (;;) {
      worker.send(PACKET.GRAB_JOB)
      const packet = await worker.receive().catch(() => undefined)
      if (packet === undefined) return
      if (packet.name === 'JOB_ASSIGN') answer(worker, packet.args[0] ?? '', packet.data.toString('latin1'))
      else if (packet.name === 'NO_JOB') worker.send(PACKET.PRE_SLEEP)
    }
  }
}

const reverse = (worker: RawPeer, handle: string, workload: string) =>
  worker.send(PACKET.WORK_COMPLETE, handle, Buffer.from(workload, 'latin1').reverse())

function bodyOf(text: string): string {
  return `Content-Length: ${text.length}\r\n\r\n${text}`
}

const post = 'POST /f HTTP/1.1\r\nHost: localhost\r\n'

describe('jobs by real clients', () => {
  test('curl', async () => {
    await using site = await Site.start()
    await site.worker(reverse)
    const { stdout } = await run('curl', ['-sS', '-i', '-d', 'hello', `${site.origin}/f`])
    assert.match(stdout, /^HTTP\/1\.1 200 OK\r\n/)
    assert.match(stdout, /\r\nX-Gearman-Job-Handle: H:[^\r]+\r\n/)
    assert.match(stdout, /\r\nX-Gearman-Command: WORK_COMPLETE\r\n/)
    assert.match(stdout, /\r\nContent-Length: 5\r\n/)
    assert.ok(stdout.includes(`\r\nServer: Gearman/${version}\r\n`), stdout)
    assert.ok(stdout.endsWith('\r\n\r\nolleh'), stdout)
  })

  test('curl, with a body that comes in chunks, and one that it asks about first', async () => {
    await using site = await Site.start()
    await site.worker(reverse)
    const chunked = await run('curl', ['-sS', '-H', 'Transfer-Encoding: chunked', '-d', 'hello', `${site.origin}/f`])
    assert.equal(chunked.stdout, 'olleh')
    const asked = await run('curl', ['-sS', '-H', 'Expect: 100-continue', '-d', 'hello', `${site.origin}/f`])
    assert.equal(asked.stdout, 'olleh')
  })

  test("PHP's stream functions", async () => {
    await using site = await Site.start()
    await site.worker(reverse)
    const program = `
      $context = stream_context_create(['http' => [
        'method' => 'POST', 'content' => 'hello', 'header' => "X-Gearman-Unique: u1\\r\\nX-Gearman-Priority: high"]]);
      echo file_get_contents($argv[1], false, $context), "\\n";
      foreach ($http_response_header as $line) if (stripos($line, 'X-Gearman-Command') === 0) echo $line;`
    const { stdout } = await run('php', ['-r', program, `${site.origin}/f`])
    assert.equal(stdout, 'olleh\nX-Gearman-Command: WORK_COMPLETE')
  })

  test('`geartrain gearmand -r http`', async () => {
    using directory = scratch()
    const flags = ['gearmand', '-L', '127.0.0.1', '-p', '0', '-r', 'http', '--http-port', '0', '-l', 'stderr']
    await using started = await startCommand([...flags, '-P', directory.path('pid'), '--verbose', 'INFO'])
    const [, httpPort] = /gearmand's HTTP on 127\.0\.0\.1:(\d+)/.exec(started.readyLine) ?? []
    const answer = await fetch(`http://127.0.0.1:${httpPort}/f`, {
      method: 'POST',
      body: 'x',
      headers: { 'x-gearman-background': 'true' },
    })
    assert.equal(answer.headers.get('x-gearman-command'), 'JOB_CREATED')
    await using peer = await connect(started.port)
    peer.sendLine('status\n')
    assert.equal(await peer.receiveText('.\n'), 'f\t1\t0\t0\n.\n')
  })
})

describe('where gearmand crashes, corrupts or says nothing', () => {
  test('what a worker sends on the way stands before its result, and nothing else ends the answer', async () => {
    await using site = await Site.start()
    await site.worker((worker, handle) => {
      worker.send(PACKET.WORK_STATUS, handle, '1', '2')
      worker.send(PACKET.WORK_DATA, handle, 'one ')
      worker.send(PACKET.WORK_WARNING, handle, 'careful')
      worker.send(PACKET.WORK_DATA, handle, 'two ')
      worker.send(PACKET.WORK_COMPLETE, handle, 'three')
    })
    const { status, headers, body } = await exchange(site.port, `${post}${bodyOf('x')}`)
    assert.deepEqual([status, headers['content-length'], body], [200, '13', 'one two three'])
  })

  test('what a failed job has sent is not its result', async () => {
    await using site = await Site.start()
    await site.worker((worker, handle) => {
      worker.send(PACKET.WORK_DATA, handle, 'half')
      worker.send(PACKET.WORK_FAIL, handle)
    })
    const { status, headers, body } = await exchange(site.port, `${post}${bodyOf('x')}`)
    assert.deepEqual([status, headers['x-gearman-command'], body], [200, 'WORK_FAIL', ''])
  })

  test('with the exceptions option an exception is the body', async () => {
    await using site = await Site.start({ exceptions: true })
    await site.worker((worker, handle) => worker.send(PACKET.WORK_EXCEPTION, handle, 'because'))
    const { status, headers, body } = await exchange(site.port, `${post}${bodyOf('x')}`)
    assert.deepEqual([status, headers['x-gearman-command'], body], [200, 'WORK_EXCEPTION', 'because'])
  })

  test('equal workloads without a unique are two jobs; `-` makes them one', async () => {
    await using site = await Site.start()
    const submit = async (headers = '') => {
      const head = `${post}X-Gearman-Background: true\r\n${headers}`
      const answer = await exchange(site.port, `${head}${bodyOf('x')}`)
      return answer.headers['x-gearman-job-handle'] ?? ''
    }
    assert.notEqual(await submit(), await submit())
    assert.equal(await submit('X-Gearman-Unique: -\r\n'), await submit('X-Gearman-Unique: -\r\n'))
  })

  test('a connection takes one request after the other, also before the first is answered', async () => {
    await using site = await Site.start()
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    await site.worker(reverse)
    const viaAgent = (text: string) =>
      new Promise<string>((resolve, reject) => {
        const request = httpRequest(`${site.origin}/f`, { method: 'POST', agent }, (answer) => {
          answer.setEncoding('utf8').on('data', (part: string) => resolve(`${part} ${answer.socket.localPort}`))
        })
        request.on('error', reject).end(text)
      })
    const first = await viaAgent('ab')
    const second = await viaAgent('cd')
    assert.deepEqual([first.split(' ')[0], second.split(' ')[0]], ['ba', 'dc'])
    assert.equal(first.split(' ')[1], second.split(' ')[1])
    agent.destroy()

    using http = await RawHttp.connect(site.port)
    http.send(`${post}${bodyOf('ab')}${post}${bodyOf('cd')}GET / HTTP/1.1\r\nHost: localhost\r\n\r\n`)
    assert.equal((await http.answer()).body, 'ba')
    assert.equal((await http.answer()).body, 'dc')
    assert.equal((await http.answer()).status, 404)
  })

  for (const method of ['OPTIONS', 'DELETE', 'TRACE', 'PATCH', 'PROPFIND']) {
    test(`${method} is 405`, async () => {
      await using site = await Site.start()
      const { status, headers } = await exchange(site.port, `${method} /f HTTP/1.1\r\nHost: localhost\r\n\r\n`)
      assert.deepEqual([status, headers['allow'], headers['x-gearman-command']], [405, 'GET, HEAD, POST, PUT', 'ERROR'])
    })
  }

  test('a client that leaves has left its job, and a background job stays', async () => {
    await using site = await Site.start()
    const { server } = site.local
    const http = await RawHttp.connect(site.port)
    http.send(`${post}${bodyOf('x')}`)
    await until('the job was there', () => server.engine.jobCount === 1)
    http.destroy()
    await until('the job was dropped', () => server.engine.jobCount === 0)
    await exchange(site.port, `${post}X-Gearman-Background: true\r\n${bodyOf('x')}`)
    await until('the request was over', () => server.connectionCount === 0)
    assert.equal(server.engine.jobCount, 1)
  })

  test('a client that leaves a running job', async () => {
    await using site = await Site.start()
    const http = await RawHttp.connect(site.port)
    http.send(`${post}${bodyOf('x')}`)
    const { worker, handle } = await site.jobInHand()
    http.destroy()
    await until('its session was over', () => site.local.server.connectionCount === 1)
    worker.send(PACKET.WORK_COMPLETE, handle, 'late')
    await worker.sync()
    await site.local.assertServes()
  })

  test('a client that leaves before it has sent all', async () => {
    await using site = await Site.start()
    const http = await RawHttp.connect(site.port)
    http.send(`${post}Content-Length: 10\r\n\r\nhalf`)
    http.destroy()
    assert.equal((await exchange(site.port, 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')).status, 404)
    assert.equal(site.local.server.engine.jobCount, 0)
  })
})

describe('what is refused', () => {
  const rows: readonly [name: string, options: LocalOptions, request: string, status: number, body: RegExp][] = [
    [
      'a unique that is too long',
      {},
      `${post}X-Gearman-Unique: ${'u'.repeat(65)}\r\n${bodyOf('x')}`,
      400,
      /^ARGUMENT_TOO_LARGE Unique value too large\n$/,
    ],
    [
      'a function that is too long',
      {},
      `POST /${'f'.repeat(513)} HTTP/1.1\r\nHost: localhost\r\n${bodyOf('x')}`,
      400,
      /^ARGUMENT_TOO_LARGE /,
    ],
    [
      'a function that is drained',
      { functions: { f: { draining: 'true' } } },
      `${post}${bodyOf('x')}`,
      503,
      /^QUEUE_ERROR The function is drained /,
    ],
    [
      'a declared body that is too large',
      { limits: { httpBodyBytesMax: 4 } },
      `${post}${bodyOf('12345')}`,
      413,
      /^BODY_TOO_LARGE /,
    ],
    [
      'a body of chunks that is too large',
      { limits: { httpBodyBytesMax: 4 } },
      `${post}Transfer-Encoding: chunked\r\n\r\n3\r\n123\r\n2\r\n45\r\n0\r\n\r\n`,
      413,
      /^BODY_TOO_LARGE /,
    ],
    [
      'a body that no packet has room for',
      { limits: { packetBytesMax: 1024 } },
      `${post}${bodyOf('x'.repeat(1024))}`,
      413,
      /^BODY_TOO_LARGE A body may have 1021 bytes /,
    ],
    ['a page of another site', {}, `${post}Origin: http://elsewhere.example\r\n${bodyOf('x')}`, 403, /^CROSS_SITE /],
    ['a page without an origin', {}, `${post}Origin: null\r\n${bodyOf('x')}`, 403, /^CROSS_SITE /],
    [
      'an image of another site',
      {},
      'GET /f HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: cross-site\r\n\r\n',
      403,
      /^CROSS_SITE /,
    ],
    [
      "another site's name for this machine",
      {},
      `POST /f HTTP/1.1\r\nHost: elsewhere.example:80\r\n${bodyOf('x')}`,
      403,
      /^CROSS_SITE /,
    ],
    [
      'more connections than there may be',
      { limits: { connectionsMax: 0 } },
      `${post}${bodyOf('x')}`,
      429,
      /^TOO_MANY_CONNECTIONS /,
    ],
  ]
  for (const [name, options, request, expected, pattern] of rows) {
    test(name, async () => {
      await using site = await Site.start(options)
      const { status, headers, body } = await exchange(site.port, request)
      assert.deepEqual([status, headers['x-gearman-command']], [expected, 'ERROR'])
      assert.match(body, pattern)
      assert.equal(site.local.server.engine.jobCount, 0)
    })
  }

  test('a function that the access rules do not allow', async () => {
    await using site = await Site.start({
      access: {
        'submits f': { network: '127.0.0.1', roles: 'submit', functions: 'f' },
        'works on all': { network: '127.0.0.1', roles: 'work' },
      },
    })
    await site.worker(reverse)
    assert.equal((await exchange(site.port, `${post}${bodyOf('ab')}`)).body, 'ba')
    const { status, body } = await exchange(site.port, `POST /g HTTP/1.1\r\nHost: localhost\r\n${bodyOf('ab')}`)
    assert.equal(status, 403)
    assert.match(body, /^ACCESS_DENIED /)
  })

  test('a full queue', async () => {
    await using site = await Site.start({ functions: { f: { 'max-queue': '1' } } })
    const request = `${post}X-Gearman-Background: true\r\n${bodyOf('x')}`
    assert.equal((await exchange(site.port, request)).status, 200)
    const { status, headers, body } = await exchange(site.port, request)
    assert.deepEqual([status, headers['x-gearman-command'], body], [429, 'ERROR', 'QUEUE_ERROR Job queue is full\n'])
  })

  test('at each limit there is a job', async () => {
    await using site = await Site.start({ limits: { httpBodyBytesMax: 4 } })
    await site.worker(reverse)
    const head = `POST /f HTTP/1.1\r\nHost: localhost\r\nX-Gearman-Unique: ${'u'.repeat(64)}\r\n`
    assert.equal((await exchange(site.port, `${head}${bodyOf('1234')}`)).body, '4321')
    const chunked = `${head}Transfer-Encoding: chunked\r\n\r\n3\r\n123\r\n1\r\n4\r\n0\r\n\r\n`
    assert.equal((await exchange(site.port, chunked)).body, '4321')
  })

  test('names of this server, and pages of its own', async () => {
    await using site = await Site.start({ httpHosts: ['jobs.example'] })
    for (const host of [
      'jobs.example',
      'JOBS.example:8080',
      'localhost:8080',
      '127.0.0.1',
      '[::1]:8080',
      'a.localhost',
    ]) {
      const head = `POST /f HTTP/1.1\r\nHost: ${host}\r\nOrigin: http://${host}\r\nX-Gearman-Background: true\r\n`
      assert.equal((await exchange(site.port, `${head}${bodyOf('')}`)).status, 200, host)
    }
  })

  test('names of this server alone, also where rules let in who is on this machine', async () => {
    const access = { here: { network: '127.0.0.0/8', roles: 'submit' } } as const
    await using site = await Site.start({ access })
    for (const [host, status] of [
      ['evil.example', 403],
      ['localhost', 200],
    ] as const) {
      const head = `POST /f HTTP/1.1\r\nHost: ${host}\r\nX-Gearman-Background: true\r\n`
      assert.equal((await exchange(site.port, `${head}${bodyOf('')}`)).status, status, host)
    }
  })

  test('what is no HTTP, and headers that are too long', async () => {
    await using site = await Site.start({ limits: { httpHeaderBytesMax: 1024 } })
    const rows: [string, number][] = [
      ['hello\r\n\r\n', 400],
      ['\0REQ\0\0\0\x10\0\0\0\0', 400],
      ['GET /f b HTTP/1.1\r\nHost: localhost\r\n\r\n', 400],
      [`${post}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
      [`${post}X-Gearman-Unique: a\0b\r\n${bodyOf('')}`, 400],
      [`${post}X: ${'x'.repeat(2000)}\r\n\r\n`, 431],
    ]
    for (const [text, expected] of rows) {
      assert.equal((await exchange(site.port, text)).status, expected, JSON.stringify(text.slice(0, 80)))
    }
    await site.local.assertServes()
  })

  test('headers that do not end', async () => {
    await using site = await Site.start({ limits: { httpHeadersTimeoutMs: 1 } })
    assert.equal((await exchange(site.port, 'POST /f HTTP/1.1\r\nHost:')).status, 408)
  })

  test('an answer that is too large', async () => {
    await using site = await Site.start({ limits: { outputBytesMax: 1000 } })
    await site.worker((worker, handle) => {
      for (let i = 0; i < 3; i++) worker.send(PACKET.WORK_DATA, handle, 'x'.repeat(400))
      worker.send(PACKET.WORK_COMPLETE, handle, '')
    })
    const { status, body } = await exchange(site.port, `${post}${bodyOf('x')}`)
    assert.equal(status, 502)
    assert.match(body, /^RESULT_TOO_LARGE /)
  })

  test('more connections of one address than there may be', async () => {
    await using site = await Site.start({ limits: { httpConnectionsPerAddressMax: 1 } })
    using first = await RawHttp.connect(site.port)
    first.send('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
    assert.equal((await first.answer()).status, 404)
    using second = await RawHttp.connect(site.port)
    assert.equal(await second.rest(), '')
  })

  test('a server that closes says so to those who wait', async () => {
    const site = await Site.start()
    using http = await RawHttp.connect(site.port)
    http.send(`${post}${bodyOf('x')}`)
    await until('the job was there', () => site.local.server.engine.jobCount === 1)
    await site[Symbol.asyncDispose]()
    const { status, body } = await http.answer()
    assert.equal(status, 503)
    assert.match(body, /^SHUTTING_DOWN /)
    assert.equal(await http.rest(), '')
  })

  test('a server that works until no job is left takes no new connections, and answers those it has', async () => {
    const site = await Site.start()
    using http = await RawHttp.connect(site.port)
    http.send(`${post}${bodyOf('x')}`)
    const { worker, handle } = await site.jobInHand()
    const finished = site.local.server.finishAll()
    await assert.rejects(RawHttp.connect(site.port), { code: 'ECONNREFUSED' })
    worker.send(PACKET.WORK_COMPLETE, handle, 'done')
    assert.equal((await http.answer()).body, 'done')
    await finished
    await site[Symbol.asyncDispose]()
  })

  test('a port that is taken', async () => {
    await using site = await Site.start()
    const taken = `port ${site.port} on 127.0.0.1 is in use: stop the program that has it, or choose another port with`
    using directory = scratch()
    const files = ['-P', directory.path('pid'), '-l', 'none']
    const place = ['-L', '127.0.0.1', '-p', '0', '-r', 'http', '--http-port', String(site.port)]
    const asGearmand = await geartrain(['gearmand', ...place, ...files])
    assert.deepEqual([asGearmand.code, asGearmand.stderr], [1, `geartrain gearmand: ${taken} --http-port\n`])
    const flags = ['--port', '0', '--http', 'off', '--store', 'memory', '--gearmand-http', String(site.port)]
    const serve = await geartrain(['serve', ...flags])
    assert.deepEqual([serve.code, serve.stderr], [1, `geartrain serve: ${taken} --gearmand-http\n`])
  })

  test('a server that stops gives out the results of running jobs', async () => {
    const site = await Site.start()
    using http = await RawHttp.connect(site.port)
    http.send(`${post}${bodyOf('x')}`)
    const { worker, handle } = await site.jobInHand()
    const closed = site.local.server.close(10_000)
    worker.send(PACKET.WORK_COMPLETE, handle, 'done')
    assert.equal((await http.answer()).body, 'done')
    await closed
    await site[Symbol.asyncDispose]()
  })
})
