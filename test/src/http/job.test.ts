import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LocalServer } from '../server/local-server.ts'
import { PACKET, type RawPeer } from '../support/raw.ts'
import type { Api } from './api.ts'
import { apiOf, originOf, startLocal } from './local-http.ts'

interface JobState {
  readonly handle: string
  readonly function: string
  readonly unique: string
  readonly priority: string
  readonly state: string
  readonly attempts: number
  readonly workload?: object
  readonly result?: object
  readonly hidden?: boolean
  readonly numerator?: number
  readonly failures: readonly { readonly reason: string; readonly error: string }[]
}

async function submit(api: Api, name: string, query: Record<string, string> = {}, body = 'work'): Promise<string> {
  return ((await api.json('submitJob', { params: { function: name }, query, body })) as { handle: string }).handle
}

async function show(api: Api, handle: string): Promise<JobState> {
  return (await api.json('getJob', { params: { handle } })) as JobState
}

/** Status and code of what is refused. */
async function refused(api: Api, operation: string, handle: string, body?: object): Promise<string> {
  const answer = await api.call(operation, { params: { handle }, ...(body === undefined ? {} : { body }) })
  const { code, detail } = (await answer.json()) as { code: string; detail: string }
  assert.ok(detail.length > 0)
  return `${answer.status} ${code}`
}

async function done(api: Api, operation: string, handle: string, body?: object | string): Promise<void> {
  const answer = await api.call(operation, { params: { handle }, ...(body === undefined ? {} : { body }) })
  assert.equal(answer.status, 204, await answer.text())
}

/** A worker that has the next job of the function. */
async function grab(local: LocalServer, name: string): Promise<{ worker: RawPeer; handle: string; workload: string }> {
  const worker = await local.connect('worker')
  worker.send(PACKET.CAN_DO, name)
  worker.send(PACKET.GRAB_JOB)
  const { args, data } = await worker.receive('JOB_ASSIGN')
  return { worker, handle: args[0] ?? '', workload: data.toString() }
}

async function fail(local: LocalServer, name: string, error: string): Promise<void> {
  const { worker, handle } = await grab(local, name)
  worker.send(PACKET.WORK_EXCEPTION, handle, error)
  await worker.sync()
  worker.destroy()
}

test('a job is shown while it waits, runs, and after it has ended', async () => {
  await using local = await startLocal()
  const api = await apiOf(local)
  const handle = await submit(api, 'f', { unique: 'ü', priority: 'high', 'keep-results': '1h' }, 'über')
  const waiting = await show(api, handle)
  assert.equal(waiting.unique, 'ü')
  assert.deepEqual([waiting.state, waiting.priority, waiting.workload], ['ready', 'high', { text: 'über' }])
  assert.equal(await refused(api, 'getJobResult', handle), '409 CONFLICT')
  const { worker } = await grab(local, 'f')
  worker.send(PACKET.WORK_STATUS, handle, '1', '4')
  await worker.sync()
  const running = await show(api, handle)
  assert.deepEqual([running.state, running.numerator], ['running', 1])
  const workload = await api.call('getJobWorkload', { params: { handle } })
  assert.equal(workload.headers.get('content-type'), 'application/octet-stream')
  assert.equal(await workload.text(), 'über')
  worker.send(PACKET.WORK_COMPLETE, handle, Buffer.from([0, 255, 1]))
  await worker.sync()
  const ended = await show(api, handle)
  assert.deepEqual([ended.state, ended.result], ['complete', { base64: 'AP8B' }])
  const result = await api.call('getJobResult', { params: { handle } })
  assert.deepEqual(new Uint8Array(await result.arrayBuffer()), Uint8Array.of(0, 255, 1))
  assert.equal(await refused(api, 'getJobWorkload', handle), '404 NOT_FOUND')
  await done(api, 'deleteJob', handle)
  assert.equal(await refused(api, 'getJob', handle), '404 NOT_FOUND')
})

test('a job that has failed gives the problem of it for its result', async () => {
  await using local = await startLocal()
  const api = await apiOf(local)
  const handle = await submit(api, 'f', { 'keep-results': '1h' })
  await fail(local, 'f', 'no such customer')
  assert.equal(await refused(api, 'getJobResult', handle), '502 JOB_EXCEPTION')
})

