import assert from 'node:assert/strict'
import { exchange, type RawAnswer, RawHttp } from '../http/exchange.ts'
import { freePort } from '../support/peers.ts'
import { PACKET, type RawPeer } from '../support/raw.ts'
import { conformance } from './suite.ts'

// gearmand's own protocol over HTTP, where gearmand does not misbehave.

const ports = { ours: await freePort(), gearmand: await freePort() }
const background = 'X-Gearman-Background: true\r\n'

interface Row {
  readonly name: string
  /** Without its last empty line and the body. */
  readonly head: string
  readonly body?: string
  /** Of the queue afterwards: the row of `prioritystatus`, and the unique. */
  readonly queued: string
  readonly unique: string
}

const submissions: readonly Row[] = [
  {
    name: 'a background job',
    head: `POST /f HTTP/1.1\r\nHost: localhost\r\n${background}X-Gearman-Unique: u\r\n`,
    body: 'hello',
    queued: 'f\t0\t1\t0\t0',
    unique: 'u',
  },
  {
    name: 'words in any case, and HTTP/1.0',
    head: 'PUT /f HTTP/1.0\r\nx-gearman-background: TRUE\r\nX-GEARMAN-UNIQUE: U\r\nX-Gearman-Priority: HIGH\r\n',
    body: 'hello',
    queued: 'f\t1\t0\t0\t0',
    unique: 'U',
  },
  {
    name: 'low priority, and GET without a body',
    head: `GET /f HTTP/1.1\r\nHost: localhost\r\n${background}X-Gearman-Unique: u\r\nX-Gearman-Priority: low\r\n`,
    queued: 'f\t0\t0\t1\t0',
    unique: 'u',
  },
  {
    name: 'GET with a body, and a priority that there is not',
    head: `GET /f HTTP/1.1\r\nHost: localhost\r\n${background}X-Gearman-Unique: u\r\nX-Gearman-Priority: urgent\r\n`,
    body: 'hello',
    queued: 'f\t0\t1\t0\t0',
    unique: 'u',
  },
  {
    name: 'no slash is left at the beginning',
    head: `POST ///f HTTP/1.1\r\nHost: localhost\r\n${background}X-Gearman-Unique: u\r\n`,
    queued: 'f\t0\t1\t0\t0',
    unique: 'u',
  },
  {
    name: 'the rest of the URI is the function, raw, with its query',
    head: `POST /a/b%20c?d=e&f HTTP/1.1\r\nHost: localhost\r\n${background}X-Gearman-Unique: u\r\n`,
    queued: 'a/b%20c?d=e&f\t0\t1\t0\t0',
    unique: 'u',
  },
  {
    name: 'a whole URL is the function, too',
    head: `POST http://localhost/f HTTP/1.1\r\nHost: localhost\r\n${background}X-Gearman-Unique: u\r\n`,
    queued: 'http://localhost/f\t0\t1\t0\t0',
    unique: 'u',
  },
  {
    name: 'uniques are bytes',
    head: `POST /f HTTP/1.1\r\nHost: localhost\r\n${background}X-Gearman-Unique: \xc3\xa4\xff\r\n`,
    queued: 'f\t0\t1\t0\t0',
    unique: '\xc3\xa4\xff',
  },
  {
    name: 'the last of two uniques counts',
    head: `POST /f HTTP/1.1\r\nHost: localhost\r\n${background}X-Gearman-Unique: u\r\nX-Gearman-Unique: v\r\n`,
    queued: 'f\t0\t1\t0\t0',
    unique: 'v',
  },
]

