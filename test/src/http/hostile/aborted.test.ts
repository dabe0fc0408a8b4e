import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { LocalServer } from '../../server/local-server.ts'
import { PACKET } from '../../support/raw.ts'
import { until } from '../../support/until.ts'
import { RawHttp } from '../exchange.ts'
import { startLocal } from '../local-http.ts'
import { ask, assertAlive, connectTo, get, post, postJson, submit, take, untilAllLeft, written } from './requests.ts'

const takeF = postJson('/api/work/take', { functions: ['f'], wait: '5m' })

/** Leaves as a program does that crashes. */
async function sendAndLeave(local: LocalServer, bytes: string): Promise<void> {
  using connection = await connectTo(local)
  connection.send(bytes)
}

describe('who leaves', () => {
  test('within a request, at each of its bytes, leaves nothing', async () => {
    await using local = await startLocal()
    const request = post('/api/functions/f/jobs', 'abc', 'X-Geartrain-Priority: high')
    const chunked = `${written('POST /api/functions/f/jobs', ['Transfer-Encoding: chunked'])}3\r\nabc\r\n0\r\n\r\n`
    for (const whole of [request, chunked]) {
      for (let length = 1; length < whole.length; length++) await sendAndLeave(local, whole.slice(0, length))
    }
    await assertAlive(local)
    assert.equal(local.server.engine.findFunction('f'), undefined, 'no job was made of a part')
    await untilAllLeft(local)
  })

  test('right behind a submission has submitted it at most once', async () => {
    await using local = await startLocal()
    for (let at = 0; at < 20; at++) await sendAndLeave(local, post('/api/functions/f/jobs', 'x'))
    await assertAlive(local)
    assert.ok((local.server.engine.findFunction('f')?.jobCount ?? 0) <= 20)
  })

  test('while a job waits for a worker drops it', async () => {
    await using local = await startLocal()
    for (const query of ['wait', 'wait&stream', 'wait=1h']) {
      using connection = await connectTo(local)
      connection.send(post(`/api/functions/f/jobs?${query}`, 'x'))
      await until('there was a job', () => local.server.engine.findFunction('f')?.jobCount === 1)
      connection.destroy()
      await until('it was dropped', () => (local.server.engine.findFunction('f')?.jobCount ?? 0) === 0)
    }
    await untilAllLeft(local)
  })

  test('while a job runs or streams leaves it to its worker', async () => {
    await using local = await startLocal()
    using connection = await connectTo(local)
    connection.send(post('/api/functions/f/jobs?wait&stream', 'x'))
    const { lease } = await take(local, 'f')
    assert.equal((await ask(local, post(`/api/work/${lease}/data`, 'part'))).status, 200)
    connection.destroy()
    await until('the client had gone', () => local.server.connectionCount === 1)
    assert.equal((await ask(local, post(`/api/work/${lease}/data`, 'more'))).status, 200)
    assert.equal((await ask(local, post(`/api/work/${lease}/complete`, 'all'))).status, 204)
    await untilAllLeft(local)
  })

  test('while waiting for a job takes none', async () => {
    await using local = await startLocal()
    using connection = await connectTo(local)
    connection.send(takeF)
    await until('there was a worker', () => local.server.connectionCount === 1)
    connection.destroy()
    await untilAllLeft(local)
    const handle = await submit(local, 'f')
    assert.equal((await take(local, 'f')).handle, handle)
  })

  test('within an answer of events leaves nothing', async () => {
    await using local = await startLocal()
    const handle = await submit(local, 'f')
    const before = local.server.connectionCount
    for (const path of ['/api/events', `/api/jobs/${handle}/events`]) {
      using connection = await connectTo(local)
      connection.send(get(path))
      await connection.answer(true)
    }
    await untilAllLeft(local, before)
    await assertAlive(local)
  })

  test('half closes: it has said all, and gets its answer', async () => {
    await using local = await startLocal()
    const answer = await ask(local, get('/healthz', 'Connection: close'))
    assert.equal(answer.status, 200)
  })
})

test('requests that wait behind another one on their connection leave with it', async () => {
  await using local = await startLocal()
  const waiting = post('/api/functions/g/jobs?wait', 'x')
  const requests = [takeF, waiting, get('/api/events'), post('/api/functions/g/jobs?wait&stream', 'x'), takeF, waiting]
  using connection = await connectTo(local)
  connection.send(requests.join(''))
  await until('all of them waited', () => local.server.connectionCount === 5)
  connection.destroy()
  await untilAllLeft(local)
  assert.equal(local.server.engine.findFunction('g')?.jobCount ?? 0, 0)
})

test("requests of gearmand's protocol that wait behind another one leave with it", async () => {
  await using local = await startLocal({ gearmandHttp: '127.0.0.1:0' })
  const { gearmandHttpAddress } = local.server
  assert.ok(gearmandHttpAddress !== undefined)
  using connection = await RawHttp.connect(gearmandHttpAddress.port)
  connection.send(post('/f', 'x').repeat(5))
  await until('all of them waited', () => local.server.connectionCount === 5)
  connection.destroy()
  await untilAllLeft(local)
})

test('a worker that leaves with a lease keeps it, and when that is over the job is another one’s', async () => {
  await using local = await startLocal()
  const handle = await submit(local, 'f')
  const { lease } = await take(local, 'f')
  const worker = await local.connect('worker')
  worker.send(PACKET.CAN_DO, 'f')
  worker.send(PACKET.GRAB_JOB)
  assert.equal((await worker.receive('NO_JOB')).name, 'NO_JOB')
  worker.send(PACKET.PRE_SLEEP)
  const connections = JSON.parse((await ask(local, get('/api/workers'))).body) as {
    connections: { id: string | number }[]
  }
  const [holder] = connections.connections
  const ended = await ask(local, `DELETE /api/connections/${String(holder?.id)} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
  assert.equal(ended.status, 204)
  assert.equal((await worker.receive('NOOP')).name, 'NOOP')
  worker.send(PACKET.GRAB_JOB)
  assert.equal((await worker.receive('JOB_ASSIGN')).args[0], handle)
  const late = await ask(local, post(`/api/work/${lease}/complete`, 'late'))
  assert.equal(late.status, 409)
})
