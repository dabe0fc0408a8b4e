import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import net from 'node:net'
import { test } from 'node:test'
import { setImmediate as nextIteration } from 'node:timers/promises'
import { promisify } from 'node:util'
import { JobFailure, Worker } from '@geartrain/client'
import type { LocalServer } from '../server/local-server.ts'
import { PACKET, RawPeer } from '../support/raw.ts'
import { until } from '../support/until.ts'
import { JobEventReader } from './job-event-reader.ts'
import { apiOf, originOf, startLocal } from './local-http.ts'

const run = promisify(execFile)

interface Problem {
  readonly code: string
  readonly detail: string
  readonly handle?: string
  readonly exception?: object
}

async function problemOf(answer: Response): Promise<Problem & { readonly status: number }> {
  assert.equal(answer.headers.get('content-type'), 'application/problem+json; charset=utf-8')
  return { status: answer.status, ...((await answer.json()) as Problem) }
}

async function withWorker(local: LocalServer): Promise<Worker> {
  const worker = new Worker({ host: '127.0.0.1', port: local.port }, { concurrency: 4 })
  worker.handle('reverse', (job) => Buffer.from(job.workload).reverse())
  worker.handle('throw', () => {
    throw new Error('no such customer: ü')
  })
  worker.handle('fail', () => {
    throw new JobFailure()
  })
  worker.handle('parts', async (job) => {
    await job.data('one ')
    await job.warn('careful')
    job.progress(1, 2)
    await job.data('two ')
    return 'three'
  })
  worker.handle('break', async (job) => {
    await job.data('some')
    throw new Error('too late')
  })
  await worker.start()
  return worker
}

/** A POST whose answer is read as the test asks. */
async function open(local: LocalServer, path: string, body = 'x'): Promise<[ClientRequest, IncomingMessage]> {
  const sent = request(`${originOf(local)}${path}`, { method: 'POST', agent: false })
  sent.end(body)
  const [response] = await once(sent, 'response')
  return [sent, response as IncomingMessage]
}

test('with wait the answer is the result', async () => {
  await using local = await startLocal()
  await using _worker = await withWorker(local)
  const api = await apiOf(local)
  for (const wait of ['', 'true', '30s']) {
    const answer = await api.call('submitJob', { params: { function: 'reverse' }, query: { wait }, body: 'hello' })
    assert.equal(answer.status, 200)
    assert.equal(answer.headers.get('content-type'), 'application/octet-stream')
    assert.equal(answer.headers.get('content-length'), '5')
    assert.match(answer.headers.get('content-location') ?? '', /^\/api\/jobs\/H:/)
    assert.equal(await answer.text(), 'olleh')
  }
  const byHeader = { params: { function: 'parts' }, headers: { 'x-geartrain-wait': '' }, body: 'x' }
  assert.equal(await (await api.call('submitJob', byHeader)).text(), 'three')
  const background = await api.call('submitJob', {
    params: { function: 'reverse' },
    query: { wait: 'false' },
    body: 'x',
  })
  assert.equal(background.status, 202)
})

test('a job that fails has a problem for its answer, also where it would have been streamed', async () => {
  await using local = await startLocal()
  await using _worker = await withWorker(local)
  const api = await apiOf(local)
  for (const query of [{ wait: '' }, { stream: '' }]) {
    const failed = await problemOf(await api.call('submitJob', { params: { function: 'fail' }, query, body: 'x' }))
    assert.deepEqual([failed.status, failed.code], [502, 'JOB_FAILED'])
    const thrown = await problemOf(await api.call('submitJob', { params: { function: 'throw' }, query, body: 'x' }))
    assert.deepEqual([thrown.status, thrown.code], [502, 'JOB_EXCEPTION'])
    assert.match(thrown.detail, /no such customer: ü/)
    assert.match(thrown.handle ?? '', /^H:/)
    assert.ok(thrown.exception !== undefined)
  }
})

test('a job that is not done in time is left, and goes if nobody has it', async () => {
  await using local = await startLocal()
  const api = await apiOf(local)
  const answer = await api.call('submitJob', { params: { function: 'slow' }, query: { wait: '20ms' }, body: 'x' })
  const { status, code, detail } = await problemOf(answer)
  assert.deepEqual([status, code], [504, 'JOB_TIMEOUT'])
  assert.match(detail, /20 ms/)
  await until('the job was dropped', () => local.server.engine.jobCount === 0)
})

