import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RawHttp } from '../exchange.ts'
import { startLocal } from '../local-http.ts'
import { ask, assertAlive, connectTo, get, portOf, post, untilAllLeft } from './requests.ts'

const quick = { limits: { httpHeadersTimeoutMs: 200, httpRequestTimeoutMs: 200 } }

/** Sends a request byte by byte and stops before its last one; what the server says to that. */
async function crawl(port: number, request: string): Promise<string> {
  using connection = await RawHttp.connect(port)
  for (const byte of request.slice(0, -1)) connection.send(byte)
  return await connection.rest()
}

const slow = {
  'nothing at all': 'G',
  'a request line': 'GET /healthz HT',
  headers: `${get('/healthz').slice(0, -2)}X-A: b`,
  'a body': post('/api/functions/f/jobs', 'abc'),
  'a chunked body':
    'POST /api/functions/f/jobs HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc',
}

test('what does not come to its end in time is cut off, all of it at once, and others are not held up', async () => {
  await using local = await startLocal(quick)
  const crawls = Object.entries(slow).map(async ([what, request]) => {
    const answer = await crawl(portOf(local), request)
    // Who has not begun is closed without a word.
    assert.match(
      answer,
      what === 'nothing at all' ? /^$|^HTTP\/1\.1 408 / : /^HTTP\/1\.1 408 Request Timeout\r\n/,
      what,
    )
  })
  await assertAlive(local)
  await Promise.all(crawls)
  await assertAlive(local)
  assert.equal(local.server.engine.findFunction('f'), undefined, 'no job was made of a part')
  await untilAllLeft(local)
})

test("what is slow is cut off where gearmand's protocol is spoken, too", async () => {
  await using local = await startLocal({ ...quick, gearmandHttp: '127.0.0.1:0' })
  const { gearmandHttpAddress } = local.server
  assert.ok(gearmandHttpAddress !== undefined)
  assert.match(await crawl(gearmandHttpAddress.port, post('/f', 'abc')), /^HTTP\/1\.1 408 /)
})

test('a connection that says nothing is closed', async () => {
  await using local = await startLocal(quick)
  using connection = await connectTo(local)
  await connection.rest()
})

test('a request that waits for its answer is no slow one', async () => {
  await using local = await startLocal(quick)
  const answer = await ask(local, post('/api/functions/f/jobs?wait=1500ms', 'x'))
  assert.equal(answer.status, 504)
})

test('headers may have more time than the whole request: they have no more than that', async () => {
  await using local = await startLocal({ limits: { httpHeadersTimeoutMs: 10_000, httpRequestTimeoutMs: 200 } })
  using connection = await connectTo(local)
  connection.send('GET /healthz HTTP/1.1\r\n')
  assert.match(await connection.rest(), /^HTTP\/1\.1 408 /)
})

test('the end of the time is not waited for where there is none', async () => {
  await using local = await startLocal({
    limits: { httpHeadersTimeoutMs: 0, httpRequestTimeoutMs: 0, outputTimeoutMs: 0 },
  })
  await assertAlive(local)
})