test('a dead job is shown with its failures, is retried with another workload, and is deleted', async () => {
  await using local = await startLocal()
  const api = await apiOf(local)
  const handle = await submit(api, 'f', { attempts: '1' })
  assert.equal(await refused(api, 'retryJob', handle), '409 CONFLICT')
  await fail(local, 'f', 'no such customer')
  const dead = await show(api, handle)
  assert.deepEqual(
    [dead.state, dead.failures.map(({ reason, error }) => [reason, error])],
    ['dead', [['exception', 'no such customer']]],
  )
  assert.equal(await refused(api, 'getJobResult', handle), '502 JOB_FAILED')
  assert.equal(await refused(api, 'prioritizeJob', handle, { priority: 'high' }), '409 CONFLICT')
  await done(api, 'retryJob', handle, 'other work')
  // Without a store it has another handle from then on.
  const again = await grab(local, 'f')
  assert.equal(again.workload, 'other work')
  again.worker.send(PACKET.WORK_EXCEPTION, again.handle, 'again')
  await again.worker.sync()
  await done(api, 'deleteJob', again.handle)
  assert.equal(await refused(api, 'retryJob', again.handle), '404 NOT_FOUND')
})

test('a job is cancelled, run now, put in another line and deleted', async () => {
  await using local = await startLocal()
  const api = await apiOf(local)
  const delayed = await submit(api, 'f', { delay: '1h' })
  await done(api, 'prioritizeJob', delayed, { priority: 'low' })
  assert.equal((await show(api, delayed)).priority, 'low')
  await done(api, 'runJob', delayed)
  assert.equal((await show(api, delayed)).state, 'ready')
  assert.equal(await refused(api, 'runJob', delayed), '409 CONFLICT')
  const { worker } = await grab(local, 'f')
  assert.equal(await refused(api, 'deleteJob', delayed), '409 CONFLICT')
  await done(api, 'cancelJob', delayed)
  assert.equal(await refused(api, 'cancelJob', delayed), '404 NOT_FOUND')
  worker.destroy()
  const waiting = await submit(api, 'f')
  await done(api, 'deleteJob', waiting)
  assert.equal(local.server.engine.jobCount, 0)
})

const operations = [
  'getJob',
  'getJobWorkload',
  'getJobResult',
  'watchJob',
  'cancelJob',
  'retryJob',
  'runJob',
  'deleteJob',
] as const

test('what is no handle, or of no job, is not found', async (context) => {
  await using local = await startLocal()
  const api = await apiOf(local)
  const handle = await submit(api, 'f')
  const unknown = handle.replace(/\d$/, (digit) => String((Number(digit) + 1) % 10))
  const handles = [
    unknown,
    'nonsense',
    'H:other:1764201600000001',
    '\r\nx: 1',
    '../../etc/passwd',
    `${handle} `,
    '\0',
    'ü',
  ]
  for (const operation of operations) {
    await context.test(operation, async () => {
      for (const each of handles)
        assert.equal(await refused(api, operation, each), '404 NOT_FOUND', JSON.stringify(each))
      assert.equal(await refused(api, operation, 'x'.repeat(513)), '400 BAD_REQUEST')
    })
  }
  for (const path of ['%FF', '%zz', '%00%', '..%2f..%2f']) {
    const answer = await fetch(`${originOf(local)}/api/jobs/${path}`)
    assert.ok(answer.status === 400 || answer.status === 404, `${path}: ${answer.status}`)
    assert.equal(answer.headers.get('content-type'), 'application/problem+json; charset=utf-8')
  }
})

test('a priority that is none is refused', async () => {
  await using local = await startLocal()
  const api = await apiOf(local)
  const handle = await submit(api, 'f')
  for (const body of [{ priority: 'urgent' }, {}, { priority: 'high', more: 1 }, []]) {
    assert.equal(await refused(api, 'prioritizeJob', handle, body), '400 BAD_REQUEST')
  }
  const call = { params: { handle }, body: 'priority=high', headers: { 'content-type': 'text/plain' } }
  assert.equal((await api.call('prioritizeJob', call)).status, 415)
})

test('payloads that a policy hides are not shown', async () => {
  await using local = await startLocal({ functions: { secret: { 'hide-payloads': 'true', 'keep-results': '1h' } } })
  const api = await apiOf(local)
  const handle = await submit(api, 'secret')
  const waiting = await show(api, handle)
  assert.deepEqual([waiting.hidden, waiting.workload], [true, undefined])
  const { worker } = await grab(local, 'secret')
  worker.send(PACKET.WORK_COMPLETE, handle, 'result')
  await worker.sync()
  for (const operation of ['getJobWorkload', 'getJobResult']) {
    const answer = await api.call(operation, { params: { handle } })
    assert.equal(answer.status, 404)
    assert.match(
      ((await answer.json()) as { detail: string }).detail,
      operation === 'getJobResult' ? /hide-payloads/ : /./,
    )
  }
  // Whoever has submitted it has its result all the same.
  const answer = api.call('submitJob', { params: { function: 'secret' }, query: { wait: '' }, body: 'x' })
  const next = await grab(local, 'secret')
  next.worker.send(PACKET.WORK_COMPLETE, next.handle, 'mine')
  assert.equal(await (await answer).text(), 'mine')
})
