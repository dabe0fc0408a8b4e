import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { startLocal } from '../local-http.ts'
import { ask, assertAlive, codeOf, connectTo, get, post, written } from './requests.ts'

const jobs = 'POST /api/functions/f/jobs'
const chunked = 'Transfer-Encoding: chunked'
/** What a smuggled request would begin with. */
const smuggled = get('/api/openapi.json')

/** Refused with 400, and the connection ends: nobody knows where the next request would begin. */
const unreadable = {
  'no request line': 'HELLO\r\n\r\n',
  'an unknown method': written('HELO /healthz', []),
  'a method in small letters': written('get /healthz', []),
  'another protocol': 'GET /healthz FTP/1.0\r\n\r\n',
  'a version that is none': 'GET /healthz HTTP/9.9\r\nHost: localhost\r\n\r\n',
  'the preface of HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0',
  'the beginning of TLS': '\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03',
  'a Gearman packet': '\0REQ\0\0\0\x10\0\0\0\0',
  'a blank in the path': 'GET /heal thz HTTP/1.1\r\nHost: localhost\r\n\r\n',
  'a NUL in the path': get('/healthz\0'),
  'raw bytes in the path': get('/api/jobs/\xc3\xa9'),
  'a NUL in a header': get('/healthz', 'X: a\0b'),
  'a bare CR in a header': get('/healthz', 'X: a\rContent-Length: 5'),
  'a header name with a blank': get('/healthz', 'X Y: a'),
  'a blank before the colon': written(jobs, ['Content-Length : 3']),
  'a header without a colon': get('/healthz', 'nonsense'),
  'a folded header': get('/healthz', 'X: a\r\n b'),
  'a first header that is folded': 'GET /healthz HTTP/1.1\r\n Host: localhost\r\n\r\n',
  'line feeds alone': 'GET /healthz HTTP/1.1\nHost: localhost\n\n',
  'two lengths': `${written(jobs, ['Content-Length: 3', 'Content-Length: 4'])}abcd${smuggled}`,
  'two lengths that are the same': `${written(jobs, ['Content-Length: 3', 'Content-Length: 3'])}abc`,
  'lengths in a list': `${written(jobs, ['Content-Length: 3, 4'])}abcd${smuggled}`,
  'a length below zero': written(jobs, ['Content-Length: -1']),
  'a length with a sign': `${written(jobs, ['Content-Length: +3'])}abc`,
  'a length in hex': `${written(jobs, ['Content-Length: 0x3'])}abc`,
  'a length past 64 bits': written(jobs, [`Content-Length: ${'9'.repeat(30)}`]),
  'an empty length': `${written(jobs, ['Content-Length:'])}${smuggled}`,
  'a length and chunks': `${written(jobs, ['Content-Length: 5', chunked])}0\r\n\r\n${smuggled}`,
  'chunks and a length': `${written(jobs, [chunked, 'Content-Length: 5'])}0\r\n\r\n${smuggled}`,
  'an unknown transfer encoding': `${written(jobs, ['Transfer-Encoding: xchunked'])}0\r\n\r\n${smuggled}`,
  'chunks that are not last': `${written(jobs, ['Transfer-Encoding: chunked, identity'])}0\r\n\r\n${smuggled}`,
  'chunks with a tab': `${written(jobs, ['Transfer-Encoding: \x0bchunked'])}0\r\n\r\n${smuggled}`,
  'a chunk length that is none': `${written(jobs, [chunked])}zz\r\nabc\r\n0\r\n\r\n`,
  'a chunk length past 64 bits': `${written(jobs, [chunked])}${'f'.repeat(20)}\r\n`,
  'a chunk that is longer than it says': `${written(jobs, [chunked])}3\r\nabcd\r\n0\r\n\r\n`,
  'a chunk that ends with a line feed': `${written(jobs, [chunked])}3\nabc\n0\n\n`,
  'a chunk extension without end': `${written(jobs, [chunked])}3;${'x'.repeat(20_000)}`,
}

