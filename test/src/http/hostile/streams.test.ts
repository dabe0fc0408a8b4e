import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { ServerResponse } from 'node:http'
import net from 'node:net'
import { test } from 'node:test'
import type { LocalServer } from '../../server/local-server.ts'
import { until } from '../../support/until.ts'
import { RawHttp } from '../exchange.ts'
import { startLocal } from '../local-http.ts'
import { ask, assertAlive, connectTo, get, portOf, post, submit, take, untilAllLeft } from './requests.ts'

/** Every answer that this process makes, as Node tells of them. */
class Answers implements Disposable {
  readonly all: ServerResponse[] = []
  readonly #onStart = (message: unknown) => {
    if (typeof message === 'object' && message !== null && 'response' in message) {
      // Node's own, of its servers.
      this.all.push(message.response as ServerResponse)
    }
  }

  constructor() {
    subscribe('http.server.request.start', this.#onStart)
  }

  /** Held for those who read slowly. */
  get bytes(): number {
    return this.all.reduce((sum, response) => sum + (isOver(response) ? 0 : response.writableLength), 0)
  }

  get openCount(): number {
    return this.all.filter((response) => !isOver(response)).length
  }

  [Symbol.dispose](): void {
    unsubscribe('http.server.request.start', this.#onStart)
  }
}

function isOver(response: ServerResponse): boolean {
  return response.closed || response.destroyed
}

/** Connections that have got the beginning of their events. */
async function listen(local: LocalServer, path: string, count: number, isSlow = false): Promise<RawHttp[]> {
  const readers = await Promise.all(Array.from({ length: count }, () => RawHttp.connect(portOf(local))))
  for (const reader of readers) reader.send(get(path, 'Connection: close'))
  for (const reader of readers) {
    assert.equal((await reader.answer(true)).status, 200)
    if (isSlow) reader.pause()
  }
  return readers
}

const part = 'x'.repeat(60_000)

test('a thousand readers of one job, slow ones among them, are told all or cut off, and leave nothing', async () => {
  await using local = await startLocal()
  using answers = new Answers()
  const handle = await submit(local, 'f')
  const path = `/api/jobs/${handle}/events`
  const readers = await listen(local, path, 950)
  const slow = await listen(local, path, 50, true)
  const { lease } = await take(local, 'f')
  // Kernels take some MB for who does not read.
  for (let sent = 0; sent < 3; sent++) await ask(local, post(`/api/work/${lease}/data`, 'small'))
  assert.equal((await ask(local, post(`/api/work/${lease}/complete`, 'done'))).status, 204)
  for (const reader of readers) {
    const text = await reader.rest()
    assert.equal(text.split('event: data\n').length, 4)
    assert.match(text, /event: ended\n/)
  }
  for (const reader of slow) reader.destroy()
  await until('all answers were over', () => answers.openCount === 0)
  await assertAlive(local)
})

test('a reader of a job who does not read is cut off, and little is held for it until then', async () => {
  await using local = await startLocal()
  using answers = new Answers()
  const handle = await submit(local, 'f')
  const slow = await listen(local, `/api/jobs/${handle}/events`, 3, true)
  const [reader] = await listen(local, `/api/jobs/${handle}/events`, 1)
  const { lease } = await take(local, 'f')
  let heldMax = 0
  for (let sent = 0; sent < 1000 && answers.openCount > 1; sent++) {
    assert.equal((await ask(local, post(`/api/work/${lease}/data`, part))).status, 200)
    heldMax = Math.max(heldMax, answers.bytes)
  }
  assert.equal(answers.openCount, 1, 'of those who watch, only the one that reads is left')
  assert.ok(heldMax < 4 * 512 * 1024, `${heldMax} bytes were held`)
  assert.equal((await ask(local, post(`/api/work/${lease}/complete`, 'done'))).status, 204)
  assert.match((await reader?.rest()) ?? '', /event: ended\n/)
  for (const each of slow) each.destroy()
  await until('all answers were over', () => answers.openCount === 0)
})

test('a thousand readers of all events, slow ones among them, leave nothing when they leave', async () => {
  await using local = await startLocal()
  using answers = new Answers()
  for (let index = 0; index < 20; index++) await submit(local, `f${index}`)
  const before = local.server.connectionCount
  const readers = await listen(local, '/api/events', 980)
  const slow = await listen(local, '/api/events', 20, true)
  await until('all of them had begun', () => answers.openCount === 1000)
  for (let index = 0; index < 20; index++) await submit(local, `f${index}`)
  assert.ok(answers.bytes < 1000 * 64 * 1024, `${answers.bytes} bytes were held`)
  await assertAlive(local)
  for (const reader of [...readers, ...slow]) reader.destroy()
  await until('all answers were over', () => answers.openCount === 0)
  await untilAllLeft(local, before)
})

test('who takes nothing of what is there for it is cut off: events, results, pages', async () => {
  await using local = await startLocal({ limits: { outputTimeoutMs: 500 } })
  using answers = new Answers()
  using result = await connectTo(local)
  result.send(post('/api/functions/f/jobs?wait', 'x'))
  const { lease } = await take(local, 'f')
  result.pause()
  assert.equal((await ask(local, post(`/api/work/${lease}/complete`, 'x'.repeat(20_000_000)))).status, 204)
  using many = await connectTo(local)
  many.pause()
  many.send(get('/api/openapi.json').repeat(1000))
  await until('something was held', () => answers.bytes > 10_000_000)
  await until('they were cut off', () => answers.openCount === 0)
  await untilAllLeft(local)
  await assertAlive(local)
})

test('who only waits is not cut off by that, however long', async () => {
  await using local = await startLocal({ limits: { outputTimeoutMs: 200 } })
  using waiting = await connectTo(local)
  waiting.send(post('/api/functions/f/jobs?wait=1s', 'x'))
  assert.equal((await waiting.answer()).status, 504)
})

test('a stream of much that nobody reads pauses its worker; others go on, and it goes on when it is read', async () => {
  await using local = await startLocal({ limits: { outputTimeoutMs: 0 } })
  using answers = new Answers()
  const slow = net.connect(portOf(local), '127.0.0.1')
  let read = 0
  slow.on('data', (chunk) => {
    read += chunk.length
  })
  slow.pause()
  slow.write(post('/api/functions/f/jobs?wait&stream', 'x'))
  const { lease } = await take(local, 'f')
  const bytes = 'x'.repeat(1_000_000)
  let taken = 0
  let isDone = false
  const work = (async () => {
    for (; taken < 64; taken++) assert.equal((await ask(local, post(`/api/work/${lease}/data`, bytes))).status, 200)
    assert.equal((await ask(local, post(`/api/work/${lease}/complete`, 'end'))).status, 204)
    isDone = true
  })()
  let before = -1
  // While the worker is not paused, each of these lets it go on.
  for (let same = 0; same < 200; same = before === taken ? same + 1 : 0) {
    before = taken
    await assertAlive(local)
  }
  assert.ok(!isDone && taken < 64, `${taken} MB were taken`)
  assert.ok(answers.bytes < 8_000_000, `${answers.bytes} bytes were held`)
  await local.assertServes()
  slow.resume()
  await work
  await until('all had come', () => read > 64_000_000)
  slow.destroy()
  await untilAllLeft(local)
})

test('of a thousand large answers that nobody reads a few are made', async () => {
  await using local = await startLocal()
  using answers = new Answers()
  using connection = await connectTo(local)
  connection.pause()
  connection.send(get('/api/openapi.json').repeat(1000))
  await until('requests had come', () => answers.all.length > 100)
  for (let turn = 0; turn < 20; turn++) await assertAlive(local)
  assert.ok(answers.bytes < 5_000_000, `${answers.bytes} bytes were held`)
  connection.destroy()
  await until('all answers were over', () => answers.openCount === 0)
})