conformance(
  "gearmand's HTTP",
  ({ scenario }) => {
    for (const { name, head, body = '', queued, unique } of submissions) {
      scenario(name, async ({ kind, stage, differs }) => {
        const answer = await exchange(ports[kind], `${head}Content-Length: ${body.length}\r\n\r\n${body}`)
        assert.equal(answer.status, 200)
        assert.equal(answer.reason, 'OK')
        assert.equal(answer.version, differs('HTTP/1.1', { ours: '1.1', gearmand: '1.0' }))
        assert.match(answer.headers['x-gearman-job-handle'] ?? '', /^H:[^:]+:\d+$/)
        assert.equal(answer.headers['x-gearman-command'], 'JOB_CREATED')
        assert.equal(answer.headers['content-length'], '0')
        assert.match(answer.headers['server'] ?? '', /^Gearman\/\d/)
        assert.deepEqual(await stage.list('prioritystatus'), [queued])
        assert.deepEqual(await stage.list('show unique jobs'), [unique])
      })
    }

    scenario('bytes that no URI has', async ({ kind, differs }) => {
      const head = `POST /h\xc3\xa4\xff HTTP/1.1\r\nHost: localhost\r\n${background}Content-Length: 0\r\n\r\n`
      const { status } = await exchange(ports[kind], head)
      assert.equal(status, differs('a URI is ASCII', { ours: 400, gearmand: 200 }))
    })

    for (const method of ['GET', 'POST', 'PUT']) {
      for (const path of ['/', '///']) {
        scenario(`${method} ${path} is not found`, async ({ kind }) => {
          const { status, headers } = await exchange(
            ports[kind],
            `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
          )
          assert.deepEqual([status, headers['content-length']], [404, '0'])
        })
      }
    }

    /** A request, and the worker that does its job. */
    const inHand = async (port: number, worker: RawPeer, request: string, workload = 'hello') => {
      worker.send(PACKET.CAN_DO, 'f')
      const http = await RawHttp.connect(port)
      http.send(request)
      for (;;) {
        worker.send(PACKET.PRE_SLEEP)
        await worker.receive('NOOP')
        worker.send(PACKET.GRAB_JOB_UNIQ)
        const { name, args, data } = await worker.receive('JOB_ASSIGN_UNIQ')
        if (name !== 'JOB_ASSIGN_UNIQ') continue
        assert.deepEqual([args[1], data.toString()], ['f', workload])
        return { http, handle: args[0] ?? '', unique: args[2] ?? '' }
      }
    }
    const request = 'POST /f HTTP/1.1\r\nHost: localhost\r\nX-Gearman-Unique: u\r\nContent-Length: 5\r\n\r\nhello'
    const facts = ({ status, headers, body }: RawAnswer) => ({
      status,
      command: headers['x-gearman-command'],
      length: headers['content-length'],
      body,
    })

    scenario('the result is the body', async ({ kind, connect }) => {
      const worker = await connect('worker')
      const { http, handle, unique } = await inHand(ports[kind], worker, request)
      assert.equal(unique, 'u')
      worker.send(PACKET.WORK_COMPLETE, handle, 'ol\0leh')
      const answer = await http.answer()
      assert.deepEqual(facts(answer), { status: 200, command: 'WORK_COMPLETE', length: '6', body: 'ol\0leh' })
      assert.equal(answer.headers['x-gearman-job-handle'], handle)
    })

    scenario('HEAD has the job done, and no body', async ({ kind, connect }) => {
      const worker = await connect('worker')
      const { http, handle } = await inHand(ports[kind], worker, 'HEAD /f HTTP/1.1\r\nHost: localhost\r\n\r\n', '')
      worker.send(PACKET.WORK_COMPLETE, handle, 'olleh')
      const answer = await http.answer(true)
      assert.deepEqual([answer.status, answer.headers['content-length']], [200, '5'])
      http.destroy()
    })

    scenario('a job that fails is 200', async ({ kind, connect, differs }) => {
      const worker = await connect('worker')
      const { http, handle } = await inHand(ports[kind], worker, request)
      worker.send(PACKET.WORK_FAIL, handle)
      const answer = await http.answer()
      assert.deepEqual(facts(answer), { status: 200, command: 'WORK_FAIL', length: '0', body: '' })
      const cut = { ours: handle, gearmand: handle.slice(0, -1) }
      assert.equal(answer.headers['x-gearman-job-handle'], differs('the whole handle', cut))
    })

    scenario('an exception is a failure', async ({ kind, connect }) => {
      const worker = await connect('worker')
      const { http, handle } = await inHand(ports[kind], worker, request)
      worker.send(PACKET.WORK_EXCEPTION, handle, 'because')
      const { status, headers } = await http.answer()
      assert.deepEqual([status, headers['x-gearman-command']], [200, 'WORK_FAIL'])
    })

    scenario('who gives no unique has none', async ({ kind, connect, differs }) => {
      const worker = await connect('worker')
      const plain = 'POST /f HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello'
      const { http, handle, unique } = await inHand(ports[kind], worker, plain)
      assert.equal(unique, differs('empty: equal workloads are not one job', { ours: '', gearmand: '-' }))
      worker.send(PACKET.WORK_COMPLETE, handle, '')
      assert.equal((await http.answer()).status, 200)
    })
  },
  {
    ours: ['--gearmand-http', `127.0.0.1:${ports.ours}`],
    gearmand: ['--protocol=http', `--http-port=${ports.gearmand}`],
  },
)