describe('what is no HTTP is refused, and costs its own connection only:', () => {
  for (const [what, request] of Object.entries(unreadable)) {
    test(what, async () => {
      await using local = await startLocal()
      using connection = await connectTo(local)
      connection.send(request)
      const answer = await connection.answer()
      assert.deepEqual([answer.status, codeOf(answer)], [400, 'BAD_REQUEST'])
      assert.equal(answer.headers['connection'], 'close')
      assert.equal(await connection.rest(), '', 'nothing comes after it')
      assert.equal(local.server.engine.findFunction('f'), undefined, 'no job was made of it')
      await assertAlive(local)
    })
  }
})

test('HTTP/1.1 without a host is refused, and HTTP/0.9 and 1.0 have no names', async () => {
  await using local = await startLocal()
  assert.equal((await ask(local, 'GET /healthz HTTP/1.1\r\n\r\n')).status, 400)
  assert.equal((await ask(local, 'GET /healthz HTTP/1.0\r\n\r\n')).status, 421)
  assert.equal((await ask(local, 'GET /healthz\r\n\r\n')).status, 421)
  const old = await ask(local, 'GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n')
  assert.deepEqual([old.status, old.headers['connection']], [200, 'close'])
})

test('trailers do not become headers', async () => {
  await using local = await startLocal({ access: { a: { network: '192.0.2.1', roles: 'admin' } } })
  const answer = await ask(local, `${written(jobs, [chunked])}1\r\nx\r\n0\r\nAuthorization: Bearer x\r\n\r\n`)
  assert.equal(answer.status, 401)
})

describe('text in a path that can not be read is refused, and the connection goes on:', () => {
  for (const part of [
    '%',
    '%zz',
    '%c0%af',
    '%e0%80%af',
    '%ed%a0%80',
    '%f8%88%80%80%80',
    '%ff',
    '%f4%90%80%80',
    'a%C3',
  ]) {
    test(part, async () => {
      await using local = await startLocal()
      using connection = await connectTo(local)
      for (const request of [get(`/api/jobs/${part}`), post(`/api/functions/${part}/jobs`, 'x')]) {
        connection.send(request)
        const answer = await connection.answer()
        assert.deepEqual([answer.status, codeOf(answer)], [400, 'BAD_REQUEST'])
      }
      connection.send(get('/healthz'))
      assert.equal((await connection.answer()).status, 200)
    })
  }
})

test('a NUL in a name is refused, since packets end names with it', async () => {
  await using local = await startLocal()
  for (const request of [
    post('/api/functions/a%00b/jobs', 'x'),
    post('/api/functions/a/jobs?unique=a%00b', 'x'),
    post('/api/functions/a/jobs?then=a%00b', 'x'),
    post('/api/functions/a/jobs?reducer=a%00b&wait', 'x'),
    post('/api/functions/a/jobs', 'x', 'X-Geartrain-Unique: a%00b'),
  ]) {
    const answer = await ask(local, request)
    if (request.includes('X-Geartrain')) assert.ok(answer.status === 202 || answer.status === 400, answer.body)
    else assert.deepEqual([answer.status, codeOf(answer)], [400, 'BAD_REQUEST'], request)
  }
})

test('an expectation that is none does no harm', async () => {
  await using local = await startLocal()
  const answer = await ask(local, post('/api/functions/f/jobs', 'x', 'Expect: miracles'))
  assert.ok(answer.status === 417 || answer.status === 202, String(answer.status))
  await assertAlive(local)
})

test('garbage behind a request that has no answer yet is not answered in its place', async () => {
  await using local = await startLocal()
  for (const request of [post('/api/functions/f/jobs?wait', 'x'), get('/api/events')]) {
    using connection = await connectTo(local)
    connection.send(`${request}GARBAGE\r\n\r\n`)
    assert.ok(!(await connection.rest()).includes('400'))
  }
})
