import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { startLocal } from '../local-http.ts'
import { ask, assertAlive, codeOf, connectTo, get, post, written } from './requests.ts'

const small = { limits: { httpBodyBytesMax: 1000, httpHeaderBytesMax: 4096 } }
const jobs = '/api/functions/f/jobs'

function chunked(body: string): string {
  return `${written(`POST ${jobs}`, ['Transfer-Encoding: chunked'])}${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`
}

describe('a body', () => {
  test('may be as long as it may, declared or in chunks', async () => {
    await using local = await startLocal(small)
    assert.equal((await ask(local, post(jobs, 'x'.repeat(1000)))).status, 202)
    assert.equal((await ask(local, chunked('x'.repeat(1000)))).status, 202)
  })

  test('of one byte more is refused, and what comes after it on the connection is no request', async () => {
    await using local = await startLocal(small)
    for (const request of [post(jobs, 'x'.repeat(1001)), chunked('x'.repeat(1001))]) {
      using connection = await connectTo(local)
      connection.send(request + get('/healthz'))
      const answer = await connection.answer()
      assert.deepEqual([answer.status, codeOf(answer)], [413, 'BODY_TOO_LARGE'])
      assert.equal(answer.headers['connection'], 'close')
      assert.equal(await connection.rest(), '')
    }
    assert.equal(local.server.engine.findFunction('f'), undefined)
    await assertAlive(local)
  })

  test('is refused by what it declares, before it comes', async () => {
    await using local = await startLocal(small)
    for (const length of ['1001', '4294967296', '9007199254740993']) {
      const answer = await ask(local, written(`POST ${jobs}`, [`Content-Length: ${length}`]))
      assert.equal(answer.status, 413, length)
    }
  })

  test('is not waited for where its sender may not do this, or is another site', async () => {
    const access = { other: { network: '192.0.2.1', roles: 'admin' } } as const
    await using local = await startLocal({ access })
    const headers = ['Content-Length: 1000000']
    assert.equal((await ask(local, written(`POST ${jobs}`, headers))).status, 401)
    const foreign = await ask(local, written(`POST ${jobs}`, [...headers, 'Origin: https://evil.example']))
    assert.deepEqual([foreign.status, codeOf(foreign)], [403, 'CROSS_SITE'])
  })
})

describe('headers', () => {
  const long = {
    'one long value': get('/healthz', `X-Long: ${'x'.repeat(5000)}`),
    'one long name': get('/healthz', `${'x'.repeat(5000)}: x`),
    'many of them': get('/healthz', ...Array.from({ length: 1500 }, (_, index) => `X-${index}: x`)),
    'a long path': get(`/${'x'.repeat(5000)}`),
    'a long query': get(`/api/jobs?function=${'x'.repeat(5000)}`),
    'a cookie': get('/healthz', `Cookie: geartrain=${'x'.repeat(5000)}`),
    'an endless line': 'x'.repeat(9000),
  }
  for (const [what, request] of Object.entries(long)) {
    test(`past their limit are refused: ${what}`, async () => {
      await using local = await startLocal(small)
      using connection = await connectTo(local)
      connection.send(request)
      const answer = await connection.answer()
      assert.ok(answer.status === 431 || (what === 'an endless line' && answer.status === 400), String(answer.status))
      assert.equal(answer.headers['connection'], 'close')
      await connection.rest()
      await assertAlive(local)
    })
  }

  test('have room up to the limit', async () => {
    await using local = await startLocal(small)
    assert.equal((await ask(local, get('/healthz', `X-Long: ${'x'.repeat(4000)}`))).status, 200)
    assert.equal((await ask(local, get(`/api/jobs/${'x'.repeat(3500)}`))).status, 400)
  })
})

test('a query of thousands of parameters is refused in a sentence', async () => {
  await using local = await startLocal()
  const names = Array.from({ length: 2000 }, (_, index) => `a${index}=`).join('&')
  const again = 'function=a&'.repeat(1400)
  for (const query of [names, again, '&'.repeat(10_000), '='.repeat(10_000), `function=${'%25'.repeat(4000)}`]) {
    const answer = await ask(local, get(`/api/jobs?${query}`))
    assert.ok(answer.status === 400 || answer.status === 200, query.slice(0, 20))
    assert.ok(answer.body.length < 40_000)
  }
  const { status, body } = await ask(local, get(`/api/jobs?${again}`))
  assert.deepEqual([status, (JSON.parse(body) as { code: string }).code], [400, 'BAD_REQUEST'])
  assert.equal((await ask(local, get(`/api/events?${again}`))).status, 400, 'more functions than there may be')
})