test('what is refused is refused before anything begins', async () => {
  await using local = await startLocal({ functions: { full: { 'max-queue': '1' }, drained: { draining: 'true' } } })
  const api = await apiOf(local)
  await api.call('submitJob', { params: { function: 'full' }, body: 'x' })
  for (const query of [{ wait: '' }, { stream: '' }]) {
    for (const accept of ['*/*', 'text/event-stream']) {
      const call = (name: string) =>
        api.call('submitJob', { params: { function: name }, query, body: 'x', headers: { accept } })
      assert.equal((await problemOf(await call('full'))).code, 'QUEUE_FULL')
      assert.equal((await problemOf(await call('drained'))).code, 'FUNCTION_DRAINING')
    }
  }
  assert.equal(local.server.connectionCount, 1, 'only the connection of all background jobs stays')
})

test('with stream come the data, and the result last', async () => {
  await using local = await startLocal()
  const worker = await local.connect('worker')
  worker.send(PACKET.CAN_DO, 'f')
  const answered = open(local, '/api/functions/f/jobs?stream')
  await until('the job was there', () => local.server.engine.jobCount === 1)
  worker.send(PACKET.GRAB_JOB)
  const [handle = ''] = (await worker.receive('JOB_ASSIGN')).args
  worker.send(PACKET.WORK_WARNING, handle, 'careful')
  worker.send(PACKET.WORK_DATA, handle, 'one ')
  const [, response] = await answered
  assert.equal(response.statusCode, 200)
  assert.equal(response.headers['transfer-encoding'], 'chunked')
  const chunks = response[Symbol.asyncIterator]()
  assert.equal(String((await chunks.next()).value), 'one ')
  worker.send(PACKET.WORK_DATA, handle, 'two ')
  assert.equal(String((await chunks.next()).value), 'two ')
  worker.send(PACKET.WORK_COMPLETE, handle, 'three')
  assert.equal(String((await chunks.next()).value), 'three')
  assert.equal((await chunks.next()).done, true)
  assert.equal(response.complete, true)
})

test('a job that fails after its data began has its answer broken off', async () => {
  await using local = await startLocal()
  await using _worker = await withWorker(local)
  const [, response] = await open(local, '/api/functions/break/jobs?stream')
  assert.equal(response.statusCode, 200)
  await assert.rejects(async () => {
    for await (const _ of response);
  }, /aborted/)
  assert.equal(response.complete, false)
})

test('as events come all of it, warnings and progress too', async () => {
  await using local = await startLocal()
  await using _worker = await withWorker(local)
  const url = (name: string) => `${originOf(local)}/api/functions/${name}/jobs?stream`
  const parts = await JobEventReader.open(url('parts'), { method: 'POST', body: 'x' })
  assert.equal(parts.headers['content-type'], 'text/event-stream; charset=utf-8')
  const created = await parts.next()
  assert.equal(created?.event, 'created')
  assert.match(JSON.stringify(created?.data), /^\{"handle":"H:[^"]+","function":"parts"\}$/)
  assert.deepEqual(await parts.rest(), [
    { event: 'data', data: { text: 'one ' } },
    { event: 'warning', data: { text: 'careful' } },
    { event: 'progress', data: { numerator: 1, denominator: 2 } },
    { event: 'data', data: { text: 'two ' } },
    { event: 'complete', data: { result: { text: 'three' } } },
  ])
  const broken = await JobEventReader.open(url('break'), { method: 'POST', body: 'x' })
  const [, , last] = await broken.rest()
  assert.ok(last?.event === 'failed')
  const { code, detail } = last.data as Problem
  assert.equal(code, 'JOB_EXCEPTION')
  assert.match(detail, /too late/)
  const late = await JobEventReader.open(`${url('nobody')}&wait=20ms`, { method: 'POST', body: 'x' })
  assert.deepEqual(
    (await late.rest()).map(({ event, data }) => [event, (data as Problem).code]),
    [
      ['created', undefined],
      ['failed', 'JOB_TIMEOUT'],
    ],
  )
})

test('who leaves waits no longer, and a job that nobody wants is dropped', async () => {
  await using local = await startLocal()
  for (const path of ['?wait', '?stream']) {
    const sent = request(`${originOf(local)}/api/functions/f/jobs${path}`, { method: 'POST', agent: false })
    sent.on('error', () => {})
    sent.end('x')
    await until('the job was there', () => local.server.engine.jobCount === 1)
    sent.destroy()
    await until('the job was dropped', () => local.server.engine.jobCount === 0)
  }
  const events = await JobEventReader.open(`${originOf(local)}/api/functions/f/jobs?wait`, { method: 'POST' })
  assert.equal((await events.next())?.event, 'created')
  events.close()
  await until('the job was dropped', () => local.server.engine.jobCount === 0)
  await until('their sessions have ended', () => local.server.connectionCount === 0)
})

test('a slow reader holds up the worker, and gets every byte', async () => {
  await using local = await startLocal()
  const socket = net.connect({ host: '127.0.0.1', port: local.port })
  const worker = new RawPeer(socket, 'worker')
  await once(socket, 'connect')
  worker.send(PACKET.CAN_DO, 'f')
  const answered = open(local, '/api/functions/f/jobs?stream')
  await until('the job was there', () => local.server.engine.jobCount === 1)
  worker.send(PACKET.GRAB_JOB)
  const [handle = ''] = (await worker.receive('JOB_ASSIGN')).args
  const part = Buffer.alloc(64 * 1024, 'x')
  worker.send(PACKET.WORK_DATA, handle, part)
  const [, response] = await answered
  // Far more than sockets and buffers on the way can take.
  const parts = 1000
  for (let count = 1; count < parts; count++) worker.send(PACKET.WORK_DATA, handle, part)
  worker.send(PACKET.WORK_COMPLETE, handle, 'end')
  await untilStill(() => socket.writableLength)
  assert.ok(socket.writableLength > (part.length * parts) / 2, 'the worker can not go on')
  assert.equal(local.server.engine.jobCount, 1)
  let bytes = 0
  for await (const chunk of response) bytes += (chunk as Buffer).length
  assert.equal(bytes, part.length * parts + 3)
  assert.equal(local.server.engine.jobCount, 0)
  socket.destroy()
})

/** What it measures has been the same for many iterations of the loop. */
async function untilStill(measure: () => number): Promise<void> {
  for (let last = measure(), since = 0; since < 1000; since++) {
    await nextIteration()
    if (measure() === last) continue
    last = measure()
    since = 0
  }
}

test('several wait for one job of a unique, and each gets its result', async () => {
  await using local = await startLocal()
  const api = await apiOf(local)
  const call = { params: { function: 'reverse' }, query: { wait: '', unique: 'u' }, body: 'hello' }
  const answers = Promise.all([api.call('submitJob', call), api.call('submitJob', call), api.call('submitJob', call)])
  await until('all wait', () => [...local.server.engine.jobs()][0]?.waiters.length === 3)
  await using _worker = await withWorker(local)
  for (const answer of await answers) assert.equal(await answer.text(), 'olleh')
})

test('a server that closes says so to those who wait', async () => {
  const local = await startLocal()
  const answer = fetch(`${originOf(local)}/api/functions/f/jobs?wait`, { method: 'POST', body: 'x' })
  await until('the job was there', () => local.server.engine.jobCount === 1)
  const outcome = answer.then(
    async (given) => (await given.json()) as Problem,
    () => 'broken off' as const,
  )
  await local.server.close(0)
  const given = await outcome
  assert.ok(given === 'broken off' || given.code === 'SHUTTING_DOWN', JSON.stringify(given))
  await local[Symbol.asyncDispose]()
})

test('curl and PHP wait and stream', async () => {
  await using local = await startLocal()
  await using _worker = await withWorker(local)
  const url = (name: string, query: string) => `${originOf(local)}/api/functions/${name}/jobs?${query}`
  assert.equal((await run('curl', ['-s', '-d', 'hello', url('reverse', 'wait=30s')])).stdout, 'olleh')
  assert.equal((await run('curl', ['-sN', '-d', 'x', url('parts', 'stream')])).stdout, 'one two three')
  await assert.rejects(run('curl', ['-sN', '-d', 'x', url('break', 'stream')]), { code: 18 })
  const script = `$context = stream_context_create(['http' => ['method' => 'POST', 'content' => 'hello',
    'ignore_errors' => true, 'header' => 'Content-Type: text/plain']]);
    foreach (array_slice($argv, 1) as $url) echo file_get_contents($url, false, $context), " ", $http_response_header[0], "\\n";`
  const { stdout } = await run('php', [
    '-r',
    script,
    url('reverse', 'wait'),
    url('parts', 'stream'),
    url('fail', 'wait'),
  ])
  const [reversed, streamed, failed = ''] = stdout.split('\n')
  assert.equal(reversed, 'olleh HTTP/1.1 200 OK')
  assert.equal(streamed, 'one two three HTTP/1.1 200 OK')
  assert.match(failed, /"code":"JOB_FAILED".* HTTP\/1\.1 502 Bad Gateway$/)
})
